import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { TestCloud, type Device } from "./cloud-fixture.js";
import { ServiceClient } from "./service-client.js";

let cloud: TestCloud;
let device: Device;
let client: ServiceClient;

before(async () => {
  cloud = await TestCloud.start({
    choices: { connectRate: 0, publishRate: 0 },
  });
  device = await cloud.freeDevice("rules-device");
  client = await ServiceClient.connect(cloud, device, ["out/#"]);
});
after(() => cloud.stop());

function rule(name: string, sql: string, topic?: string): void {
  cloud.cloud.services.rules.create(name, {
    sql,
    actions: topic === undefined ? [] : [{ republish: { topic, qos: 1 } }],
  });
}

/** What the log shows of a rule. */
const shown = (name: string, pattern = /./) =>
  cloud.event(
    "rule",
    ({ rule: of, result }) => of === name && pattern.test(result),
  );

describe("Basic Ingest and rules (section 9.1)", () => {
  test("a message published to a rule is shown by it, under its topic without the prefix, and reaches no subscriber", async () => {
    rule("ingest", "SELECT * FROM 'never/matches'");
    client.send("$aws/rules/ingest/dt/a/b", { temperature: 21 });
    const event = await shown("ingest");
    assert.deepEqual(
      [event.topic, event.client, event.result],
      ["dt/a/b", "rules-device", '{"temperature":21}'],
    );
    assert.deepEqual(await client.rest(), []);
    const spy = await ServiceClient.connect(cloud, device, [], "rules-spy");
    assert.equal(await spy.wire.subscribe("$aws/rules/#"), undefined);
  });

  test("topic(n) does not count the first three levels", async () => {
    rule("levels", "SELECT topic(1) AS first, topic() AS whole", "out/levels");
    const { body } = await client.request("$aws/rules/levels/dt/a", {});
    assert.deepEqual(body, { first: "dt", whole: "dt/a" });
  });

  test("a rule that is missing or disabled gets its PUBACK; the log says that the message is lost", async () => {
    client.send("$aws/rules/missing/x", {});
    await client.wire.next("puback");
    await shown("missing", /RuleNotFound/);
    rule("off", "SELECT *");
    cloud.cloud.services.rules.setDisabled("off", true);
    client.send("$aws/rules/off/x", {});
    await client.wire.next("puback");
    await shown("off", /disabled/);
    assert.deepEqual(await client.rest(), []);
  });

  test("a rule sees what passes the broker, selects and publishes again", async () => {
    rule(
      "hot",
      "SELECT temperature AS t, site.name, clientid() AS who FROM 'dt/+/telemetry' WHERE temperature > 30 AND site.name <> 'test'",
      "out/hot/${topic(2)}",
    );
    client.send("dt/n1/telemetry", {
      temperature: 20,
      site: { name: "north" },
    });
    client.send("dt/n1/telemetry", { temperature: 40, site: { name: "test" } });
    client.send("dt/n1/telemetry", "no JSON");
    const { topic, body } = await client.request("dt/n1/telemetry", {
      temperature: 31,
      site: { name: "north" },
    });
    assert.equal(topic, "out/hot/n1");
    assert.deepEqual(body, { t: 31, name: "north", who: "rules-device" });
    assert.deepEqual(await client.rest(), []);
  });

  test("12.18: a rule sees a shadow's messages, too", async () => {
    rule(
      "shadows",
      "SELECT state FROM '$aws/things/+/shadow/update/accepted'",
      "out/shadow",
    );
    const { body } = await client.request("$aws/things/t/shadow/update", {
      state: { reported: { a: 1 } },
    });
    assert.deepEqual(body, { state: { reported: { a: 1 } } });
  });

  test("rules that call each other in a circle are stopped", async () => {
    rule("circle", "SELECT * FROM 'out/circle'", "out/circle");
    client.send("out/circle", { a: 1 });
    await shown("circle", /in a circle/);
    assert.equal((await client.rest()).length, 11);
    cloud.cloud.services.rules.delete("circle");
  });

  test("SQL that is none, or that this cloud does not know, is refused with words", () => {
    for (const [sql, words] of [
      ["UPDATE x", /SELECT is expected/],
      ["SELECT", /ends early/],
      ["SELECT * FROM dt", /text in ' is expected/],
      ["SELECT decode(a, 'base64') FROM 'x'", /decode\(\) is none of/],
      ["SELECT * FROM 'x' WHERE a = 1 OR b = 2", /knows SELECT/],
    ] as [string, RegExp][])
      assert.throws(() => rule("bad", sql), words, sql);
    assert.throws(() => rule("bad name", "SELECT *"), {
      code: "InvalidRequestException",
    });
    assert.throws(() => rule("ingest", "SELECT *"), {
      code: "ResourceAlreadyExistsException",
    });
  });

  test("rules are there after a restart", async () => {
    const other = await TestCloud.start();
    other.cloud.services.rules.create("kept", {
      sql: "SELECT * FROM 'a'",
      actions: [],
    });
    await other.restart();
    assert.equal(
      other.cloud.services.rules.describe("kept").rule.sql,
      "SELECT * FROM 'a'",
    );
    await other.stop();
  });
});
