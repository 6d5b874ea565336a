import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Backend } from "./backend.js";
import { Field } from "./field.js";

let field: Field;
beforeEach(async () => {
  field = new Field();
  await field.startCloud();
  await field.provision();
});
afterEach(() => field.close());

test("a node that hangs is started anew by its watchdog, and tells on the next connection how the lives before ended", async () => {
  const { port } = field.cloud;
  const node = await field.startNode({ device: ["--watchdog", "30"] });
  await node.prints("seq 1 acknowledged");
  await field.cloud.stop();
  await node.prints("[tcp.unreachable]");
  node.hang();
  await node.prints("wifi      joined", 2);
  const failures = (): number =>
    node.lines.filter((line) => line.includes("[tcp.unreachable]")).length;
  await node.prints("[tcp.unreachable]", failures() + 1);
  node.hang();
  await node.prints("wifi      joined", 3);
  await field.startCloud({ port });
  const backend = await Backend.open(field.cloud, "dt/fieldnode/node-1/start");
  await node.prints("connected as node-1", 2, 60_000);
  const deadline = Date.now() + 20_000;
  while (backend.received.length === 0 && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 20));
  await backend.close();
  const end = { reset: "watchdog", failure: "tcp.unreachable" };
  assert.deepEqual(
    backend.received.map(({ text }) => JSON.parse(text) as object),
    [{ ...end, earlier: [end] }],
  );
});
