import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { IPubackPacket, IPublishPacket } from "mqtt-packet";
import {
  allow,
  deny,
  sleep,
  TestCloud,
  WireClient,
  type Device,
} from "./cloud-fixture.js";

const v5 = { protocolVersion: 5 } as const;
let cloud: TestCloud;
let free: Device;
let limited: Device;

before(async () => {
  cloud = await TestCloud.start({ choices: { connectRate: 0, replayRate: 0 } });
  free = await cloud.freeDevice("free");
  limited = await cloud.device("limited", [
    allow("iot:Connect", "client/limited"),
    allow(["iot:Publish", "iot:Receive"], "topic/ok/*"),
    allow("iot:Subscribe", "topicfilter/ok/*", "topicfilter/a/#"),
    allow("iot:Receive", "topic/a/*"),
    deny("iot:Receive", "topic/a/secret*"),
  ]);
});
after(() => cloud.stop());

const connect = (device: Device, clientId = device.name, version: 4 | 5 = 4) =>
  WireClient.connect(cloud, device, { clientId, protocolVersion: version });

async function puback(client: WireClient): Promise<IPubackPacket | undefined> {
  return (await client.next("puback")) as IPubackPacket | undefined;
}

describe("unauthorised operations (section 2.5)", () => {
  test("2: SUBSCRIBE in MQTT 3.1.1 closes the connection, no SUBACK 0x80", async () => {
    const client = await connect(limited);
    assert.equal(await client.subscribe("not/ok"), undefined);
    assert.equal(await client.hungUp(), true);
  });

  test("2: one denied filter among allowed ones closes a 3.1.1 connection", async () => {
    const client = await connect(limited);
    const codes = await client.subscribe([
      { topic: "ok/1", qos: 1 },
      { topic: "not/ok", qos: 1 },
    ]);
    assert.equal(codes, undefined);
  });

  test("SUBSCRIBE in MQTT 5 gets SUBACK 0x87 for that filter and stays connected", async () => {
    const client = await connect(limited, "limited", 5);
    const codes = await client.subscribe([
      { topic: "not/ok", qos: 1 },
      { topic: "ok/1", qos: 1 },
    ]);
    assert.deepEqual(codes, [0x87, 1]);
    assert.equal(await client.ping(), true);
    await client.disconnect();
  });

  test("3: PUBLISH QoS 1 in MQTT 3.1.1 closes the connection, no PUBACK", async () => {
    const client = await connect(limited);
    client.publish("not/ok", "x", { qos: 1 });
    assert.equal(await client.hungUp(), true);
    assert.deepEqual(client.packets, []);
  });

  test("3: PUBLISH QoS 1 in MQTT 5 gets PUBACK 0x87 and stays connected", async () => {
    const client = await connect(limited, "limited", 5);
    client.publish("not/ok", "x", { qos: 1 });
    const answer = await puback(client);
    assert.equal(answer?.reasonCode, 0x87);
    assert.match(
      answer.properties?.reasonString ?? "",
      /^PUBACK:.+:[0-9a-f-]{36}$/,
    );
    assert.equal(await client.ping(), true);
    await client.disconnect();
  });

  test("PUBLISH QoS 0 closes a 3.1.1 connection and is dropped in MQTT 5", async () => {
    const three = await connect(limited);
    three.publish("not/ok", "x");
    assert.equal(await three.hungUp(), true);
    const five = await connect(limited, "limited", 5);
    five.publish("not/ok", "x");
    assert.equal(await five.ping(), true);
    await five.disconnect();
  });

  test("delivery without iot:Receive: the message does not arrive, the log says why", async () => {
    const sender = await connect(free, "sender");
    for (const version of [4, 5] as const) {
      const client = await connect(limited, "limited", version);
      assert.deepEqual(await client.subscribe("a/#"), [1]);
      sender.publish("a/secret/plan", "no", { qos: 1 });
      sender.publish("a/open", "yes", { qos: 1 });
      assert.deepEqual(await client.message(), ["a/open", "yes"]);
      await client.disconnect();
    }
    await cloud.event("denied", ({ action }) => action === "iot:Receive");
    await sender.disconnect();
  });

  test("SUBSCRIBE $SYS/# closes the connection", async () => {
    const client = await connect(free);
    assert.equal(await client.subscribe("$SYS/#"), undefined);
    assert.equal(await client.hungUp(), true);
  });

  test("PUBLISH to a $ topic that AWS does not list closes the connection", async () => {
    const client = await connect(free);
    client.publish("$mine/topic", "x");
    assert.equal(await client.hungUp(), true);
  });
});

describe("limits (section 2.2)", () => {
  test("payload of 131,072 bytes passes, one byte more ends the connection (0x95)", async () => {
    const five = await connect(free, "free", 5);
    five.publish("big", Buffer.alloc(131_072), { qos: 1 });
    assert.equal((await puback(five))?.reasonCode, 0);
    five.publish("big", Buffer.alloc(131_073), { qos: 1 });
    assert.equal(await five.disconnectCode(), 0x95);
    const three = await connect(free);
    three.publish("big", Buffer.alloc(131_073));
    assert.equal(await three.hungUp(), true);
  });

  test("a packet of more than 149,504 bytes is refused by its header", async () => {
    const client = await connect(free, "free", 5);
    client.socket.write(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x01]));
    assert.equal(await client.disconnectCode(), 0x95);
  });

  test("a topic of 256 bytes and 7 slashes passes, more does not (0x90)", async () => {
    const five = await connect(free, "free", 5);
    for (const [topic, code] of [
      ["é".repeat(128), 0],
      [`${"é".repeat(128)}x`, 0x90],
      ["1/2/3/4/5/6/7/8", 0],
      ["1/2/3/4/5/6/7/8/9", 0x90],
      ["with/+", 0x90],
    ] as const) {
      five.publish(topic, "x", { qos: 1 });
      assert.equal((await puback(five))?.reasonCode, code, topic);
    }
    assert.deepEqual(await five.subscribe("1/2/3/4/5/6/7/8/9"), [0x8f]);
    assert.deepEqual(await five.subscribe("x".repeat(257)), [0x8f]);
    assert.deepEqual(await five.subscribe("$share/group/1/2/3/4/5/6/7/8"), [1]);
    five.publish("1/2/3/4/5/6/7/8/9", "x");
    assert.equal(await five.disconnectCode(), 0x90);
    const three = await connect(free);
    three.publish("1/2/3/4/5/6/7/8/9", "x");
    assert.equal(await three.hungUp(), true);
  });

  test("28: reserved topics of AWS are exempt from the depth limit", async () => {
    const client = await connect(free, "free", 5);
    const topic = "$aws/commands/things/t/executions/1/response/accepted/json";
    assert.deepEqual(await client.subscribe(topic), [1]);
    assert.deepEqual(
      await client.subscribe("$aws/things/t/1/2/3/4/5/6/7"),
      [1],
    );
    await client.disconnect();
  });

  test("28: the prefix of Basic Ingest is not counted", async () => {
    const client = await connect(free, "free", 5);
    client.publish(`$aws/rules/my_rule/1/2/3/4/5/6/7/${"x".repeat(240)}`, "x", {
      qos: 1,
    });
    assert.equal((await puback(client))?.reasonCode, 0);
    const event = await cloud.event("rule");
    assert.equal(event.rule, "my_rule");
    await client.disconnect();
  });

  test("23: more than 8 filters in a SUBSCRIBE or UNSUBSCRIBE end the connection", async () => {
    const filters = (count: number) =>
      Array.from({ length: count }, (_, index) => ({
        topic: `f/${index}`,
        qos: 0 as const,
      }));
    const three = await connect(free);
    assert.equal((await three.subscribe(filters(8)))?.length, 8);
    assert.equal(await three.subscribe(filters(9)), undefined);
    assert.equal(await three.hungUp(), true);
    const five = await connect(free, "free", 5);
    five.send({
      cmd: "unsubscribe",
      messageId: 3,
      unsubscriptions: filters(9).map(({ topic }) => topic),
    });
    assert.equal(await five.disconnectCode(), 0x97);
  });

  test("the 51st subscription gets SUBACK 0x80, or 0x97 in MQTT 5", async () => {
    for (const [version, code] of [
      [4, 0x80],
      [5, 0x97],
    ] as const) {
      const client = await connect(free, "free", version);
      for (let index = 0; index < 50; index++)
        assert.deepEqual(await client.subscribe(`s/${index}`), [1]);
      assert.deepEqual(await client.subscribe("s/50"), [code]);
      assert.deepEqual(await client.subscribe("s/49"), [1]);
      await client.disconnect();
    }
  });

  test("at most 100 QoS 1 messages are on their way to a client, or fewer if it says so", async () => {
    const quick = await TestCloud.start({ choices: { publishRate: 0 } });
    const device = await quick.freeDevice("window");
    const sender = await WireClient.connect(quick, device, {
      clientId: "sender",
    });
    for (const [receiveMaximum, expected] of [
      [undefined, 100],
      [5, 5],
    ] as const) {
      const client = await WireClient.connect(quick, device, {
        clientId: "window",
        ...v5,
        ...(receiveMaximum && { properties: { receiveMaximum } }),
      });
      client.stopAnswering();
      await client.subscribe("w");
      for (let index = 1; index <= 120; index++)
        sender.publish("w", String(index), { qos: 1, messageId: index });
      await sender.ping();
      await client.ping();
      const got = client.packets.filter(({ cmd }) => cmd === "publish");
      assert.equal(got.length, expected);
      client.send({
        cmd: "puback",
        messageId: got[0].messageId!,
        reasonCode: 0,
      });
      await client.ping();
      assert.equal(
        client.packets.filter(({ cmd }) => cmd === "publish").length,
        expected + 1,
      );
      await client.drop();
    }
    await quick.stop();
  });

  test("24: a throttled QoS 1 publish gets no PUBACK and no error", async () => {
    const client = await connect(free, "free", 5);
    for (let index = 1; index <= 150; index++)
      client.publish("fast", "x", { qos: 1, messageId: index });
    await client.ping();
    const answers = client.packets.filter(({ cmd }) => cmd === "puback");
    assert.ok(
      answers.length >= 100 && answers.length < 150,
      `${answers.length} PUBACKs`,
    );
    assert.ok(
      answers.every((packet) => (packet as IPubackPacket).reasonCode === 0),
    );
    await cloud.event("discarded", ({ reason }) =>
      reason.includes("no PUBACK"),
    );
    await client.disconnect();
  });
});

test("more than 100 deliveries a second: QoS 1 waits and all arrive", async () => {
  const client = await connect(free, "hasty");
  await client.subscribe("hasty");
  const sender = await connect(free, "hasty-1");
  const second = await connect(free, "hasty-2");
  for (let id = 1; id <= 70; id++)
    for (const each of [sender, second])
      each.publish("hasty", "x", { qos: 1, messageId: id });
  for (let count = 0; count < 140; count++)
    assert.ok(await client.message(60_000), `message ${count}`);
  for (const each of [client, sender, second]) await each.disconnect();
});

describe("QoS 2 (section 2.1)", () => {
  test("PUBLISH and SUBSCRIBE get no answer in MQTT 3.1.1", async () => {
    const client = await connect(free);
    client.publish("q", "x", { qos: 2 });
    client.send({
      cmd: "subscribe",
      messageId: 9,
      subscriptions: [{ topic: "q", qos: 2 }],
    });
    assert.equal(await client.ping(), true);
    assert.deepEqual(client.packets, []);
    await client.disconnect();
  });

  test("both end an MQTT 5 connection with 0x9B", async () => {
    const first = await connect(free, "free", 5);
    first.publish("q", "x", { qos: 2 });
    assert.equal(await first.disconnectCode(), 0x9b);
    const second = await connect(free, "free", 5);
    second.send({
      cmd: "subscribe",
      messageId: 9,
      subscriptions: [{ topic: "q", qos: 2 }],
    });
    assert.equal(await second.disconnectCode(), 0x9b);
  });
});

describe("what MQTT 5 clients may not do (section 2.1)", () => {
  test("a subscription identifier: DISCONNECT 0xA1", async () => {
    const client = await connect(free, "free", 5);
    client.send({
      cmd: "subscribe",
      messageId: 1,
      properties: { subscriptionIdentifier: 5 },
      subscriptions: [{ topic: "a", qos: 0 }],
    });
    assert.equal(await client.disconnectCode(), 0xa1);
  });

  test("a ninth topic alias: DISCONNECT 0x94; eight work", async () => {
    const client = await connect(free, "free", 5);
    await client.subscribe("aliased");
    client.publish("aliased", "one", { properties: { topicAlias: 8 } });
    client.publish("", "two", { properties: { topicAlias: 8 } });
    assert.deepEqual(await client.message(), ["aliased", "one"]);
    assert.deepEqual(await client.message(), ["aliased", "two"]);
    client.publish("aliased", "x", { properties: { topicAlias: 9 } });
    assert.equal(await client.disconnectCode(), 0x94);
  });

  test("AUTH: DISCONNECT 0x82", async () => {
    const client = await connect(free, "free", 5);
    client.send({ cmd: "auth", reasonCode: 0x18 });
    assert.equal(await client.disconnectCode(), 0x82);
  });

  test("user properties of more than 8 KB: DISCONNECT 0x97", async () => {
    const client = await connect(free, "free", 5);
    client.publish("a", "x", {
      properties: { userProperties: { name: "v".repeat(8189) } },
    });
    assert.equal(await client.disconnectCode(), 0x97);
  });
});

describe("delivery", () => {
  test("4: a/# does not match a, but a/ and below", async () => {
    const client = await connect(free);
    await client.subscribe("deep/#");
    for (const topic of ["deep", "deep/", "deep/er", "deep/er/still"])
      client.publish(topic, topic);
    for (const topic of ["deep/", "deep/er", "deep/er/still"])
      assert.deepEqual(await client.message(), [topic, topic]);
    assert.equal(await client.message(50), undefined);
    await client.disconnect();
  });

  test("# and + at the first level do not match $aws", async () => {
    const client = await connect(free);
    await client.subscribe("#");
    await client.subscribe("+/things/t/shadow/update");
    client.publish("$aws/things/t/shadow/update", "{}");
    client.publish("plain", "x");
    assert.deepEqual(await client.message(), ["plain", "x"]);
    await client.disconnect();
  });

  test("5: a retained message comes for its exact topic only", async () => {
    const client = await connect(free, "free", 5);
    client.publish("kept/topic", "old", { retain: true, qos: 1 });
    assert.equal((await puback(client))?.reasonCode, 0);
    await client.subscribe("kept/+");
    await client.subscribe("kept/#");
    await client.subscribe("$share/g/kept/topic");
    assert.equal(await client.message(60), undefined);
    await client.subscribe("kept/topic");
    const packet = (await client.next("publish")) as IPublishPacket;
    assert.equal(packet.payload.toString(), "old");
    assert.equal(packet.retain, true);
    await client.subscribe([{ topic: "kept/topic", qos: 1, rh: 1 }]);
    await client.subscribe([{ topic: "kept/topic", qos: 1, rh: 2 }]);
    assert.equal(await client.message(60), undefined);
    await client.disconnect();
  });

  test("RETAIN is 0 on live delivery; an empty retained message deletes and is delivered", async () => {
    const client = await connect(free);
    await client.subscribe("gone/topic");
    client.publish("gone/topic", "x", { retain: true });
    const live = (await client.next("publish")) as IPublishPacket;
    assert.equal(live.retain, false);
    client.publish("gone/topic", "", { retain: true });
    assert.deepEqual(await client.message(), ["gone/topic", ""]);
    await client.subscribe("gone/topic");
    assert.equal(await client.message(60), undefined);
    await client.disconnect();
  });

  test("a reserved topic cannot be retained", async () => {
    const client = await connect(free, "free", 5);
    client.publish("$aws/things/t/shadow/update", "{}", { retain: true });
    assert.equal(await client.disconnectCode(), 0x90);
  });

  test("a message comes once to a client with several filters that match it", async () => {
    const client = await connect(free);
    await client.subscribe("once/+");
    await client.subscribe([{ topic: "once/#", qos: 0 }]);
    client.publish("once/x", "1", { qos: 1 });
    const packet = (await client.next("publish")) as IPublishPacket;
    assert.equal(packet.qos, 1);
    assert.equal(await client.message(60), undefined);
    await client.disconnect();
  });

  test("a shared subscription gives each message to one member, in both versions", async () => {
    const members = await Promise.all(
      [4, 5, 4].map((version, index) =>
        connect(free, `member-${index}`, version as 4 | 5),
      ),
    );
    for (const member of members) await member.subscribe("$share/team/work");
    const sender = await connect(free);
    for (let index = 0; index < 30; index++)
      sender.publish("work", String(index));
    await sender.ping();
    for (const member of members) await member.ping();
    const counts = members.map(
      (member) => member.packets.filter(({ cmd }) => cmd === "publish").length,
    );
    assert.equal(
      counts.reduce((a, b) => a + b),
      30,
    );
    assert.ok(Math.max(...counts) < 30, `all went to one: ${counts.join()}`);
    for (const client of [...members, sender]) await client.disconnect();
  });

  test("MQTT 5 properties travel, the expiry as what is left of it", async () => {
    const client = await connect(free, "free", 5);
    await client.subscribe("props");
    client.publish("props", "x", {
      properties: {
        contentType: "text/plain",
        correlationData: Buffer.from("id"),
        responseTopic: "answer/here",
        payloadFormatIndicator: true,
        messageExpiryInterval: 0,
        userProperties: { a: ["1", "2"] },
      },
    });
    const { properties } = (await client.next("publish")) as IPublishPacket;
    assert.deepEqual(
      { ...properties, userProperties: { ...properties?.userProperties } },
      {
        contentType: "text/plain",
        correlationData: Buffer.from("id"),
        responseTopic: "answer/here",
        payloadFormatIndicator: true,
        messageExpiryInterval: 1,
        userProperties: { a: ["1", "2"] },
      },
    );
    await client.disconnect();
  });

  test("No Local keeps a client's own messages from it", async () => {
    const client = await connect(free, "free", 5);
    client.send({
      cmd: "subscribe",
      messageId: 4,
      subscriptions: [{ topic: "self", qos: 0, nl: true }],
    });
    await client.next("suback");
    client.publish("self", "x");
    await client.ping();
    assert.equal(await client.message(30), undefined);
    await client.disconnect();
  });

  test("UNSUBSCRIBE ends it, UNSUBACK is 0 also for a filter that was not there", async () => {
    const client = await connect(free, "free", 5);
    await client.subscribe("un/sub");
    client.send({
      cmd: "unsubscribe",
      messageId: 5,
      unsubscriptions: ["un/sub", "never/was"],
    });
    const answer = await client.next("unsuback");
    assert.deepEqual(answer?.cmd === "unsuback" && answer.granted, [0, 0]);
    client.publish("un/sub", "x");
    await client.ping();
    assert.equal(await client.message(30), undefined);
    await client.disconnect();
  });

  test("a 3.1.1 client that does not acknowledge is sent the message again, with DUP", async () => {
    const impatient = await TestCloud.start({
      choices: { redeliveryInterval: 80 },
    });
    const device = await impatient.freeDevice("deaf");
    const client = await WireClient.connect(impatient, device);
    client.stopAnswering();
    await client.subscribe("again");
    client.publish("again", "x", { qos: 1 });
    const first = (await client.next("publish")) as IPublishPacket;
    const second = (await client.next("publish")) as IPublishPacket;
    assert.deepEqual([first.dup, second.dup], [false, true]);
    assert.equal(second.messageId, first.messageId);
    client.send({ cmd: "puback", messageId: first.messageId! });
    await client.ping();
    client.packets.length = 0;
    await sleep(200);
    assert.deepEqual(client.packets, []);
    await client.drop();
    await impatient.stop();
  });
});
