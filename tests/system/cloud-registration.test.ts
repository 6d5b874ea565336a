import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as iot from "@aws-sdk/client-iot";
import { authority, device, keyPem, type Credential } from "../interop/pki.js";
import { apiClient, refusal } from "./aws-clients.js";
import {
  allow,
  policyOf,
  TestCloud,
  WireClient,
  type Device,
} from "./cloud-fixture.js";

let cloud: TestCloud;
let client: iot.IoTClient;
let root: Credential;
let watcher: WireClient;

before(async () => {
  cloud = await TestCloud.start({ choices: { connectRate: 0 } });
  client = apiClient(iot.IoTClient, cloud);
  root = await authority({ name: "Factory CA" });
  const everything = await cloud.freeDevice("watcher");
  watcher = await WireClient.connect(cloud, everything);
  await watcher.subscribe("$aws/events/certificates/registered/#");
});
after(async () => {
  client.destroy();
  await watcher.drop();
  await cloud.stop();
});

const pem = (credential: Credential) => credential.certificate.toString("pem");

/** A device of the factory, which the registry does not know. */
async function factoryDevice(name: string, issuer = root): Promise<Device> {
  const credential = await device(issuer, { name });
  return {
    name,
    certificateId: "",
    privateKey: await keyPem(credential),
    certificate: pem(credential),
  };
}

async function register(
  input: Partial<iot.RegisterCACertificateCommandInput> = {},
  issuer = root,
): Promise<string> {
  const { registrationCode } = await client.send(
    new iot.GetRegistrationCodeCommand({}),
  );
  const verification = await device(issuer, { name: registrationCode! });
  const { certificateId } = await client.send(
    new iot.RegisterCACertificateCommand({
      caCertificate: pem(issuer),
      verificationCertificate: pem(verification),
      setAsActive: true,
      allowAutoRegistration: true,
      ...input,
    }),
  );
  return certificateId!;
}

describe("an authority", () => {
  test("is registered only with proof that its key is at hand", async () => {
    const other = await authority({ name: "Other CA" });
    const wrongName = await device(root, { name: "not-the-code" });
    assert.equal(
      await refusal(register({ verificationCertificate: pem(wrongName) })),
      "RegistrationCodeValidationException 400",
    );
    const wrongKey = await device(other, { name: "anything" });
    assert.equal(
      await refusal(register({ verificationCertificate: pem(wrongKey) })),
      "CertificateValidationException 400",
    );
    const leaf = await device(root);
    assert.equal(
      await refusal(register({ caCertificate: pem(leaf) })),
      "CertificateValidationException 400",
    );
  });

  test("12.22: a certificate of it is registered by CONNECT, not by the handshake; then the line goes dead", async () => {
    const caCertificateId = await register();
    const fresh = await factoryDevice("fresh");
    const onlyHandshake = await WireClient.open(cloud, fresh);
    await onlyHandshake.drop();
    const list = () =>
      client.send(new iot.ListCertificatesByCACommand({ caCertificateId }));
    assert.deepEqual((await list()).certificates, []);

    for (const attempt of ["first", "again"]) {
      const line = await WireClient.open(cloud, fresh);
      assert.equal(
        await line.sendConnect({ clientId: "fresh", protocolVersion: 5 }),
        undefined,
        attempt,
      );
      assert.equal(await line.hungUp(), true);
      const { certificates } = await list();
      assert.equal(certificates?.length, 1);
      assert.equal(certificates[0].status, "PENDING_ACTIVATION");
      const [topic, payload] = (await watcher.message())!;
      assert.equal(
        topic,
        `$aws/events/certificates/registered/${caCertificateId}`,
      );
      const { timestamp, ...event } = JSON.parse(payload) as Record<
        string,
        unknown
      >;
      assert.ok(Math.abs(Number(timestamp) - Date.now()) < 600_000);
      assert.deepEqual(event, {
        certificateId: certificates[0].certificateId,
        caCertificateId,
        certificateStatus: "PENDING_ACTIVATION",
        awsAccountId: "000000000000",
        certificateRegistrationTimestamp: null,
      });
    }

    // What the customer's rule does with the event: activate, and attach a policy.
    const [{ certificateId, certificateArn }] = (await list()).certificates!;
    await client.send(
      new iot.CreatePolicyCommand({
        policyName: "factory",
        policyDocument: policyOf([allow("iot:Connect", "*")]),
      }),
    );
    await client.send(
      new iot.AttachPolicyCommand({
        policyName: "factory",
        target: certificateArn,
      }),
    );
    await client.send(
      new iot.UpdateCertificateCommand({ certificateId, newStatus: "ACTIVE" }),
    );
    const line = await WireClient.connect(cloud, fresh);
    assert.equal(await line.ping(), true);
    await line.disconnect();
  });

  test("with a template provisions its devices: the first CONNECT is dropped, the second is let in", async () => {
    const factory = await authority({ name: "Template CA" });
    await register(
      {
        registrationConfig: {
          roleArn: "arn:aws:iam::000000000000:role/provisioning",
          templateBody: JSON.stringify({
            Parameters: {
              "AWS::IoT::Certificate::CommonName": { Type: "String" },
              "AWS::IoT::Certificate::Id": { Type: "String" },
            },
            Resources: {
              thing: {
                Type: "AWS::IoT::Thing",
                Properties: {
                  ThingName: { Ref: "AWS::IoT::Certificate::CommonName" },
                },
              },
              certificate: {
                Type: "AWS::IoT::Certificate",
                Properties: {
                  CertificateId: { Ref: "AWS::IoT::Certificate::Id" },
                  Status: "ACTIVE",
                },
              },
              policy: {
                Type: "AWS::IoT::Policy",
                Properties: {
                  PolicyDocument: policyOf([
                    allow(
                      "iot:Connect",
                      "client/${iot:Connection.Thing.ThingName}",
                    ),
                  ]),
                },
              },
            },
          }),
        },
      },
      factory,
    );
    const made = await factoryDevice("made-by-template", factory);
    const first = await WireClient.open(cloud, made);
    assert.equal(await first.sendConnect({ clientId: made.name }), undefined);
    assert.equal(await first.hungUp(), true);
    const second = await WireClient.connect(cloud, made);
    assert.equal(await second.ping(), true);
    await second.disconnect();
    const { principals } = await client.send(
      new iot.ListThingPrincipalsCommand({ thingName: made.name }),
    );
    assert.equal(principals?.length, 1);
  });

  test("that does not register by itself: its certificates are refused, and registered by hand", async () => {
    const quiet = await authority({ name: "Quiet CA" });
    const stranger = await factoryDevice("stranger", quiet);
    const by = (command: iot.RegisterCertificateCommandInput) =>
      client.send(new iot.RegisterCertificateCommand(command));
    assert.equal(
      await refusal(by({ certificatePem: stranger.certificate })),
      "CertificateValidationException 400",
    );
    const caCertificateId = await register(
      { allowAutoRegistration: false },
      quiet,
    );
    const line = await WireClient.open(cloud, stranger);
    assert.equal(await line.sendConnect({ clientId: "x" }), undefined);
    assert.deepEqual(
      (
        await client.send(
          new iot.ListCertificatesByCACommand({ caCertificateId }),
        )
      ).certificates,
      [],
    );
    const { certificateId } = await by({
      certificatePem: stranger.certificate,
      status: "ACTIVE",
    });
    const { certificateDescription } = await client.send(
      new iot.DescribeCertificateCommand({ certificateId }),
    );
    assert.equal(certificateDescription?.caCertificateId, caCertificateId);
    assert.equal(certificateDescription.status, "ACTIVE");
    assert.equal(
      await refusal(
        client.send(
          new iot.DeleteCACertificateCommand({
            certificateId: caCertificateId,
          }),
        ),
      ),
      "CertificateStateException 406",
    );
    await client.send(
      new iot.UpdateCACertificateCommand({
        certificateId: caCertificateId,
        newStatus: "INACTIVE",
      }),
    );
    await client.send(
      new iot.DeleteCACertificateCommand({ certificateId: caCertificateId }),
    );
  });
});
