import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { IPubackPacket, IPublishPacket } from "mqtt-packet";
import { sleep, TestCloud, WireClient, type Device } from "./cloud-fixture.js";

let cloud: TestCloud;
let free: Device;

before(async () => {
  cloud = await TestCloud.start({ choices: { connectRate: 0, replayRate: 0 } });
  free = await cloud.freeDevice("free");
});
after(() => cloud.stop());

const connect = (device: Device, clientId = device.name, version: 4 | 5 = 4) =>
  WireClient.connect(cloud, device, { clientId, protocolVersion: version });

async function puback(client: WireClient): Promise<IPubackPacket | undefined> {
  return (await client.next("puback")) as IPubackPacket | undefined;
}

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
  test("12.4: a/# does not match a, but a/ and below", async () => {
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

  test("12.5: a retained message comes for its exact topic only", async () => {
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
