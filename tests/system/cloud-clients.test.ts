import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import mqtt, { type MqttClient } from "mqtt";
import { writeIdentity } from "../../simulator/cloud/identity-files.js";
import { sleep, TestCloud, type Device } from "./cloud-fixture.js";

let cloud: TestCloud;
let node: Device;
let free: Device;

before(async () => {
  cloud = await TestCloud.start({ alpnPort: 0, choices: { connectRate: 0 } });
  node = await cloud.device("stock");
  free = await cloud.freeDevice("free");
  for (const device of [node, free])
    writeIdentity(join(cloud.directory, device.name), {
      ...device,
      roots: cloud.cloud.authority.roots,
    });
});
after(() => cloud.stop());

interface Run {
  readonly code: number | null;
  readonly output: string;
}

/** Runs mosquitto_pub or mosquitto_sub as a device. */
function mosquitto(
  tool: "pub" | "sub",
  device: Device,
  version: string,
  args: string[],
): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      `mosquitto_${tool}`,
      [
        ...["-h", "localhost", "-p", String(cloud.cloud.port)],
        ...["--cafile", "root-ca.pem", "--cert", "device.cert.pem"],
        ...["--key", "device.key.pem", "-V", version, ...args],
      ],
      { cwd: join(cloud.directory, device.name), timeout: 8_000 },
    );
    let output = "";
    child.stdout.on("data", (text) => (output += String(text)));
    child.stderr.on("data", (text) => (output += String(text)));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}

for (const version of ["mqttv311", "mqttv5"])
  describe(`mosquitto's clients, ${version}`, () => {
    test("publish and subscribe with mutual TLS", async () => {
      const received = mosquitto("sub", free, version, [
        "-i",
        `sub-${version}`,
        "-t",
        "dt/fieldnode/stock/#",
        "-q",
        "1",
        "-C",
        "2",
        "-v",
      ]);
      await cloud.event(
        "subscribe",
        ({ client }) => client === `sub-${version}`,
      );
      for (const text of ["one", "two"]) {
        const run = await mosquitto("pub", node, version, [
          "-i",
          "stock",
          "-t",
          "dt/fieldnode/stock/telemetry",
          "-q",
          "1",
          "-m",
          text,
        ]);
        assert.deepEqual(run, { code: 0, output: "" });
      }
      const { output } = await received;
      assert.equal(
        output,
        "dt/fieldnode/stock/telemetry one\ndt/fieldnode/stock/telemetry two\n",
      );
    });

    test("hear no when the policy denies: a lost connection, or the reason", async () => {
      const publish = await mosquitto("pub", node, version, [
        "-i",
        "stock",
        "-t",
        "dt/fieldnode/other/telemetry",
        "-q",
        "1",
        "-m",
        "x",
      ]);
      const connect = await mosquitto("pub", node, version, [
        "-i",
        "other",
        "-t",
        "a",
        "-m",
        "x",
      ]);
      if (version === "mqttv5") {
        assert.match(publish.output, /Publish 1 failed: Not authorized/);
        assert.match(connect.output, /Not authorized/i);
      } else {
        assert.match(publish.output, /connection was lost/);
        assert.notEqual(publish.code, 0);
        assert.notEqual(connect.code, 0);
      }
    });

    test("a payload of 100 KB arrives whole", async () => {
      const received = mosquitto("sub", free, version, [
        "-i",
        `big-${version}`,
        "-t",
        `big/${version}`,
        "-q",
        "1",
        "-C",
        "1",
      ]);
      await cloud.event(
        "subscribe",
        ({ client }) => client === `big-${version}`,
      );
      const text = "0123456789".repeat(10_000);
      await mosquitto("pub", free, version, [
        "-i",
        "free",
        "-t",
        `big/${version}`,
        "-q",
        "1",
        "-m",
        text,
      ]);
      assert.equal((await received).output, `${text}\n`);
    });
  });

for (const protocolVersion of [4, 5] as const)
  describe(`MQTT.js, MQTT ${protocolVersion}`, () => {
    const connect = (device: Device, more: object = {}): MqttClient =>
      mqtt.connect({
        protocol: "mqtts",
        host: "localhost",
        port: cloud.cloud.port,
        ca: cloud.cloud.authority.roots,
        key: device.privateKey,
        cert: device.certificate,
        clientId: `${device.name}-js-${protocolVersion}`,
        protocolVersion,
        reconnectPeriod: 0,
        ...more,
      });

    test("connects, subscribes, publishes with QoS 0 and 1 and gets what it sent", async () => {
      const client = connect(free);
      const got: string[] = [];
      client.on("message", (topic, payload) =>
        got.push(`${topic} ${payload.toString()}`),
      );
      await new Promise((resolve) => client.once("connect", resolve));
      await client.subscribeAsync("js/+", { qos: 1 });
      await client.publishAsync("js/0", "zero", { qos: 0 });
      await client.publishAsync("js/1", "one", { qos: 1 });
      for (let wait = 0; got.length < 2 && wait < 100; wait++) await sleep(10);
      assert.deepEqual(got, ["js/0 zero", "js/1 one"]);
      await client.unsubscribeAsync("js/+");
      await client.endAsync();
    });

    test("connects by ALPN x-amzn-mqtt-ca on the stand-in for port 443", async () => {
      const client = connect(free, {
        port: cloud.cloud.alpnPort,
        ALPNProtocols: ["x-amzn-mqtt-ca"],
      });
      await new Promise((resolve) => client.once("connect", resolve));
      await client.endAsync();
    });

    test("a denied subscription fails", async () => {
      const client = connect(node, { clientId: "stock" });
      await new Promise((resolve) => client.once("connect", resolve));
      const closed = new Promise((resolve) =>
        client.once("close", () => resolve("closed")),
      );
      const denied = client.subscribeAsync("other/#").then(
        () => "granted",
        () => "refused",
      );
      const outcome = await Promise.race([closed, denied]);
      assert.equal(outcome, protocolVersion === 5 ? "refused" : "closed");
      client.end(true);
    });
  });
