import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { IPubackPacket } from "mqtt-packet";
import {
  allow,
  deny,
  TestCloud,
  WireClient,
  type Device,
} from "./cloud-fixture.js";

let cloud: TestCloud;
let free: Device;
let limited: Device;

before(async () => {
  cloud = await TestCloud.start({ choices: { connectRate: 0 } });
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

describe("2.5: what the policies do not allow", () => {
  test("2.5 CONNECT, 12.1: MQTT 3.1.1 hears no CONNACK 5, the line goes dead", async () => {
    const client = await WireClient.open(cloud, limited);
    assert.equal(await client.sendConnect({ clientId: "other" }), undefined);
    assert.equal(await client.hungUp(), true);
    assert.deepEqual(client.packets, []);
  });

  test("2.5 CONNECT, 12.1: MQTT 5 hears CONNACK 0x87 with a reason string and a trace id", async () => {
    const client = await WireClient.open(cloud, limited);
    const connack = await client.sendConnect({
      clientId: "other",
      protocolVersion: 5,
    });
    assert.equal(connack?.reasonCode, 0x87);
    assert.match(
      connack.properties?.reasonString ?? "",
      /^CONNACK:Client is not authenticated\/authorized to send the message:[0-9a-f-]{36}$/,
    );
    assert.equal(await client.hungUp(), true);
  });

  test("2.5 SUBSCRIBE, 12.2: MQTT 3.1.1 closes the connection, no SUBACK 0x80", async () => {
    const client = await connect(limited);
    assert.equal(await client.subscribe("not/ok"), undefined);
    assert.equal(await client.hungUp(), true);
  });

  test("2.5 SUBSCRIBE, 12.2: one denied filter among allowed ones closes a 3.1.1 connection", async () => {
    const client = await connect(limited);
    const codes = await client.subscribe([
      { topic: "ok/1", qos: 1 },
      { topic: "not/ok", qos: 1 },
    ]);
    assert.equal(codes, undefined);
  });

  test("2.5 SUBSCRIBE: MQTT 5 gets SUBACK 0x87 for that filter and stays connected", async () => {
    const client = await connect(limited, "limited", 5);
    const codes = await client.subscribe([
      { topic: "not/ok", qos: 1 },
      { topic: "ok/1", qos: 1 },
    ]);
    assert.deepEqual(codes, [0x87, 1]);
    assert.equal(await client.ping(), true);
    await client.disconnect();
  });

  test("2.5 PUBLISH QoS 1, 12.3: MQTT 3.1.1 closes the connection, no PUBACK", async () => {
    const client = await connect(limited);
    client.publish("not/ok", "x", { qos: 1 });
    assert.equal(await client.hungUp(), true);
    assert.deepEqual(client.packets, []);
  });

  test("2.5 PUBLISH QoS 1, 12.3: MQTT 5 gets PUBACK 0x87 and stays connected", async () => {
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

  test("2.5 PUBLISH QoS 0: closes a 3.1.1 connection and is dropped in MQTT 5", async () => {
    const three = await connect(limited);
    three.publish("not/ok", "x");
    assert.equal(await three.hungUp(), true);
    const five = await connect(limited, "limited", 5);
    five.publish("not/ok", "x");
    assert.equal(await five.ping(), true);
    await five.disconnect();
  });

  test("2.5 delivery without iot:Receive: the message does not arrive, the log says why", async () => {
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

  test("2.5 SUBSCRIBE $SYS/#: closes the connection", async () => {
    const client = await connect(free);
    assert.equal(await client.subscribe("$SYS/#"), undefined);
    assert.equal(await client.hungUp(), true);
  });

  test("2.5 unsupported operation on a reserved $ topic: closes the connection", async () => {
    const client = await connect(free);
    client.publish("$mine/topic", "x");
    assert.equal(await client.hungUp(), true);
  });
});
