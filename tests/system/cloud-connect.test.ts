import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { X509Certificate } from "node:crypto";
import type { IConnackPacket, IConnectPacket } from "mqtt-packet";
import { Certificates } from "../../simulator/cloud/registry/certificates.js";
import {
  allow,
  deny,
  policyOf,
  sleep,
  TestCloud,
  WireClient,
  type Device,
} from "./cloud-fixture.js";

const v5 = { protocolVersion: 5 } as const;
let cloud: TestCloud;
let node: Device;
let free: Device;

before(async () => {
  cloud = await TestCloud.start({
    choices: { connectTimeout: 400, registryInterval: 50 },
  });
  node = await cloud.device("connect-node");
  free = await cloud.freeDevice("free");
});
after(() => cloud.stop());

/** What a CONNECT gets: the CONNACK, or undefined when the line goes dead. */
async function answer(
  device: Device | undefined,
  packet: Partial<IConnectPacket>,
): Promise<IConnackPacket | undefined> {
  const client = await WireClient.open(cloud, device);
  const connack = await client.sendConnect(packet);
  await client.drop();
  return connack;
}

describe("a policy that denies iot:Connect (section 2.5)", () => {
  test("12.7: the thing's name is its own only when the client id says so", async () => {
    cloud.cloud.registry.things.create("second-thing");
    cloud.cloud.registry.attachThingPrincipal(
      "second-thing",
      Certificates.arn(node.certificateId),
    );
    assert.equal(
      (await answer(node, { clientId: "second-thing" }))?.returnCode,
      0,
    );
    assert.equal(await answer(node, { clientId: "third-thing" }), undefined);
  });

  test("12.7: an exclusive thing stands for its certificate whatever the client id is", async () => {
    const device = await cloud.device("exclusive", [
      allow("iot:Connect", "client/*"),
      allow(
        ["iot:Subscribe", "iot:Receive", "iot:Publish"],
        "topicfilter/${iot:Connection.Thing.ThingName}/x",
        "topic/${iot:Connection.Thing.ThingName}/x",
      ),
    ]);
    const target = Certificates.arn(device.certificateId);
    const client = await WireClient.connect(cloud, device, {
      clientId: "any-id",
      ...v5,
    });
    assert.deepEqual(await client.subscribe("exclusive/x"), [0x87]);
    await client.drop();
    cloud.cloud.registry.attachThingPrincipal(
      "exclusive",
      target,
      "EXCLUSIVE_THING",
    );
    const again = await WireClient.connect(cloud, device, {
      clientId: "any-id",
      ...v5,
    });
    assert.deepEqual(await again.subscribe("exclusive/x"), [1]);
    await again.disconnect();
  });

  test("conditions on persistence and will (section 3.5)", async () => {
    const device = await cloud.device("conditional", [
      {
        Effect: "Allow",
        Action: "iot:Connect",
        Resource: "*",
        Condition: {
          "ForAllValues:StringEquals": {
            "iot:ConnectAttributes": ["PersistentConnect"],
          },
        },
      },
      allow("iot:Publish", "topic/last"),
    ]);
    const code = async (packet: Partial<IConnectPacket>) =>
      (await answer(device, { clientId: "conditional", ...packet, ...v5 }))
        ?.reasonCode;
    assert.equal(await code({}), 0);
    assert.equal(await code({ properties: { sessionExpiryInterval: 60 } }), 0);
    assert.equal(await code({ will: { topic: "last", payload: "x" } }), 0x87);
  });
});

describe("the client id", () => {
  test("that begins with $ is refused, an assigned one too", async () => {
    const first = await answer(free, { clientId: "", ...v5 });
    const assigned = first?.properties?.assignedClientIdentifier ?? "";
    assert.match(assigned, /^\$GEN\/[0-9a-f-]{36}$/);
    assert.equal(
      (await answer(free, { clientId: assigned, ...v5 }))?.reasonCode,
      0x85,
    );
  });

  test("taken by a second connection: the first gets DISCONNECT 0x8E, 3.1.1 a close", async () => {
    const first = await WireClient.connect(cloud, free, v5);
    const second = await WireClient.connect(cloud, free);
    assert.equal(await first.disconnectCode(), 0x8e);
    const third = await WireClient.connect(cloud, free);
    assert.equal(await second.hungUp(), true);
    assert.equal(await third.ping(), true);
    await third.disconnect();
  });
});

test("2.3: what CONNACK tells an MQTT 5 client", async () => {
  const connack = await answer(free, {
    clientId: "told",
    keepalive: 5,
    ...v5,
    properties: { sessionExpiryInterval: 999_999 },
  });
  assert.deepEqual(
    { ...connack?.properties },
    {
      sessionExpiryInterval: 3600,
      receiveMaximum: 100,
      maximumQoS: 1,
      retainAvailable: true,
      maximumPacketSize: 149_504,
      topicAliasMaximum: 8,
      wildcardSubscriptionAvailable: true,
      subscriptionIdentifiersAvailable: false,
      sharedSubscriptionAvailable: true,
      serverKeepAlive: 30,
    },
  );
});

test("no CONNECT in time: the connection is closed", async () => {
  const client = await WireClient.open(cloud, free);
  assert.equal(await client.hungUp(), true);
  await cloud.event("refused", ({ reason }) =>
    reason.includes("no CONNECT within"),
  );
});

test("another packet before CONNECT: the connection is closed", async () => {
  const client = await WireClient.open(cloud, free);
  client.send({ cmd: "pingreq" });
  assert.equal(await client.hungUp(), true);
});

test("a second CONNECT ends the connection", async () => {
  const client = await WireClient.connect(cloud, free, v5);
  client.send({
    cmd: "connect",
    clientId: "x",
    protocolVersion: 5,
    protocolId: "MQTT",
    clean: true,
    keepalive: 60,
  });
  assert.equal(await client.disconnectCode(), 0x82);
});

describe("the will", () => {
  const will = { topic: "will/topic", payload: "gone", qos: 1 as const };

  test("comes after a lost connection, a takeover and DISCONNECT 0x04, not after DISCONNECT", async () => {
    const watcher = await WireClient.connect(cloud, free, {
      clientId: "watcher",
    });
    await watcher.subscribe("will/topic");
    const mortal = await cloud.freeDevice("mortal");
    await (await WireClient.connect(cloud, mortal, { will })).drop();
    assert.deepEqual(await watcher.message(), ["will/topic", "gone"]);
    const first = await WireClient.connect(cloud, mortal, { will });
    const second = await WireClient.connect(cloud, mortal, { will, ...v5 });
    assert.deepEqual(await watcher.message(), ["will/topic", "gone"]);
    await first.closed;
    second.send({ cmd: "disconnect", reasonCode: 4 });
    assert.deepEqual(await watcher.message(), ["will/topic", "gone"]);
    await (await WireClient.connect(cloud, mortal, { will })).disconnect();
    assert.equal(await watcher.message(100), undefined);
    await watcher.disconnect();
  });

  test("waits for its delay, and is void when the client comes back to its session", async () => {
    const watcher = await WireClient.connect(cloud, free, {
      clientId: "watcher",
    });
    await watcher.subscribe("will/topic");
    const delayed = await cloud.freeDevice("delayed");
    const packet = {
      ...v5,
      clean: false,
      properties: { sessionExpiryInterval: 60 },
      will: { ...will, properties: { willDelayInterval: 1 } },
    };
    await (await WireClient.connect(cloud, delayed, packet)).drop();
    const back = await WireClient.connect(cloud, delayed, packet);
    assert.equal(await watcher.message(1_200), undefined);
    await back.drop();
    assert.deepEqual(await watcher.message(), ["will/topic", "gone"]);
    await watcher.disconnect();
  });

  test("with QoS 2: the connection is closed, MQTT 5 hears 0x9B", async () => {
    const two = { topic: "a", payload: "b", qos: 2 as const };
    assert.equal(await answer(free, { clientId: "w2", will: two }), undefined);
    assert.equal(
      (await answer(free, { clientId: "w2", will: two, ...v5 }))?.reasonCode,
      0x9b,
    );
  });

  test("to a topic that the policy does not allow: refused", async () => {
    const elsewhere = { topic: "not/mine", payload: "b" };
    assert.equal(
      (await answer(node, { clientId: node.name, will: elsewhere, ...v5 }))
        ?.reasonCode,
      0x87,
    );
  });

  test("that is to be retained needs iot:RetainPublish", async () => {
    const device = await cloud.device("retainer", [
      allow(["iot:Connect", "iot:Publish"], "*"),
    ]);
    const kept = { topic: "will/kept", payload: "b", retain: true };
    assert.equal(
      (await answer(device, { clientId: "retainer", will: kept, ...v5 }))
        ?.reasonCode,
      0x87,
    );
  });
});

describe("12.30: lifecycle events", () => {
  test("tell of connect and disconnect in ms, with a pair of version numbers", async () => {
    const watcher = await WireClient.connect(cloud, free, {
      clientId: "watcher",
    });
    await watcher.subscribe("$aws/events/presence/+/shy");
    const shy = await cloud.freeDevice("shy");
    for (const versionNumber of [0, 1]) {
      const client = await WireClient.connect(cloud, shy);
      const [topic, text] = (await watcher.message())!;
      assert.equal(topic, "$aws/events/presence/connected/shy");
      const connected = JSON.parse(text) as Record<string, unknown>;
      assert.deepEqual(Object.keys(connected).sort(), [
        "clientId",
        "eventType",
        "ipAddress",
        "principalIdentifier",
        "sessionIdentifier",
        "timestamp",
        "versionNumber",
      ]);
      assert.equal(connected.principalIdentifier, shy.certificateId);
      assert.equal(connected.versionNumber, versionNumber);
      assert.match(String(connected.sessionIdentifier), /^[0-9a-f]{32}$/);
      assert.ok(Math.abs(Number(connected.timestamp) - Date.now()) < 60_000);
      await client.disconnect();
      const [gone, ending] = (await watcher.message())!;
      assert.equal(gone, "$aws/events/presence/disconnected/shy");
      const { timestamp, ...disconnected } = JSON.parse(ending) as Record<
        string,
        unknown
      >;
      assert.equal(typeof timestamp, "number");
      assert.deepEqual(disconnected, {
        clientId: "shy",
        eventType: "disconnected",
        sessionIdentifier: connected.sessionIdentifier,
        principalIdentifier: shy.certificateId,
        clientInitiatedDisconnect: true,
        disconnectReason: "CLIENT_INITIATED_DISCONNECT",
        versionNumber,
      });
    }
    await watcher.disconnect();
  });

  test("name the reason: lost, taken over, denied", async () => {
    const watcher = await WireClient.connect(cloud, free, {
      clientId: "watcher",
    });
    await watcher.subscribe("$aws/events/presence/disconnected/#");
    await watcher.subscribe("$aws/events/presence/connect_failed/+");
    const reasonOf = async () => {
      const [, text] = (await watcher.message())!;
      const event = JSON.parse(text) as Record<string, unknown>;
      return event.disconnectReason ?? event.connectFailureReason;
    };
    const device = await cloud.device("reasons", [
      allow("iot:*", "*"),
      deny("iot:Publish", "topic/never"),
      deny("iot:Connect", "client/forbidden"),
    ]);
    await (await WireClient.connect(cloud, device)).drop();
    assert.equal(await reasonOf(), "CONNECTION_LOST");
    await WireClient.connect(cloud, device);
    const second = await WireClient.connect(cloud, device);
    assert.equal(await reasonOf(), "DUPLICATE_CLIENTID");
    second.publish("never", "x");
    assert.equal(await reasonOf(), "AUTH_ERROR");
    await answer(device, { clientId: "forbidden" });
    assert.equal(await reasonOf(), "AUTHORIZATION_FAILED");
    await watcher.disconnect();
  });

  test("tell of subscriptions, and never of client ids with wildcards", async () => {
    const watcher = await WireClient.connect(cloud, free, {
      clientId: "watcher",
    });
    await watcher.subscribe("$aws/events/subscriptions/subscribed/#");
    await watcher.message();
    const odd = await WireClient.connect(cloud, free, { clientId: "odd#id" });
    await odd.subscribe("odd/topic");
    await odd.disconnect();
    const reader = await WireClient.connect(cloud, free, {
      clientId: "reader",
    });
    await reader.subscribe("read/me");
    const [topic, text] = (await watcher.message())!;
    assert.equal(topic, "$aws/events/subscriptions/subscribed/reader");
    assert.deepEqual((JSON.parse(text) as { topics: string[] }).topics, [
      "read/me",
    ]);
    await reader.disconnect();
    await watcher.disconnect();
  });
});

describe("what changes while a client is connected", () => {
  test("a certificate that leaves ACTIVE ends its connections", async () => {
    const device = await cloud.freeDevice("leaving");
    const five = await WireClient.connect(cloud, device, v5);
    const three = await WireClient.connect(cloud, device, {
      clientId: "leaving-3",
    });
    cloud.cloud.registry.certificates.setStatus(
      device.certificateId,
      "INACTIVE",
    );
    assert.equal(await five.disconnectCode(), 0x87);
    assert.equal(await three.hungUp(), true);
  });

  test("a policy version that no longer allows it ends them too", async () => {
    const device = await cloud.freeDevice("reduced");
    const client = await WireClient.connect(cloud, device, v5);
    cloud.cloud.registry.policies.createVersion(
      "policy-reduced",
      policyOf([allow("iot:Publish", "*")]),
      true,
    );
    assert.equal(await client.disconnectCode(), 0x87);
  });

  test("an unrelated change ends nothing", async () => {
    const client = await WireClient.connect(cloud, free);
    cloud.cloud.registry.things.create("bystander");
    await sleep(150);
    assert.equal(await client.ping(), true);
    await client.disconnect();
  });
});

test("a cloud that stops tells MQTT 5 clients so, with 0x8B", async () => {
  const stopping = await TestCloud.start();
  const device = await stopping.device("told");
  const client = await WireClient.connect(stopping, device, v5);
  const code = client.disconnectCode();
  await stopping.stop();
  assert.equal(await code, 0x8b);
});

test("device certificates are AWS's by name and last until 2049", () => {
  const certificate = new X509Certificate(node.certificate);
  assert.equal(certificate.subject, "CN=AWS IoT Certificate");
  assert.equal(
    certificate.issuer.split("\n").join(),
    "OU=Amazon Web Services,O=Amazon.com Inc.,L=Seattle,ST=Washington,C=US",
  );
  assert.equal(
    new Date(certificate.validTo).toISOString(),
    "2049-12-31T23:59:59.000Z",
  );
});
