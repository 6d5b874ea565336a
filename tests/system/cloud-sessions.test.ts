import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { IPublishPacket } from "mqtt-packet";
import { sleep, TestCloud, WireClient, type Device } from "./cloud-fixture.js";

const v5 = { protocolVersion: 5 } as const;
const lasting = {
  4: { clean: false },
  5: { ...v5, clean: false, properties: { sessionExpiryInterval: 600 } },
} as const;
let cloud: TestCloud;
let free: Device;

before(async () => {
  cloud = await TestCloud.start({
    choices: { replayRate: 0, connectRate: 0, publishRate: 0 },
  });
  free = await cloud.freeDevice("free");
});
after(() => cloud.stop());

/** Publishes with QoS 1 and waits for each PUBACK. */
async function publishAll(topic: string, texts: string[]): Promise<void> {
  const sender = await WireClient.connect(cloud, free, { clientId: "sender" });
  for (const text of texts) {
    sender.publish(topic, text, { qos: 1 });
    assert.ok(await sender.next("puback"));
  }
  await sender.disconnect();
}

async function connack(clientId: string, packet: object) {
  const client = await WireClient.open(cloud, free);
  const answer = await client.sendConnect({ clientId, ...packet });
  return { client, present: answer?.sessionPresent };
}

for (const version of [4, 5] as const)
  describe(`a persistent session, MQTT ${version}`, () => {
    test("keeps subscriptions and QoS 1 messages while its client is away", async () => {
      const id = `away-${version}`;
      const first = await connack(id, lasting[version]);
      assert.equal(first.present, false);
      await first.client.subscribe(`keep/${version}`);
      await first.client.disconnect();
      await publishAll(`keep/${version}`, ["1", "2", "3"]);
      const back = await connack(id, lasting[version]);
      assert.equal(back.present, true);
      for (const text of ["1", "2", "3"])
        assert.deepEqual(await back.client.message(), [
          `keep/${version}`,
          text,
        ]);
      await back.client.ping();
      await back.client.disconnect();
      const again = await connack(id, lasting[version]);
      assert.equal(await again.client.message(60), undefined);
      await again.client.disconnect();
    });

    test("outlives a restart of the cloud, with messages that were not acknowledged", async () => {
      const id = `restart-${version}`;
      const first = await connack(id, lasting[version]);
      await first.client.subscribe(`restart/${version}`);
      first.client.stopAnswering();
      await publishAll(`restart/${version}`, ["inflight"]);
      assert.deepEqual(await first.client.message(), [
        `restart/${version}`,
        "inflight",
      ]);
      await first.client.drop();
      await publishAll(`restart/${version}`, ["queued"]);
      await cloud.restart();
      const back = await connack(id, lasting[version]);
      assert.equal(back.present, true);
      const got = [await back.client.message(), await back.client.message()];
      assert.deepEqual(got.map((message) => message?.[1]).sort(), [
        "inflight",
        "queued",
      ]);
      await publishAll(`restart/${version}`, ["live"]);
      assert.deepEqual(await back.client.message(), [
        `restart/${version}`,
        "live",
      ]);
      await back.client.disconnect();
    });

    test("ends with a clean start", async () => {
      const id = `clean-${version}`;
      const first = await connack(id, lasting[version]);
      await first.client.subscribe(`clean/${version}`);
      await first.client.disconnect();
      await publishAll(`clean/${version}`, ["lost"]);
      await (
        await connack(id, { ...lasting[version], clean: true })
      ).client.disconnect();
      const back = await connack(id, lasting[version]);
      assert.equal(await back.client.message(60), undefined);
      await back.client.disconnect();
    });
  });

test("QoS 0 messages are not stored, nor any for a QoS 0 subscription", async () => {
  const first = await connack("zero", lasting[4]);
  await first.client.subscribe([
    { topic: "zero/sub", qos: 0 },
    { topic: "zero/pub", qos: 1 },
  ]);
  await first.client.disconnect();
  await publishAll("zero/sub", ["x"]);
  const sender = await WireClient.connect(cloud, free, { clientId: "sender" });
  sender.publish("zero/pub", "x");
  await sender.ping();
  await sender.disconnect();
  const back = await connack("zero", lasting[4]);
  assert.equal(await back.client.message(60), undefined);
  await back.client.disconnect();
});

test("a session is not resumed across versions of MQTT", async () => {
  await (await connack("cross", lasting[4])).client.disconnect();
  const five = await connack("cross", lasting[5]);
  assert.equal(five.present, false);
  await five.client.disconnect();
  const three = await connack("cross", lasting[4]);
  assert.equal(three.present, false);
  await three.client.disconnect();
});

test("a session ends when its expiry is over", async () => {
  const short = {
    ...v5,
    clean: false,
    properties: { sessionExpiryInterval: 1 },
  };
  await (await connack("short", short)).client.disconnect();
  await sleep(1_050);
  const back = await connack("short", short);
  assert.equal(back.present, false);
  await back.client.disconnect();
});

test("DISCONNECT may change the expiry, but not raise it from 0", async () => {
  const first = await connack("expiry", lasting[5]);
  first.client.send({
    cmd: "disconnect",
    reasonCode: 0,
    properties: { sessionExpiryInterval: 0 },
  } as never);
  await first.client.closed;
  const second = await connack("expiry", { ...v5, clean: false });
  assert.equal(second.present, false);
  second.client.send({
    cmd: "disconnect",
    reasonCode: 0,
    properties: { sessionExpiryInterval: 5 },
  } as never);
  assert.equal(await second.client.disconnectCode(), 0x82);
});

test("a message expires while it waits", async () => {
  const first = await connack("late", lasting[5]);
  await first.client.subscribe("late/topic");
  await first.client.disconnect();
  const sender = await WireClient.connect(cloud, free, {
    clientId: "sender",
    ...v5,
  });
  sender.publish("late/topic", "short", {
    qos: 1,
    properties: { messageExpiryInterval: 1 },
  });
  sender.publish("late/topic", "long", {
    qos: 1,
    messageId: 2,
    properties: { messageExpiryInterval: 100 },
  });
  await sender.next("puback");
  await sender.next("puback");
  await sender.disconnect();
  await sleep(1_050);
  const back = await connack("late", lasting[5]);
  const packet = (await back.client.next("publish")) as IPublishPacket;
  assert.equal(packet.payload.toString(), "long");
  assert.ok(packet.properties!.messageExpiryInterval! < 100);
  await back.client.disconnect();
});

test("retained messages, things, certificates and policies outlive a restart", async () => {
  const sender = await WireClient.connect(cloud, free, { clientId: "sender" });
  sender.publish("kept/over", "x", { qos: 1, retain: true });
  assert.ok(await sender.next("puback"));
  await sender.disconnect();
  const { endpoint } = cloud.cloud;
  await cloud.restart();
  assert.equal(cloud.cloud.endpoint, endpoint);
  const client = await WireClient.connect(cloud, free);
  await client.subscribe("kept/over");
  assert.deepEqual(await client.message(), ["kept/over", "x"]);
  await client.disconnect();
});

test("more messages than a session holds in memory wait in the store", async () => {
  const first = await connack("large", lasting[4]);
  await first.client.subscribe("large/topic");
  await first.client.disconnect();
  const sender = await WireClient.connect(cloud, free, { clientId: "sender" });
  const texts = Array.from({ length: 30 }, (_, index) =>
    String(index).padEnd(100_000, "."),
  );
  for (const [index, text] of texts.entries())
    sender.publish("large/topic", text, { qos: 1, messageId: index + 1 });
  for (let count = 0; count < texts.length; count++)
    assert.ok(await sender.next("puback"));
  await sender.disconnect();
  const back = await connack("large", lasting[4]);
  for (const text of texts)
    assert.equal((await back.client.message())?.[1], text);
  await back.client.ping();
  await back.client.disconnect();
  await cloud.restart();
  const again = await connack("large", lasting[4]);
  assert.equal(await again.client.message(60), undefined);
  await again.client.disconnect();
});

test("stored messages are replayed at 10 a second", async () => {
  const paced = await TestCloud.start({ choices: { connectRate: 0 } });
  const device = await paced.freeDevice("paced");
  const first = await WireClient.connect(paced, device, lasting[4]);
  await first.subscribe("paced/topic");
  await first.disconnect();
  const sender = await WireClient.connect(paced, device, {
    clientId: "sender",
  });
  for (let index = 1; index <= 15; index++)
    sender.publish("paced/topic", String(index), { qos: 1, messageId: index });
  await sender.ping();
  const back = await WireClient.connect(paced, device, lasting[4]);
  await back.ping();
  const early = back.packets.filter(({ cmd }) => cmd === "publish").length;
  assert.ok(early < 15, `${early} came at once`);
  for (let index = 1; index <= 15; index++)
    assert.deepEqual(await back.message(), ["paced/topic", String(index)]);
  await back.disconnect();
  await paced.stop();
});

test("a member of a shared subscription that is away gets none while another is here", async () => {
  const away = await connack("share-away", lasting[4]);
  await away.client.subscribe("$share/s/shared/topic");
  await away.client.disconnect();
  const here = await connack("share-here", {});
  await here.client.subscribe("$share/s/shared/topic");
  await publishAll("shared/topic", ["1", "2", "3", "4"]);
  for (const text of ["1", "2", "3", "4"])
    assert.deepEqual(await here.client.message(), ["shared/topic", text]);
  await here.client.disconnect();
});
