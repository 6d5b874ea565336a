import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { after, before, describe, test } from "node:test";
import * as awsIot from "@aws-sdk/client-iot";
import { iotidentity } from "aws-iot-device-sdk-v2";
import {
  generateKeyPair,
  privateKeyToPem,
  signingRequest,
} from "../../simulator/cloud/certificates/key-pair.js";
import { apiClient } from "../system/aws-clients.js";
import { allow, policyOf, TestCloud } from "../system/cloud-fixture.js";
import {
  connect311,
  connect5,
  disconnect5,
  endProcess,
  makeDevice,
  requestOptions,
  type SdkDevice,
} from "./device-sdk.js";

const templateName = "fleet";
let cloud: TestCloud;
let client: awsIot.IoTClient;
/** The certificate that every device is made with, good for provisioning only. */
let claim: SdkDevice;

before(async () => {
  cloud = await TestCloud.start({ choices: { connectRate: 0 } });
  client = apiClient(awsIot.IoTClient, cloud);
  await client.send(
    new awsIot.CreatePolicyCommand({
      policyName: "devices",
      policyDocument: policyOf([
        allow("iot:Connect", "client/${iot:Connection.Thing.ThingName}"),
      ]),
    }),
  );
  await client.send(
    new awsIot.CreateProvisioningTemplateCommand({
      templateName,
      provisioningRoleArn: "arn:aws:iam::000000000000:role/provisioning",
      enabled: true,
      templateBody: JSON.stringify({
        Parameters: {
          SerialNumber: { Type: "String" },
          "AWS::IoT::Certificate::Id": { Type: "String" },
        },
        Resources: {
          thing: {
            Type: "AWS::IoT::Thing",
            Properties: {
              ThingName: {
                "Fn::Join": ["", ["pump-", { Ref: "SerialNumber" }]],
              },
              AttributePayload: { serial: { Ref: "SerialNumber" } },
            },
          },
          certificate: {
            Type: "AWS::IoT::Certificate",
            Properties: {
              CertificateId: { Ref: "AWS::IoT::Certificate::Id" },
              Status: "Active",
            },
          },
          policy: {
            Type: "AWS::IoT::Policy",
            Properties: { PolicyName: "devices" },
          },
        },
        DeviceConfiguration: { interval: "60" },
      }),
    }),
  );
  claim = await makeDevice(client, "claim", [
    allow("iot:Connect", "*"),
    allow(
      ["iot:Publish", "iot:Receive"],
      "topic/$aws/certificates/*",
      `topic/$aws/provisioning-templates/${templateName}/*`,
    ),
    allow(
      "iot:Subscribe",
      "topicfilter/$aws/certificates/*",
      `topicfilter/$aws/provisioning-templates/${templateName}/*`,
    ),
  ]);
});
after(async () => {
  client.destroy();
  await cloud.stop();
  endProcess();
});

const lines: Record<
  string,
  () => Promise<{
    identity: iotidentity.IotIdentityClientv2;
    disconnect: () => Promise<unknown>;
  }>
> = {
  "MQTT 5": async () => {
    const line = await connect5(cloud, claim);
    return {
      identity: iotidentity.IotIdentityClientv2.newFromMqtt5(
        line,
        requestOptions,
      ),
      disconnect: () => disconnect5(line),
    };
  },
  "MQTT 3.1.1": async () => {
    const line = await connect311(cloud, claim);
    return {
      identity: iotidentity.IotIdentityClientv2.newFromMqtt311(
        line,
        requestOptions,
      ),
      disconnect: () => line.disconnect(),
    };
  },
};

describe("the AWS IoT Device SDK provisions a fleet's device by its claim", () => {
  for (const [version, open] of Object.entries(lines)) {
    const serial = version === "MQTT 5" ? "5" : "311";

    test(`${version}: with keys that the cloud makes`, async () => {
      const { identity, disconnect } = await open();
      const keys = await identity.createKeysAndCertificate({});
      const thingName = await register(identity, keys, `${serial}-keys`);
      identity.close();
      await disconnect();
      await connects({
        thingName,
        certificateArn: "",
        certificatePem: keys.certificatePem!,
        privateKey: keys.privateKey!,
      });
    });

    test(`${version}: with a signing request, so that the key stays on the device`, async () => {
      const { identity, disconnect } = await open();
      const pair = await generateKeyPair("P-256");
      const made = await identity.createCertificateFromCsr({
        certificateSigningRequest: await signingRequest(pair, "device"),
      });
      const { certificateDescription } = await client.send(
        new awsIot.DescribeCertificateCommand({
          certificateId: made.certificateId,
        }),
      );
      assert.equal(certificateDescription?.status, "PENDING_ACTIVATION");
      const thingName = await register(identity, made, `${serial}-csr`);
      identity.close();
      await disconnect();
      const { attributes } = await client.send(
        new awsIot.DescribeThingCommand({ thingName }),
      );
      assert.deepEqual(attributes, { serial: `${serial}-csr` });
      assert.equal(
        new X509Certificate(made.certificatePem!).subject,
        "CN=AWS IoT Certificate",
      );
      await connects({
        thingName,
        certificateArn: "",
        certificatePem: made.certificatePem!,
        privateKey: await privateKeyToPem(pair),
      });
    });
  }

  test("a device whose parameters are missing hears so", async () => {
    const { identity, disconnect } = await lines["MQTT 5"]();
    const { certificateOwnershipToken } =
      await identity.createKeysAndCertificate({});
    await assert.rejects(
      identity.registerThing({
        templateName,
        certificateOwnershipToken: certificateOwnershipToken!,
        parameters: {},
      }),
      (error: { modeledError?: { statusCode?: number } }) =>
        error.modeledError?.statusCode === 400,
    );
    identity.close();
    await disconnect();
  });
});

async function register(
  identity: iotidentity.IotIdentityClientv2,
  { certificateOwnershipToken }: { certificateOwnershipToken?: string },
  serial: string,
): Promise<string> {
  const { thingName, deviceConfiguration } = await identity.registerThing({
    templateName,
    certificateOwnershipToken: certificateOwnershipToken!,
    parameters: { SerialNumber: serial },
  });
  assert.equal(thingName, `pump-${serial}`);
  assert.deepEqual(deviceConfiguration, { interval: "60" });
  return thingName;
}

/** The provisioned device is let in with its own certificate. */
async function connects(device: SdkDevice): Promise<void> {
  await disconnect5(await connect5(cloud, device));
}
