import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Certificates } from "../../simulator/cloud/registry/certificates.js";
import { TestCloud, WireClient, type Device } from "./cloud-fixture.js";
import { Field } from "./field.js";

let cloud: TestCloud;
before(async () => {
  cloud = await TestCloud.start();
});
after(() => cloud.stop());

/** Return code of the CONNACK; undefined when the line goes dead. */
async function answer(
  device: Device | undefined,
  clientId: string,
): Promise<number | undefined> {
  const client = await WireClient.open(cloud, device);
  const connack = await client.sendConnect({ clientId });
  await client.drop();
  return connack?.returnCode;
}

describe("a certificate that is no good (section 1.8): the handshake completes, no CONNACK comes", () => {
  for (const version of [4, 5] as const)
    for (const status of ["INACTIVE", "REVOKED"] as const)
      test(`${status}, MQTT ${version}`, async () => {
        const device = await cloud.freeDevice(`bad-${status}-${version}`);
        cloud.cloud.registry.certificates.setStatus(
          device.certificateId,
          status,
        );
        const client = await WireClient.open(cloud, device);
        assert.equal(
          await client.sendConnect({
            clientId: device.name,
            protocolVersion: version,
          }),
          undefined,
        );
        assert.equal(await client.hungUp(), true);
        const event = await cloud.event(
          "refused",
          ({ reason }) =>
            reason === `certificate ${device.certificateId} is ${status}`,
        );
        assert.match(event.told, /no packet/);
      });

  test("PENDING_ACTIVATION", async () => {
    const device = await cloud.freeDevice("pending");
    const { registry } = cloud.cloud;
    registry.detachThingPrincipal(
      "pending",
      Certificates.arn(device.certificateId),
    );
    registry.certificates.setStatus(device.certificateId, "INACTIVE");
    registry.deleteCertificate(device.certificateId, true);
    registry.certificates.add(device.certificate, "PENDING_ACTIVATION");
    assert.equal(await answer(device, "pending"), undefined);
  });

  test("unknown to the registry", async () => {
    const other = await TestCloud.start();
    const stranger = await other.device("stranger");
    await other.stop();
    assert.equal(await answer(stranger, "stranger"), undefined);
    await cloud.event("refused", ({ reason }) =>
      reason.includes("is not in this account's registry"),
    );
  });

  test("none at all", async () => {
    assert.equal(await answer(undefined, "nobody"), undefined);
    await cloud.event("refused", ({ reason }) =>
      reason.includes("showed no certificate"),
    );
  });

  test("no policy attached", async () => {
    const device = await cloud.device("unpoliced");
    for (const policy of cloud.cloud.registry.policiesOf(
      Certificates.arn(device.certificateId),
    ))
      cloud.cloud.registry.detachPolicy(
        policy,
        Certificates.arn(device.certificateId),
      );
    assert.equal(await answer(device, "unpoliced"), undefined);
    await cloud.event("refused", ({ reason }) =>
      reason.includes("no policy is attached"),
    );
  });
});

test("12.21: a certificate of an unknown authority connects when the registry has it", async () => {
  const other = await TestCloud.start();
  const device = await other.device("foreign");
  await other.stop();
  const { registry } = cloud.cloud;
  registry.things.create("foreign");
  registry.certificates.register(device.certificate, "ACTIVE");
  const target = Certificates.arn(device.certificateId);
  registry.attachPolicy("fieldnode-node", target);
  registry.attachThingPrincipal("foreign", target);
  assert.equal(await answer(device, "foreign"), 0);
});

describe("a certificate that is no good, as another choice", () => {
  test("is refused at the end of the handshake", async () => {
    const early = await TestCloud.start({
      choices: { refuseCertificateAt: "handshake-end" },
    });
    const client = await WireClient.open(early, undefined);
    assert.equal(await client.hungUp(), true);
    const device = await early.device("early");
    await (await WireClient.connect(early, device)).disconnect();
    await early.stop();
  });

  test("gets alert 46 in the handshake, which the node tells in words", async () => {
    const field = new Field();
    try {
      const { registry } = await field.startCloud({
        choices: { refuseCertificateAt: "handshake" },
      });
      const id = await field.provision();
      const first = await field.startNode({ count: 1 });
      assert.equal(await first.ended, 0, first.lines.join("\n"));
      registry.certificates.setStatus(id, "INACTIVE");
      const node = await field.startNode();
      assert.match(
        await node.prints("[tls.certificate-refused]"),
        /The server refuses this node's certificate/,
      );
      assert.ok(
        field
          .eventsOf("tls-failed")
          .some(({ reason }) =>
            reason.includes("is INACTIVE. Alert 46 was sent"),
          ),
      );
    } finally {
      await field.close();
    }
  });

  test("gets alert 40 when it is missing; a good one passes, in TLS 1.2", async () => {
    const strict = await TestCloud.start({
      choices: { refuseCertificateAt: "handshake" },
    });
    await assert.rejects(WireClient.open(strict, undefined), /alert number 40/);
    const device = await strict.device("strict");
    const client = await WireClient.connect(strict, device);
    assert.equal(client.socket.getProtocol(), "TLSv1.2");
    await client.disconnect();
    await strict.stop();
  });
});
