import UDP from "embedded:io/socket/udp";
import { deepEqual, equal, throws } from "../assert.js";
import { test } from "../harness.js";
import { pattern } from "./loopback.js";

/** Two sockets of 127.0.0.1; `arrived` resolves with the next count of packets at the second. */
function pair() {
  let announce: (packets: number) => void = () => {};
  const near = new UDP({ address: "127.0.0.1" });
  const far = new UDP({
    address: "127.0.0.1",
    onReadable: (packets) => announce(packets),
  });
  return {
    near,
    far,
    arrived: () => new Promise<number>((resolve) => (announce = resolve)),
    close: () => {
      near.close();
      far.close();
    },
  };
}

test("carries packets whole and says where they came from", async () => {
  const { near, far, arrived, close } = pair();
  const count = arrived();
  near.write(pattern(700), "127.0.0.1", far.port);
  equal(await count, 1);
  const packet = far.read()!;
  deepEqual(packet, pattern(700).buffer);
  equal(packet.address, "127.0.0.1");
  equal(packet.port, near.port);
  equal(far.read(), undefined);
  close();
});

test("reads into a buffer, and keeps a packet that the buffer is too small for", async () => {
  const { near, far, arrived, close } = pair();
  const count = arrived();
  near.write(pattern(4), "127.0.0.1", far.port);
  await count;
  throws(() => far.read(new Uint8Array(3)), RangeError);
  const into = new Uint8Array(6);
  equal(far.read(into), 4);
  deepEqual(into, Uint8Array.of(0, 1, 2, 3, 0, 0));
  close();
});

test("keeps the order of packets and an empty packet", async () => {
  const { near, far, arrived, close } = pair();
  for (const size of [3, 0, 2])
    near.write(pattern(size), "127.0.0.1", far.port);
  const sizes: number[] = [];
  while (sizes.length < 3) {
    const packet = far.read();
    if (packet === undefined) await arrived();
    else sizes.push(packet.byteLength);
  }
  deepEqual(sizes, [3, 0, 2]);
  close();
});

test("may be closed in its callback, and cannot be used after", async () => {
  const near = new UDP({ address: "127.0.0.1" });
  await new Promise<void>((resolve) => {
    const far = new UDP({
      address: "127.0.0.1",
      onReadable() {
        this.close();
        this.close();
        throws(() => this.read(), /closed/);
        resolve();
      },
    });
    near.write(pattern(1), "127.0.0.1", far.port);
  });
  near.close();
});

test("refuses a port that is taken, an address that is none, and multicast", () => {
  const { near, close } = pair();
  throws(() => new UDP({ address: "127.0.0.1", port: near.port }), /port/);
  throws(() => near.write(pattern(1), "localhost", 5), RangeError);
  throws(() => new UDP({ multicast: "224.0.0.251" } as never), RangeError);
  close();
});
