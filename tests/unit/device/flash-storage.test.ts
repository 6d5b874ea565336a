import FlashStorage from "embedded:storage/flash";
import { deepEqual, equal, ok, throws } from "../assert.js";
import { test } from "../harness.js";

const bytes = (...values: number[]) => new Uint8Array(values);
const read = (
  flash: ReturnType<typeof FlashStorage.open>,
  at: number,
  length: number,
) => new Uint8Array(flash.read(length, at));

test("a partition is erased at first, and has blocks of 4 KB", () => {
  const flash = FlashStorage.open({ path: "outbox" });
  deepEqual(flash.status(), { size: 524_288, blockLength: 4096, blocks: 128 });
  ok(read(flash, 0, 4096).every((byte) => byte === 0xff));
  ok(read(flash, 524_288 - 10, 10).every((byte) => byte === 0xff));
  flash.close();
});

test("a write turns ones into zeros and never zeros into ones, also over two blocks", () => {
  const flash = FlashStorage.open({ path: "outbox" });
  flash.write(bytes(0xf0, 0x0f, 0xaa), 4095);
  flash.write(bytes(0x3c, 0xff, 0x55), 4095);
  deepEqual(read(flash, 4095, 3), bytes(0x30, 0x0f, 0));
  flash.eraseBlock(0);
  deepEqual(read(flash, 4095, 3), bytes(0xff, 0x0f, 0));
  flash.eraseBlock(0, 2);
  deepEqual(read(flash, 4095, 3), bytes(0xff, 0xff, 0xff));
  flash.close();
});

test("what was written is there when the partition is opened again", () => {
  const flash = FlashStorage.open({ path: "outbox" });
  flash.write(bytes(1, 2, 3).buffer, 9000);
  flash.close();
  const again = FlashStorage.open({ path: "outbox", mode: "r" });
  const into = new Uint8Array(2);
  equal(again.read(into, 9001), 2);
  deepEqual(into, bytes(2, 3));
  throws(() => again.write(bytes(0), 0), /read-only/);
  throws(() => again.eraseBlock(0), /read-only/);
  again.close();
});

test("what is outside of the partition is refused", () => {
  const flash = FlashStorage.open({ path: "outbox" });
  throws(() => flash.write(bytes(0), 524_288), RangeError);
  throws(() => flash.read(2, 524_287), RangeError);
  throws(() => flash.read(1, -1), RangeError);
  throws(() => flash.eraseBlock(128), RangeError);
  flash.close();
  throws(() => flash.read(1, 0), /closed/);
});

test("partitions have the names of the partition table", () => {
  deepEqual([...FlashStorage], ["outbox"]);
  throws(() => FlashStorage.open({ path: "elsewhere" }), /no partition/);
});
