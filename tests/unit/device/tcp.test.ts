import TCP from "embedded:io/socket/tcp";
import Timer from "timer";
import { deepEqual, equal, ok, throws } from "../assert.js";
import { test } from "../harness.js";
import { connect, pattern, Peer, unusedPort } from "./loopback.js";

const pause = (milliseconds: number) =>
  new Promise<void>((resolve) => Timer.set(() => resolve(), milliseconds));

test("announces that it is connected by onWritable with the room of an ESP32's buffer", async () => {
  const { near, far } = await connect();
  let room = 0;
  near.onWritable = (bytes) => (room = bytes);
  equal(near.socket.write(pattern(100)), 5660);
  deepEqual(await far.bytes(100), pattern(100));
  equal(room, 5760);
  near.socket.close();
  far.socket.close();
});

test("write takes all bytes or throws and takes none", async () => {
  const { near, far } = await connect();
  throws(() => near.socket.write(pattern(5761)), /would block/);
  equal(near.socket.write(pattern(5760)), 0);
  throws(() => near.socket.write(Uint8Array.of(1)), /would block/);
  deepEqual(await far.bytes(5760), pattern(5760));
  near.socket.close();
  far.socket.close();
});

test("what is written in one turn arrives in order, from buffers and from views", async () => {
  const { near, far } = await connect();
  near.socket.write(Uint8Array.of(9, 1, 2, 9).subarray(1, 3));
  near.socket.write(Uint8Array.of(3, 4).buffer);
  near.socket.write(new DataView(Uint8Array.of(5, 6).buffer, 1), {
    more: false,
  });
  deepEqual(await far.bytes(5), Uint8Array.of(1, 2, 3, 4, 6));
  near.socket.close();
  far.socket.close();
});

test("loses nothing when the reader stops, and stops the writer", async () => {
  const { near, far } = await connect();
  const total = 800_000; // more than all buffers on the way hold
  const piece = pattern(251 * 20);
  let held = 0;
  far.onReadable = (bytes) => (held = bytes);
  let written = 0;
  const fill = (room: number) => {
    while (room >= piece.length && written < total) {
      room = near.socket.write(piece);
      written += piece.length;
    }
  };
  near.onWritable = fill;
  fill(5760);
  for (let before = -1; before < written;) {
    before = written;
    await pause(20);
  }
  ok(written < total, "the writer was never stopped");
  equal(held, 5760, "bytes that the socket holds while nobody reads");
  let received = 0;
  let wrong = 0;
  await new Promise<void>((resolve) => {
    const drain = () => {
      const part = far.socket.read() as ArrayBuffer | undefined;
      if (part === undefined) return;
      const bytes = new Uint8Array(part);
      if (
        bytes[0] !== received % 251 ||
        bytes.at(-1) !== (received + bytes.length - 1) % 251
      )
        wrong++;
      received += part.byteLength;
      if (received >= total) resolve();
    };
    far.onReadable = drain;
    drain();
  });
  equal(wrong, 0, "pieces out of place");
  near.socket.close();
  far.socket.close();
});

test("read gives what is asked for, into buffers too, and refuses more than there is", async () => {
  const { near, far } = await connect();
  near.socket.write(pattern(10));
  await far.readable();
  deepEqual(far.socket.read(3), pattern(3).buffer);
  const into = new Uint8Array(6);
  equal(far.socket.read(into.subarray(1, 5)), 4);
  deepEqual(into, Uint8Array.of(0, 3, 4, 5, 6, 0));
  throws(() => far.socket.read(4), RangeError);
  throws(() => far.socket.read(new Uint8Array(4)), RangeError);
  deepEqual(far.socket.read(), pattern(3, 7).buffer);
  equal(far.socket.read(), undefined);
  near.socket.close();
  far.socket.close();
});

test("the format number reads and writes single bytes", async () => {
  const { near, far } = await connect();
  near.socket.format = far.socket.format = "number";
  near.socket.write(200);
  near.socket.write(7);
  await far.readable();
  equal(far.socket.read(), 200);
  equal(far.socket.read(), 7);
  equal(far.socket.read(), undefined);
  throws(() => (near.socket.format = "string" as never), RangeError);
  equal(near.socket.format, "number");
  near.socket.close();
  far.socket.close();
});

test("the end of the stream is an error only after the last byte was read", async () => {
  const { near, far } = await connect();
  near.socket.write(pattern(5));
  near.socket.close();
  await far.readable();
  await pause(10);
  equal(far.calls.error, 0);
  equal(near.calls.error, 0);
  const failed = far.failed();
  deepEqual(far.socket.read(), pattern(5).buffer);
  await failed;
  equal(far.socket.write(pattern(1)), 0);
  far.socket.close();
});

test("close sends what was written before, even when all buffers on the way are full", async () => {
  const { near, far } = await connect();
  let written = 0;
  let room = 5760;
  while (room > 0 && written < 800_000) {
    near.socket.write(pattern(room, written));
    written += room;
    room = await Promise.race([near.writable(), pause(50).then(() => 0)]);
  }
  ok(written < 800_000, "the buffers were never full");
  near.socket.close();
  const all = await far.bytes(written);
  deepEqual(all.subarray(-9000), pattern(9000, written - 9000));
  await far.failed();
  far.socket.close();
});

test("a connection that is refused is an error, and never writable", async () => {
  const peer = new Peer({ address: "127.0.0.1", port: unusedPort() });
  throws(() => peer.socket.write(pattern(1)), /not connected/);
  await peer.failed();
  equal(peer.calls.writable, 0);
  peer.socket.close();
});

test("may be closed in each of its own callbacks, and is silent from then on", async () => {
  for (const callback of ["onReadable", "onWritable", "onError"] as const) {
    const { near, far } = await connect();
    await new Promise<void>((resolve) => {
      near[callback] = () => {
        near.socket.close();
        near.socket.close();
        resolve();
      };
      near.socket.write(pattern(1));
      if (callback === "onReadable") far.socket.write(pattern(1));
      if (callback === "onError") far.socket.close();
    });
    const { readable, writable, error } = near.calls;
    if (callback !== "onError") far.socket.write(pattern(10));
    await pause(5);
    deepEqual(near.calls, { readable, writable, error });
    throws(() => near.socket.read(), /closed/);
    far.socket.close();
  }
});

test("hands its connection and its unread bytes over to another socket", async () => {
  const { near, far } = await connect();
  far.socket.write(pattern(20));
  await near.readable();
  const { socket } = near;
  const heir = new Peer({ from: socket });
  equal(await heir.readable(), 20);
  throws(() => socket.read(), /closed/);
  deepEqual(await heir.bytes(20), pattern(20));
  heir.socket.write(pattern(3));
  deepEqual(await far.bytes(3), pattern(3));
  heir.socket.close();
  far.socket.close();
});

test("calls back with itself as this, and keeps the target", async () => {
  const { near, far } = await connect();
  const target = {};
  const seen = await new Promise<TCP>((resolve) => {
    new TCP({
      from: near.socket,
      target,
      onWritable() {
        resolve(this);
      },
    });
  });
  equal(seen.target, target);
  equal(seen.remoteAddress, "127.0.0.1");
  seen.close();
  far.socket.close();
});

test("refuses options that make no sense", () => {
  const wrong: Record<string, unknown>[] = [
    { port: 1 },
    { address: "localhost", port: 1 },
    { address: "127.0.0.1" },
    { address: "127.0.0.1", port: 65536 },
    { address: "127.0.0.1", port: 1, format: "string" },
    { address: "127.0.0.1", port: 1, onReadable: "read" },
  ];
  for (const options of wrong) throws(() => new TCP(options as never));
});
