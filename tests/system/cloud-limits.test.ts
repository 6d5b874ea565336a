import assert from "node:assert/strict";
import { after, before, describe, mock, test } from "node:test";
import type { IPubackPacket } from "mqtt-packet";
import { Throughput } from "../../simulator/cloud/mqtt/throughput.js";
import { sleep, TestCloud, WireClient, type Device } from "./cloud-fixture.js";

const v5 = { protocolVersion: 5 } as const;
let cloud: TestCloud;
let free: Device;

before(async () => {
  cloud = await TestCloud.start({ choices: { connectRate: 0, replayRate: 0 } });
  free = await cloud.freeDevice("free");
});
after(() => cloud.stop());

const connect = (device: Device, clientId = device.name, version: 4 | 5 = 4) =>
  WireClient.connect(cloud, device, {
    clientId,
    protocolVersion: version,
  });

async function puback(client: WireClient): Promise<IPubackPacket | undefined> {
  return (await client.next("puback")) as IPubackPacket | undefined;
}

describe("2.2: limits", () => {
  test("2.2 publish payload: 131,072 bytes pass, one more ends the connection (0x95)", async () => {
    const five = await connect(free, "free", 5);
    five.publish("big", Buffer.alloc(131_072), { qos: 1 });
    assert.equal((await puback(five))?.reasonCode, 0);
    five.publish("big", Buffer.alloc(131_073), { qos: 1 });
    assert.equal(await five.disconnectCode(), 0x95);
    const three = await connect(free);
    three.publish("big", Buffer.alloc(131_073));
    assert.equal(await three.hungUp(), true);
  });

  test("2.2 MQTT 5 packet: one of more than 149,504 bytes is refused by its header", async () => {
    const client = await connect(free, "free", 5);
    client.socket.write(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x01]));
    assert.equal(await client.disconnectCode(), 0x95);
  });

  test("2.2 topic length: 256 bytes of UTF-8 pass, one more does not (0x90)", async () => {
    const five = await connect(free, "free", 5);
    for (const [topic, code] of [
      ["é".repeat(128), 0],
      [`${"é".repeat(128)}x`, 0x90],
    ] as const) {
      five.publish(topic, "x", { qos: 1 });
      assert.equal((await puback(five))?.reasonCode, code, topic);
    }
    assert.deepEqual(await five.subscribe("x".repeat(256)), [1]);
    assert.deepEqual(await five.subscribe("x".repeat(257)), [0x8f]);
    await five.disconnect();
    const three = await connect(free);
    three.publish("x".repeat(257), "x");
    assert.equal(await three.hungUp(), true);
  });

  test("2.2 topic depth: 7 slashes pass, one more does not (0x90, SUBACK 0x8F); those of $share do not count", async () => {
    const five = await connect(free, "free", 5);
    for (const [topic, code] of [
      ["1/2/3/4/5/6/7/8", 0],
      ["1/2/3/4/5/6/7/8/9", 0x90],
      ["with/+", 0x90],
    ] as const) {
      five.publish(topic, "x", { qos: 1 });
      assert.equal((await puback(five))?.reasonCode, code, topic);
    }
    assert.deepEqual(await five.subscribe("1/2/3/4/5/6/7/8/9"), [0x8f]);
    assert.deepEqual(await five.subscribe("$share/group/1/2/3/4/5/6/7/8"), [1]);
    five.publish("1/2/3/4/5/6/7/8/9", "x");
    assert.equal(await five.disconnectCode(), 0x90);
    const three = await connect(free);
    three.publish("1/2/3/4/5/6/7/8/9", "x");
    assert.equal(await three.hungUp(), true);
  });

  test("2.2 topic depth, 12.28: reserved topics of AWS are exempt from the depth limit", async () => {
    const client = await connect(free, "free", 5);
    const topic = "$aws/commands/things/t/executions/1/response/accepted/json";
    assert.deepEqual(await client.subscribe(topic), [1]);
    assert.deepEqual(
      await client.subscribe("$aws/things/t/1/2/3/4/5/6/7"),
      [1],
    );
    await client.disconnect();
  });

  test("2.2 topic depth, 12.28: the prefix of Basic Ingest is not counted", async () => {
    const client = await connect(free, "free", 5);
    client.publish(`$aws/rules/my_rule/1/2/3/4/5/6/7/${"x".repeat(240)}`, "x", {
      qos: 1,
    });
    assert.equal((await puback(client))?.reasonCode, 0);
    const event = await cloud.event("rule");
    assert.equal(event.rule, "my_rule");
    await client.disconnect();
  });

  test("2.2 filters in one SUBSCRIBE, 12.23: more than 8, in UNSUBSCRIBE too, end the connection", async () => {
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

  test("2.2 subscriptions per connection: the 51st gets SUBACK 0x80, or 0x97 in MQTT 5", async () => {
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

  test("2.2 un-ACKed QoS 1, server to client: at most 100 are on their way, or fewer if the client says so", async () => {
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

  test("2.2 publishes per connection, 12.24: a throttled QoS 1 publish gets no PUBACK and no error", async () => {
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

test("2.2 publishes per connection: of more than 100 deliveries a second, QoS 1 waits and all of it arrives", async () => {
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

test("2.2 un-ACKed QoS 1, client to server: with 100 of them the cloud reads no further, and loses none", async () => {
  const quick = await TestCloud.start({ choices: { publishRate: 0 } });
  const device = await quick.freeDevice("sender");
  const client = await WireClient.connect(quick, device);
  const { broker } = quick.cloud;
  let store = () => {};
  const stored = new Promise<void>((resolve) => (store = resolve));
  let published = 0;
  mock.method(broker, "publish", ({ topic }: { topic: string }) => {
    if (topic === "slow") published += 1;
    return { receivers: 1, committed: stored };
  });
  for (let id = 1; id <= 150; id++)
    client.publish("slow", "x", { qos: 1, messageId: id });
  while (published < 100) await sleep(10);
  await sleep(100);
  assert.equal(published, 100);
  store();
  for (let id = 1; id <= 150; id++)
    assert.equal((await puback(client))?.messageId, id);
  assert.equal(published, 150);
  mock.restoreAll();
  await client.disconnect();
  await quick.stop();
});

test("2.2 throughput per connection: more than 512 KB a second is delayed, in both directions, and not lost", () => {
  const direction = new Throughput(512 * 1024);
  assert.equal(direction.take(512 * 1024), 0);
  const wait = direction.take(256 * 1024);
  assert.ok(wait > 400 && wait <= 500, `${wait} ms`);
  assert.equal(new Throughput(0).take(1e9), 0);
});

test("2.2 throughput per connection: what is delayed arrives whole and in order", async () => {
  const slow = await TestCloud.start({ choices: { throughput: 200_000 } });
  const device = await slow.freeDevice("heavy");
  const client = await WireClient.connect(slow, device);
  await client.subscribe("heavy");
  const started = performance.now();
  for (let id = 1; id <= 4; id++)
    client.publish("heavy", Buffer.alloc(100_000, id), {
      qos: 1,
      messageId: id,
    });
  for (let id = 1; id <= 4; id++) {
    const packet = await client.next("publish", 60_000);
    assert.ok(packet?.cmd === "publish");
    assert.deepEqual(packet.payload, Buffer.alloc(100_000, id));
  }
  // 400,000 bytes at 200,000 a second, the first 200,000 of them at once.
  assert.ok(performance.now() - started > 900);
  await client.disconnect();
  await slow.stop();
});

test("2.2 account connects and publishes: throttled, MQTT 5 hears 0x97", async () => {
  const small = await TestCloud.start({
    choices: { accountConnectRate: 2, accountPublishRate: 2 },
  });
  const device = await small.freeDevice("one");
  const code = async (clientId: string) => {
    const client = await WireClient.open(small, device);
    const connack = await client.sendConnect({ clientId, ...v5 });
    return { client, code: connack?.reasonCode };
  };
  const { client } = await code("one");
  for (let id = 1; id <= 6; id++)
    client.publish("many", "x", { qos: 1, messageId: id });
  const codes: (number | undefined)[] = [];
  for (let id = 1; id <= 6; id++)
    codes.push((await puback(client))?.reasonCode);
  assert.equal(codes[0], 0);
  assert.ok(codes.includes(0x97), codes.join());
  const connects: (number | undefined)[] = [];
  for (let count = 0; count < 8; count++)
    connects.push((await code(`other-${count}`)).code);
  assert.ok(connects.includes(0x97), connects.join());
  await small.stop();
});
