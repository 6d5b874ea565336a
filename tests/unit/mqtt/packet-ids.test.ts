import { PacketIdQueue, PacketIds } from "../../../modules/mqtt/packet-ids.js";
import { deepEqual, equal, ok } from "../assert.js";
import { test } from "../harness.js";

test("wraps packet ids from 65,535 to 1 and leaves out those in use", () => {
  const ids = new PacketIds(65_533);
  const taken = new Set([65_535, 2, 3]);
  const given = [1, 2, 3].map(() => ids.next((id) => taken.has(id)));
  deepEqual(given, [65_534, 1, 4]);
});

test("queues packet ids round and round in their order", () => {
  const queue = new PacketIdQueue(3);
  for (let id = 1; id < 100; id += 2) {
    queue.push(id);
    queue.push(id + 65_000);
    equal(queue.length, 2);
    ok(!queue.full);
    equal(queue.shift(), id);
    equal(queue.shift(), (id + 65_000) & 0xffff);
  }
  for (const id of [1, 2, 3]) queue.push(id);
  ok(queue.full);
});
