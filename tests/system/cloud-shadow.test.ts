import assert from "node:assert/strict";
import {
  after,
  afterEach,
  before,
  beforeEach,
  describe,
  test,
} from "node:test";
import { ShadowError } from "../../simulator/cloud/shadow/shadow-error.js";
import { allow, TestCloud, WireClient, type Device } from "./cloud-fixture.js";
import {
  ServiceClient,
  type Json,
  type ServiceMessage,
} from "./service-client.js";

let cloud: TestCloud;
let device: Device;
let client: ServiceClient;
let prefix: string;
let things = 0;

before(async () => {
  cloud = await TestCloud.start({
    choices: { connectRate: 0, shadowRate: 0, publishRate: 0 },
  });
  device = await cloud.freeDevice("shadow-device");
  client = await ServiceClient.connect(cloud, device, [
    "$aws/things/+/shadow/+/+",
    "$aws/things/+/shadow/name/+/+/+",
  ]);
});
after(() => cloud.stop());

afterEach(() => client.rest());
beforeEach(() => {
  prefix = `$aws/things/t${++things}/shadow`;
});

/** The kinds of the messages that came, in order: `update/accepted` and so on. */
const kinds = (messages: ServiceMessage[]) =>
  messages.map(({ topic }) => topic.split("/").slice(-2).join("/"));

/** Updates the shadow and returns accepted, delta and documents, each if it came. */
async function update(state: unknown, more: object = {}) {
  client.send(`${prefix}/update`, { state, ...more });
  const messages = await client.rest();
  const of = (kind: string) =>
    messages.find(({ topic }) => topic.endsWith(kind))?.body as Json;
  return {
    messages,
    accepted: of("/accepted"),
    rejected: of("/rejected"),
    delta: of("/delta"),
    documents: of("/documents"),
  };
}

const get = async () => (await client.request(`${prefix}/get`)).body;

describe("shadows: rules of section 4.3", () => {
  test("4.3.1: an update merges recursively, null deletes a key or a whole section", async () => {
    await update({
      desired: { a: { b: 1, c: 2 }, d: 3 },
      reported: { x: 1 },
    });
    await update({ desired: { a: { b: null, e: 5 } } });
    assert.deepEqual((await get()).state.desired, { a: { c: 2, e: 5 }, d: 3 });
    await update({ desired: null });
    const { state, metadata } = await get();
    assert.deepEqual(state, { reported: { x: 1 } });
    assert.deepEqual(Object.keys(metadata), ["reported"]);
  });

  test("4.3.2: arrays are replaced whole and may not contain null", async () => {
    await update({ reported: { list: [1, 2, 3], deep: [{ a: 1 }] } });
    await update({ reported: { list: [9] } });
    const { state, metadata } = await get();
    assert.deepEqual(state.reported, { list: [9], deep: [{ a: 1 }] });
    assert.equal(metadata.reported.list.length, 1);
    assert.equal(typeof metadata.reported.deep[0].a.timestamp, "number");
    const { rejected } = await update({ reported: { list: [1, null] } });
    assert.equal(rejected.code, 400);
    assert.equal(rejected.message, "State contains an invalid node");
  });

  test("4.3.3: empty sections are left out of documents", async () => {
    await update({ desired: {}, reported: { a: 1 } });
    assert.deepEqual((await get()).state, { reported: { a: 1 } });
    const { documents } = await update({ reported: { a: null } });
    assert.deepEqual(documents.current.state, {});
    assert.deepEqual((await get()).state, {});
  });

  test("4.3.4: only desired and reported are stored, other keys under state are ignored", async () => {
    const { accepted } = await update({ reported: { a: 1 }, wanted: { b: 2 } });
    assert.deepEqual(accepted.state, { reported: { a: 1 } });
    assert.deepEqual((await get()).state, { reported: { a: 1 } });
  });

  test("4.3.5, 12.15: delta holds bare desired leaves that are missing or different, paths kept, arrays whole, nothing that is only reported", async () => {
    const { delta } = await update({
      desired: { a: { same: 1, other: 2 }, list: [1, 2], gone: 5, equal: [1] },
      reported: { a: { same: 1, other: 9 }, list: [1], equal: [1], only: 7 },
    });
    assert.deepEqual(delta.state, { a: { other: 2 }, list: [1, 2], gone: 5 });
    assert.equal(typeof delta.metadata.a.other.timestamp, "number");
    assert.deepEqual(Object.keys(delta.metadata), ["a", "list", "gone"]);
    const { state } = await get();
    assert.deepEqual(state.delta, delta.state);
  });

  test("4.3.6, 12.15: delta comes after any accepted update that leaves a difference, also one of reported alone", async () => {
    await update({ desired: { a: 1, b: 1 } });
    const reported = await update({ reported: { a: 1 } });
    assert.deepEqual(reported.delta.state, { b: 1 });
    const equal = await update({ reported: { b: 1 } });
    assert.equal(equal.delta, undefined);
    assert.deepEqual(kinds(equal.messages), [
      "update/accepted",
      "update/documents",
    ]);
  });

  test("4.3.7: version must equal the current one, else 409; without it nothing is checked", async () => {
    await update({ reported: { a: 1 } });
    assert.equal(
      (await update({ reported: { a: 2 } }, { version: 1 })).accepted.version,
      2,
    );
    const { rejected } = await update(
      { reported: { a: 3 } },
      { version: 1, clientToken: "late" },
    );
    assert.equal(rejected.code, 409);
    assert.equal(rejected.message, "Version conflict");
    assert.equal(rejected.clientToken, "late");
    assert.equal((await get()).version, 2);
  });

  test("4.3.8: versions begin at 1 and grow by 1; delete answers with that of the deleted document", async () => {
    for (const version of [1, 2, 3])
      assert.equal(
        (await update({ reported: { version } })).accepted.version,
        version,
      );
    const { topic, body } = await client.request(`${prefix}/delete`);
    assert.equal(topic, `${prefix}/delete/accepted`);
    assert.equal(body.version, 3);
  });

  test("4.3.10: delete needs no body, and of one that is there only clientToken counts", async () => {
    await update({ reported: { a: 1 } });
    const first = await client.request(`${prefix}/delete`, {
      clientToken: "token",
      version: 77,
    });
    assert.deepEqual(
      [first.body.clientToken, first.body.version],
      ["token", 1],
    );
    await update({ reported: { a: 1 } });
    const second = await client.request(`${prefix}/delete`, "no JSON at all");
    assert.equal(second.topic, `${prefix}/delete/accepted`);
  });

  test("4.3.13: getting a shadow that does not exist is 404 with its name in quotes", async () => {
    const { topic, body } = await client.request(`${prefix}/get`, {
      clientToken: "t",
    });
    assert.equal(topic, `${prefix}/get/rejected`);
    assert.equal(body.code, 404);
    assert.equal(
      body.message,
      `No shadow exists with name: '${prefix.split("/")[2]}'`,
    );
    assert.equal(body.clientToken, "t");
    const named = await client.request(`${prefix}/name/lamp/get`);
    assert.equal(named.body.message, "No shadow exists with name: 'lamp'");
  });

  test("4.3.14: the order is accepted, delta, documents", async () => {
    const { messages } = await update({ desired: { a: 1 } });
    assert.deepEqual(kinds(messages), [
      "update/accepted",
      "update/delta",
      "update/documents",
    ]);
  });

  test("4.3.15: an update that changes nothing counts as a version and is told", async () => {
    await update({ reported: { a: 1 } });
    const { accepted, documents } = await update({ reported: { a: 1 } });
    assert.equal(accepted.version, 2);
    assert.equal(documents.current.version, 2);
  });
});

describe("shadows: points of section 12 and documents", () => {
  test("12.14: update/accepted has only the fields of the request", async () => {
    await update({ desired: { a: 1 }, reported: { b: { c: 1, d: 2 } } });
    const { accepted } = await update(
      { reported: { b: { c: 5 }, gone: null } },
      { clientToken: "me" },
    );
    assert.deepEqual(accepted.state, { reported: { b: { c: 5 }, gone: null } });
    assert.deepEqual(Object.keys(accepted.metadata.reported), ["b"]);
    assert.deepEqual(Object.keys(accepted.metadata.reported.b), ["c"]);
    assert.equal(accepted.clientToken, "me");
    assert.ok(Number(accepted.timestamp) < 10_000_000_000, "seconds");
  });

  test("12.16: documents has previous and current, without delta", async () => {
    await update({ desired: { a: 1 } });
    const { documents } = await update({ reported: { a: 2 } });
    assert.deepEqual(documents.previous.state, { desired: { a: 1 } });
    assert.deepEqual(documents.current.state, {
      desired: { a: 1 },
      reported: { a: 2 },
    });
    assert.deepEqual(
      [documents.previous.version, documents.current.version],
      [1, 2],
    );
    assert.equal(documents.current.metadata.delta, undefined);
  });

  test("12.17: the thing need not be registered", async () => {
    assert.equal(
      cloud.cloud.registry.things.find(prefix.split("/")[2]),
      undefined,
    );
    assert.equal((await update({ reported: { a: 1 } })).accepted.version, 1);
  });

  test("12.18: a will on a shadow's topic reaches subscribers, but the shadow ignores it", async () => {
    await client.wire.subscribe(`${prefix}/update`);
    const dying = await WireClient.connect(cloud, device, {
      clientId: "dying",
      will: {
        topic: `${prefix}/update`,
        payload: Buffer.from('{"state":{"reported":{"will":1}}}'),
        qos: 1,
        retain: false,
      },
    });
    await dying.drop();
    const message = await client.next();
    assert.equal(message.topic, `${prefix}/update`);
    assert.deepEqual(await client.rest(), []);
    assert.equal((await client.request(`${prefix}/get`)).body.code, 404);
  });

  test("named shadows are apart from each other and from the classic one", async () => {
    for (const name of ["one", "two"])
      client.send(`${prefix}/name/${name}/update`, {
        state: { desired: { name } },
      });
    await client.rest();
    const one = await client.request(`${prefix}/name/one/get`);
    assert.deepEqual(one.body.state.desired, { name: "one" });
    assert.equal((await client.request(`${prefix}/get`)).body.code, 404);
    const removed = await client.request(`${prefix}/name/one/delete`);
    assert.equal(removed.topic, `${prefix}/name/one/delete/accepted`);
    const { services } = cloud.cloud;
    const thing = prefix.split("/")[2];
    assert.deepEqual(services.shadows.list(thing, 25).results, ["two"]);
  });

  test("keys that JavaScript knows are keys like any other", async () => {
    const text = '{"__proto__":{"a":1},"constructor":2,"toString":{"b":3}}';
    client.send(`${prefix}/update`, `{"state":{"desired":${text}}}`);
    await client.rest();
    client.wire.publish(`${prefix}/get`, "");
    const [, answer] = (await client.wire.message())!;
    assert.match(answer, new RegExp(`"desired":${text.replace(/[{}]/g, ".")}`));
    assert.match(answer, /"delta":.{30,}constructor/);
  });

  test("answers need iot:Receive, requests iot:Publish, as any topic", async () => {
    const shadow = "$aws/things/limited-shadow/shadow";
    const limited = await cloud.device("limited-shadow", [
      allow("iot:Connect", "*"),
      allow("iot:Subscribe", "*"),
      allow("iot:Publish", `topic/${shadow}/get`),
      allow("iot:Receive", `topic/${shadow}/get/rejected`),
    ]);
    const own = await ServiceClient.connect(cloud, limited, [`${shadow}/+/+`]);
    assert.equal((await own.request(`${shadow}/get`)).body.code, 404);
    await client.request(`${prefix}/get`);
    cloud.cloud.services.shadows.update(
      { thingName: "limited-shadow" },
      { state: { reported: { a: 1 } } },
    );
    own.send(`${shadow}/get`);
    assert.deepEqual(await own.rest(), []);
    own.send(`${shadow}/update`, "{}");
    assert.equal(await own.wire.hungUp(), true);
  });

  test("clients do not publish answers, nor to topics that no service has", async () => {
    for (const topic of [
      `${prefix}/update/accepted`,
      `${prefix}/bogus`,
      "$aws/events/presence/connected/x",
      "$aws/things/t/tunnels/notify",
    ]) {
      const wire = await WireClient.connect(cloud, device, { clientId: "x" });
      wire.publish(topic, "{}", { qos: 1 });
      assert.equal(await wire.hungUp(), true, topic);
    }
  });

  test("shadows and the version of a deleted one are there after a restart", async () => {
    const other = await TestCloud.start();
    const { shadows } = other.cloud.services;
    shadows.update({ thingName: "a" }, { state: { desired: { x: [1] } } });
    shadows.update({ thingName: "b" }, { state: { desired: { x: 1 } } });
    shadows.delete({ thingName: "b" }, {});
    const whole = shadows.get({ thingName: "a" }, {});
    await other.restart();
    const again = other.cloud.services.shadows;
    assert.deepEqual(
      { ...again.get({ thingName: "a" }, {}), timestamp: 0 },
      { ...whole, timestamp: 0 },
    );
    const { accepted } = again.update(
      { thingName: "b" },
      { state: { desired: { x: 1 } } },
    );
    assert.equal(accepted.version, 2);
    await other.stop();
  });
});

describe("shadows: errors of section 4.4 and limits of 4.5", () => {
  const nested = (levels: number): object =>
    levels === 0 ? { leaf: 1 } : { inner: nested(levels - 1) };
  const cases: [string, string | object, number, string][] = [
    ["no JSON", "{", 400, "Invalid JSON"],
    ["no object", "[1]", 400, "Invalid JSON"],
    ["no state", {}, 400, "Missing required node: state"],
    ["state", { state: 5 }, 400, "State node must be an object"],
    [
      "desired",
      { state: { desired: [] } },
      400,
      "Desired node must be an object",
    ],
    [
      "reported",
      { state: { reported: "x" } },
      400,
      "Reported node must be an object",
    ],
    ["version", { state: {}, version: "1" }, 400, "Invalid version"],
    [
      "clientToken",
      { state: {}, clientToken: "x".repeat(65) },
      400,
      "Invalid clientToken",
    ],
    [
      "nesting",
      { state: { desired: nested(6) } },
      400,
      "JSON contains too many levels of nesting; maximum is 6",
    ],
    [
      "size",
      { state: { desired: { a: "x".repeat(8200) } } },
      413,
      "The payload exceeds the maximum size allowed",
    ],
  ];
  for (const [name, request, code, message] of cases)
    test(`${code} ${message} (${name})`, async () => {
      const { topic, body } = await client.request(`${prefix}/update`, request);
      assert.equal(topic, `${prefix}/update/rejected`);
      assert.equal(body.code, code);
      assert.equal(body.message, message);
    });

  test("415 for what is not UTF-8", async () => {
    const { body } = await client.request(
      `${prefix}/update`,
      Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]),
    );
    assert.equal(body.code, 415);
  });

  test("6 levels and 8 KB are allowed", async () => {
    assert.ok((await update({ desired: nested(5) })).accepted);
    await update({ desired: null });
    const filler = "x".repeat(8192 - '{"desired":{"a":""}}'.length);
    assert.ok((await update({ desired: { a: filler } })).accepted);
    const { rejected } = await update({ reported: { b: 1 } });
    assert.equal(rejected.code, 413);
  });

  test("400 for a thing or a shadow whose name is none", () => {
    const { shadows } = cloud.cloud.services;
    for (const id of [
      { thingName: "a b" },
      { thingName: "x".repeat(129) },
      { thingName: "t", shadowName: "x".repeat(65) },
    ])
      assert.throws(
        () => shadows.get(id, {}),
        (error) => error instanceof ShadowError && error.code === 400,
      );
  });
});
