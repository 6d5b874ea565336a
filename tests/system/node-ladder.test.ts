import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Field } from "./field.js";

let field: Field;
beforeEach(async () => {
  field = new Field();
  await field.startCloud();
  await field.provision();
});
afterEach(() => field.close());

/** So many of the node's seconds pass in one of the desktop's. */
const timeScale = 1000;

test("a node that cannot reach the cloud tries harder and harder, restarts after an hour and then after two, and still has its first sample", async () => {
  const { endpoint, port } = field.cloud;
  await field.cloud.stop();
  const node = await field.startNode({
    endpoint: `${endpoint}:${port}`,
    interval: 60_000,
    accessPoint: { timeScale },
  });
  const tried = (what: string, times: number): Promise<string> =>
    node.prints(`min: ${what}`, times, 60_000);
  for (const life of [1, 2]) {
    const minutes = [];
    for (const what of [
      "join again",
      "search",
      "restart the radio",
      "restart the node",
    ])
      minutes.push(Number(/for (\d+) min/.exec(await tried(what, life))?.[1]));
    const [join, search, radio, restart] = minutes;
    // After 5 minutes, 10 more, 15 more, and an hour that each restart in vain doubles; all later on a busy machine.
    assert.ok(join >= 5 && search >= join + 10, minutes.join());
    assert.ok(radio >= search + 15, minutes.join());
    assert.ok(restart >= radio + 60 * life, minutes.join());
  }
  await field.startCloud({ port });
  await node.prints("connected as node-1", 1, 60_000);
  await node.prints("seq 1 acknowledged", 1, 60_000);
  const failures = node.lines.filter((line) => line.includes("[wifi."));
  assert.deepEqual(failures, []);
});
