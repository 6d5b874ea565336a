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

const wifi = { SSID: "fieldnode", password: "over the fence" };

test("a node says that the Wi-Fi's password is wrong", async () => {
  const node = await field.startNode({
    settings: { wifi: { SSID: "fieldnode", password: "open sesame" } },
  });
  await node.prints("[wifi.wrong-password]", 2);
});

test("a node says that the Wi-Fi network is not there", async () => {
  const node = await field.startNode({
    settings: { wifi: { SSID: "elsewhere" } },
  });
  await node.prints("[wifi.not-found]", 2);
});

test("a node that finds no network measures all the same, after a while", async () => {
  const node = await field.startNode({
    settings: { wifi: { SSID: "elsewhere" } },
    accessPoint: { timeScale: 10 },
  });
  await node.prints("seq 3 stored");
});

test("a node says that the access point is too far away", async () => {
  const node = await field.startNode({ accessPoint: { RSSI: -93 } });
  await node.prints("[wifi.too-weak]", 2);
});

test("a node says that nobody gives it an address", async () => {
  const node = await field.startNode({
    accessPoint: { events: ["dhcp=silent"], timeScale: 100 },
  });
  await node.prints("[wifi.no-address]", 2);
});

test("a node that the access point puts out says so and comes back", async () => {
  const node = await field.startNode({
    // One of them meets it joined, also on a slow machine.
    accessPoint: { events: ["kick=500", "kick=2000", "kick=6000"] },
  });
  await node.prints("[wifi.kicked]");
  await node.prints("wifi      joined", 2);
});

test("a node joins the next of its networks where the first one is not", async () => {
  const node = await field.startNode({
    settings: { wifi: [{ SSID: "elsewhere" }, wifi] },
    count: 1,
  });
  assert.equal(await node.ended, 0);
});

test("a node finds its access point again without a search, and by a search when it has moved", async () => {
  const first = await field.startNode({ count: 1 });
  assert.equal(await first.ended, 0);
  const moved = await field.startNode({
    accessPoint: { events: ["channel=11"] },
    count: 1,
  });
  assert.equal(await moved.ended, 0);
  const lines = (node: typeof first) =>
    node.lines.filter((line) => line.includes("searching"));
  assert.equal(lines(first).length, 0);
  assert.equal(lines(moved).length, 1);
});

const restarts = process.env.FIELDNODE_LONG ? 100 : 20;

test(`a node loses no sample, and no memory, while its access point restarts ${restarts} times`, async () => {
  const node = await field.startNode({
    accessPoint: { events: ["restart=2000/500"], timeScale: 4 },
    interval: 200,
  });
  const joins = (times: number) =>
    node.prints("wifi      joined", times, 300_000);
  await joins(restarts / 2);
  const before = node.memory;
  await joins(restarts);
  const { memory } = node;
  // What is fresh goes before what is old, so there are gaps now and then; in the end there is none.
  const deadline = Date.now() + 60_000;
  const lost = () =>
    node.acknowledged.filter((number, index) => number !== index + 1);
  while (lost().length > 0 && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(lost(), []);
  assert.ok(node.acknowledged.length > restarts);
  assert.ok(memory <= before + 64, `${before} KB became ${memory} KB`);
});
