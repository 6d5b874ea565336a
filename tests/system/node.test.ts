import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { nodePolicyName } from "../../simulator/cloud/node-policy.js";
import { makeIdentity } from "../../simulator/cloud/provisioning.js";
import { Certificates } from "../../simulator/cloud/registry/certificates.js";
import { Backend } from "./backend.js";
import { Field } from "./field.js";

let field: Field;
beforeEach(async () => {
  field = new Field();
  await field.startCloud();
});
afterEach(() => field.close());

/** Milliseconds since its start that a line of the node's time line tells. */
const timeOf = (line: string): number => Number.parseFloat(line) * 1000;

test("a provisioned node joins, sets its clock, connects, and its samples arrive", async () => {
  await field.provision();
  const backend = await Backend.open(field.cloud, "dt/#");
  const started = Date.now();
  const node = await field.startNode({ count: 3 });
  assert.equal(await node.ended, 0, node.lines.join("\n"));
  await backend.close();

  const samples = backend.samples();
  assert.deepEqual(
    samples.map(({ seq }) => seq),
    [1, 2, 3],
  );
  for (const sample of samples) {
    assert.deepEqual(Object.keys(sample), [
      "seq",
      "time",
      "sensor",
      "temperature",
      "humidity",
    ]);
    const { time, temperature, humidity } = sample;
    assert.ok(time > started - 1000 && time < Date.now() + 1000, `${time}`);
    assert.ok(temperature > -40 && temperature < 60, `${temperature}`);
    assert.ok(humidity >= 0 && humidity <= 100, `${humidity}`);
  }
  const steps = node.lines
    .map((line) => line.trim().split(/\s+/)[2])
    .filter((step) => step !== "sensor");
  assert.deepEqual(
    steps.filter((step, index) => step !== steps[index - 1]),
    ["wifi", "time", "dns", "tcp", "tls", "mqtt", "publish"],
  );
});

test("sequence numbers go on after a restart", async () => {
  await field.provision();
  const backend = await Backend.open(field.cloud, "dt/#");
  for (const count of [2, 2]) {
    const node = await field.startNode({ count });
    assert.equal(await node.ended, 0, node.lines.join("\n"));
  }
  await backend.close();
  assert.deepEqual(
    backend.samples().map(({ seq }) => seq),
    [1, 2, 3, 4],
  );
});

test("a node speaks MQTT 3.1.1 when it is told to", async () => {
  await field.provision();
  const node = await field.startNode({ count: 2, mqtt: "3.1.1" });
  assert.equal(await node.ended, 0, node.lines.join("\n"));
  assert.match(field.eventsOf("connected")[0].protocol, /3\.1\.1/);
  await node.prints("seq 2 acknowledged");
});

test("nothing of a node's flash is readable for others", async () => {
  await field.provision();
  const node = await field.startNode({ count: 1 });
  assert.equal(await node.ended, 0, node.lines.join("\n"));
  const identity = join(field.flashOf("node-1"), "identity");
  assert.equal(statSync(identity).mode & 0o777, 0o700);
  assert.equal(statSync(join(identity, "key0")).mode & 0o777, 0o600);
});

for (const mqtt of ["5", "3.1.1"] as const)
  test(`a certificate that the cloud does not know is told as the likely cause, and the node backs off (MQTT ${mqtt})`, async () => {
    const made = await makeIdentity(field.cloud.authority);
    field.flash("node-1", {
      cert: made.certificate,
      key: made.privateKey,
      trust: field.cloud.authority.roots,
    });
    const node = await field.startNode({ mqtt });
    await node.prints("[mqtt.closed-before-connack]", 3);
    const waits = node.lines.filter((line) => line.includes("next attempt in"));
    assert.ok(waits.length >= 2);
    const attempts = node.lines
      .filter((line) => / dns /.test(line))
      .map(timeOf);
    for (let index = 1; index < attempts.length; index++)
      assert.ok(
        attempts[index] - attempts[index - 1] >= 990,
        "IoT Core takes one CONNECT a second",
      );
    assert.equal(field.eventsOf("connected").length, 0);
  });

for (const status of ["INACTIVE", "REVOKED"] as const)
  test(`a certificate that is ${status} is told as the likely cause`, async () => {
    const id = await field.provision();
    field.cloud.registry.certificates.setStatus(id, status);
    const node = await field.startNode({ count: 1 });
    assert.equal(await node.ended, 2, node.lines.join("\n"));
    assert.match(
      node.lastFailure,
      /not ACTIVE.*\[mqtt\.closed-before-connack\]$/,
    );
    assert.ok(
      field.eventsOf("refused").some(({ reason }) => reason.includes(status)),
      "the cloud's log says what the device is not told",
    );
  });

test("a policy that does not allow Connect is named (MQTT 5)", async () => {
  const id = await field.provision();
  field.cloud.registry.detachPolicy(nodePolicyName, Certificates.arn(id));
  const node = await field.startNode({ count: 1 });
  assert.equal(await node.ended, 2, node.lines.join("\n"));
  assert.match(
    node.lastFailure,
    /\[(policy\.connect-denied|mqtt\.closed-before-connack)\]$/,
  );
});

/** Replaces what the node may do by one statement beside Connect and Subscribe. */
function allowOnly(certificateId: string, statement: object): void {
  const { registry } = field.cloud;
  registry.detachPolicy(nodePolicyName, Certificates.arn(certificateId));
  registry.policies.create(
    "narrow",
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Action: ["iot:Connect", "iot:Subscribe"],
          Resource: "*",
        },
        statement,
      ],
    }),
  );
  registry.attachPolicy("narrow", Certificates.arn(certificateId));
}

const elsewhere = {
  Effect: "Allow",
  Action: "iot:Publish",
  Resource: "arn:aws:iot:local-1:000000000000:topic/elsewhere",
};

test("a policy that does not allow the topic is named (MQTT 5)", async () => {
  allowOnly(await field.provision(), elsewhere);
  const node = await field.startNode({ count: 1 });
  assert.equal(await node.ended, 2, node.lines.join("\n"));
  assert.match(node.lastFailure, /\[policy\.publish-denied\]$/);
});

test("a policy that does not allow the topic is told as the likely cause (MQTT 3.1.1)", async () => {
  allowOnly(await field.provision(), elsewhere);
  const node = await field.startNode({ mqtt: "3.1.1" });
  const line = await node.prints("PUBLISH to dt/fieldnode/node-1/telemetry");
  assert.match(line, /\[policy\.likely\]/);
});

test("a server with a root that the node does not trust is refused, and hears of it", async () => {
  await field.provision();
  const stranger = new Field();
  await stranger.startCloud();
  try {
    const made = await makeIdentity(field.cloud.authority);
    field.flash("node-1", {
      cert: made.certificate,
      key: made.privateKey,
      trust: stranger.cloud.authority.roots,
    });
    const node = await field.startNode({ count: 1 });
    assert.equal(await node.ended, 2, node.lines.join("\n"));
    assert.match(node.lastFailure, /\[tls\.unknown-root\]$/);
    assert.match(field.eventsOf("tls-failed")[0].reason, /unknown[ _]ca/i);
    assert.equal(field.eventsOf("connected").length, 0);
  } finally {
    await stranger.close();
  }
});

test("a server that does not answer for the endpoint's name is told as such", async () => {
  await field.provision();
  const node = await field.startNode({
    count: 1,
    endpoint: `elsewhere.localhost:${field.cloud.port}`,
  });
  assert.equal(await node.ended, 2, node.lines.join("\n"));
  assert.match(node.lastFailure, /\[tls\.unknown-name\]$/);
});

test("a node without trust refuses to connect at all", async () => {
  const made = await makeIdentity(field.cloud.authority);
  field.flash("node-1", { cert: made.certificate, key: made.privateKey });
  const node = await field.startNode({ count: 1 });
  assert.equal(await node.ended, 2, node.lines.join("\n"));
  assert.match(node.lastFailure, /\[identity\.no-trust\]$/);
  assert.equal(field.eventsOf("tls").length, 0);
});

test("a node that loses its cloud comes back and loses no sample", async () => {
  await field.provision();
  const node = await field.startNode();
  await node.prints("seq 3 acknowledged");
  const { port } = field.cloud;
  await field.cloud.stop();
  await node.prints("next attempt in");
  await field.startCloud({ port });
  const backend = await Backend.open(field.cloud, "dt/#");
  const before = field.eventsOf("publish").length;
  await node.prints("connected as node-1", 2);
  await node.prints("acknowledged", before + 20);
  await node.stop();
  await backend.close();
  const { acknowledged } = node;
  assert.deepEqual(
    acknowledged,
    acknowledged.map((_, index) => index + 1),
  );
});

test("a node whose endpoint is not known says so and keeps trying", async () => {
  await field.provision();
  const node = await field.startNode({ endpoint: "no-such-host.invalid" });
  await node.prints("[dns.not-found]", 2);
});

test("a node whose endpoint does not listen says so and keeps trying", async () => {
  await field.provision();
  const { port } = field.cloud;
  await field.cloud.stop();
  const node = await field.startNode({ endpoint: `localhost:${port}` });
  await node.prints("[tcp.unreachable]", 2);
});

test("a wrong clock on the time server does not bring back the past", async () => {
  await field.provision();
  const node = await field.startNode({
    accessPoint: { timeOffset: -20 * 365 * 86_400_000 },
    count: 1,
  });
  await node.prints("not believed");
});

test("a node that no time server answers says that its clock was never set, and goes on trying", async () => {
  await field.provision();
  const node = await field.startNode({
    settings: { ntp: ["nowhere.invalid"] },
  });
  await node.prints("[time.no-answer]");
  // The cloud's certificate is younger than the firmware, and that is the earliest the node believes it to be.
  await node.prints("[tls.clock-unset]", 2);
});

test("a node that no time server answers connects by the time it kept of its last connection", async () => {
  await field.provision();
  const first = await field.startNode({ count: 1 });
  assert.equal(await first.ended, 0);
  const second = await field.startNode({
    settings: { ntp: ["nowhere.invalid"] },
    count: 1,
  });
  await second.prints("[time.no-answer]");
  assert.equal(await second.ended, 0);
});
