import Time from "time";
import Timer from "timer";
import Heap from "../../../simulator/device/modules/heap.js";
import { equal, ok } from "../assert.js";
import { test } from "../harness.js";
import { connect, pattern } from "./loopback.js";

/** What a thousand runs of `body` take from the heap, in slots and in bytes of chunks, after one run to warm up. */
function cost(body: () => void): { slots: number; chunks: number } {
  body();
  Heap.collect();
  const slots = Heap.slots;
  const chunks = Heap.chunks;
  for (let i = 0; i < 1000; i++) body();
  const moreSlots = Heap.slots - slots;
  const moreChunks = Heap.chunks - chunks;
  return { slots: moreSlots, chunks: moreChunks };
}

test("a native call allocates nothing: getters, static methods, arguments, buffers", async () => {
  const { near, far } = await connect();
  const byte = new Uint8Array(1);
  near.socket.write(pattern(5000));
  while (far.calls.readable === 0) await far.readable();
  const bodies: Record<string, () => void> = {
    "static getter": () => Time.ticks,
    getter: () => near.socket.remotePort,
    "method with an argument": () => near.socket.write(byte),
    "method with rest parameters": () => far.socket.read(byte),
  };
  for (const [name, body] of Object.entries(bodies)) {
    const { slots, chunks } = cost(body);
    equal(slots, 0, `slots of a ${name}`);
    equal(chunks, 0, `bytes of a ${name}`);
  }
  near.socket.close();
  far.socket.close();
});

test("timers that have fired and sockets that were closed leave nothing behind", async () => {
  const round = async () => {
    await new Promise<void>((resolve) => Timer.set(() => resolve()));
    const { near, far } = await connect();
    near.socket.close();
    far.socket.close();
  };
  const live = async (rounds: number) => {
    for (let i = 0; i < rounds; i++) await round();
    Heap.collect();
    return Heap.slots;
  };
  await live(3);
  const before = await live(3);
  const after = await live(50);
  ok(after - before < 50, `${after - before} slots more after 50 rounds`);
});
