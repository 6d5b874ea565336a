import assert from "node:assert/strict";
import { after, before, describe, mock, test } from "node:test";
import type { IConnackPacket, IConnectPacket } from "mqtt-packet";
import { clampKeepAlive } from "../../simulator/cloud/mqtt/admission.js";
import { TestCloud, WireClient, type Device } from "./cloud-fixture.js";

const v5 = { protocolVersion: 5 } as const;
let cloud: TestCloud;
let free: Device;

before(async () => {
  cloud = await TestCloud.start({ choices: { connectRate: 0, replayRate: 0 } });
  free = await cloud.freeDevice("free");
});
after(() => cloud.stop());

const connect = (
  device: Device,
  clientId = device.name,
  version: 4 | 5 = 4,
  more: Partial<IConnectPacket> = {},
) =>
  WireClient.connect(cloud, device, {
    clientId,
    protocolVersion: version,
    ...more,
  });

/** What a CONNECT gets: the CONNACK, or undefined when the line goes dead. */
async function answer(
  packet: Partial<IConnectPacket>,
): Promise<IConnackPacket | undefined> {
  const client = await WireClient.open(cloud, free);
  const connack = await client.sendConnect(packet);
  await client.drop();
  return connack;
}

// The first of all: a timer of another test must not be cleared while these are not the real ones.
test("2.2 keep-alive, 12.19: a connection ends after one and a half keep-alives without a packet (0x8D), not before", async () => {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.now() });
  try {
    const client = await connect(free, "silent", 5, { keepalive: 30 });
    mock.timers.tick(44_000);
    assert.equal(await client.ping(), true);
    mock.timers.tick(44_000);
    assert.equal(await client.ping(), true);
    mock.timers.tick(45_100);
    assert.equal(await client.disconnectCode(), 0x8d);
  } finally {
    mock.timers.reset();
  }
  await cloud.event(
    "disconnected",
    ({ client, cause }) =>
      client === "silent" && cause === "MQTT_KEEP_ALIVE_TIMEOUT",
  );
});

test("2.2 client ID: more than 128 bytes get CONNACK 0x85, or a close", async () => {
  const clientId = "é".repeat(65);
  assert.equal((await answer({ clientId, ...v5 }))?.reasonCode, 0x85);
  assert.equal(await answer({ clientId }), undefined);
  const longest = "é".repeat(64);
  assert.equal((await answer({ clientId: longest }))?.returnCode, 0);
});

test("2.2 CONNECT per client ID: more than one a second is throttled (0x97)", async () => {
  const strict = await TestCloud.start();
  const busy = await strict.freeDevice("busy");
  const codes: (number | undefined)[] = [];
  for (let count = 0; count < 12; count++) {
    const client = await WireClient.open(strict, busy);
    codes.push(
      (await client.sendConnect({ clientId: "busy", ...v5 }))?.reasonCode,
    );
    await client.drop();
  }
  assert.equal(codes[0], 0);
  assert.ok(codes.includes(0x97), `codes were ${codes.join()}`);
  await strict.stop();
});

describe("2.2 keep-alive, 12.19", () => {
  test("is moved into 30 to 1200 s, and 0 means 1200 s", () => {
    assert.deepEqual(
      [0, 1, 29, 30, 600, 1200, 1201, 65_535].map(clampKeepAlive),
      [1200, 30, 30, 30, 600, 1200, 1200, 1200],
    );
  });

  test("is told to an MQTT 5 client", async () => {
    for (const [asked, told] of [
      [0, 1200],
      [10, 30],
      [300, 300],
    ])
      assert.equal(
        (
          await answer({
            clientId: `keep-${asked}`,
            keepalive: asked,
            ...v5,
          })
        )?.properties?.serverKeepAlive,
        told,
      );
  });
});

test("2.2 client's own Maximum Packet Size: below 512 is refused", async () => {
  const code = async (maximumPacketSize: number) =>
    (
      await answer({
        clientId: "small",
        ...v5,
        properties: { maximumPacketSize },
      })
    )?.reasonCode;
  assert.equal(await code(511), 0x80);
  assert.equal(await code(512), 0);
});
