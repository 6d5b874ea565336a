import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as iot from "@aws-sdk/client-iot";
import * as data from "@aws-sdk/client-iot-data-plane";
import {
  generateKeyPair,
  signingRequest,
} from "../../simulator/cloud/certificates/key-pair.js";
import { arn } from "../../simulator/cloud/names.js";
import { apiClient, refusal } from "./aws-clients.js";
import {
  allow,
  policyOf,
  TestCloud,
  WireClient,
  type Device,
} from "./cloud-fixture.js";
import { ServiceClient } from "./service-client.js";

let cloud: TestCloud;
let client: iot.IoTClient;
let watcher: Device;

before(async () => {
  cloud = await TestCloud.start({ choices: { connectRate: 0 } });
  client = apiClient(iot.IoTClient, cloud);
  watcher = await cloud.freeDevice("watcher");
});
after(async () => {
  client.destroy();
  await cloud.stop();
});

describe("the official client provisions", () => {
  const Resources = {
    thing: {
      Type: "AWS::IoT::Thing",
      Properties: { ThingName: { Ref: "Name" } },
    },
    certificate: {
      Type: "AWS::IoT::Certificate",
      Properties: { CertificateSigningRequest: { Ref: "CSR" } },
    },
    policy: {
      Type: "AWS::IoT::Policy",
      Properties: { PolicyDocument: policyOf([allow("iot:*", "*")]) },
    },
  };

  test("a thing with a certificate for its signing request, by RegisterThing; or nothing of it", async () => {
    const templateBody = JSON.stringify({
      Parameters: { Name: { Type: "String" }, CSR: { Type: "String" } },
      Resources,
    });
    const csr = await signingRequest(await generateKeyPair("P-256"), "x");
    const register = (CSR: string) =>
      client.send(
        new iot.RegisterThingCommand({
          templateBody,
          parameters: { Name: "registered", CSR },
        }),
      );
    assert.equal(
      await refusal(register("no request")),
      "InvalidRequestException 400",
    );
    assert.equal(cloud.cloud.registry.things.find("registered"), undefined);
    const { certificatePem, resourceArns } = await register(csr);
    assert.match(certificatePem ?? "", /BEGIN CERTIFICATE/);
    assert.equal(resourceArns?.thing, arn("thing/registered"));
    const { principals } = await client.send(
      new iot.ListThingPrincipalsCommand({ thingName: "registered" }),
    );
    assert.deepEqual(principals, [resourceArns.certificate]);
    const { policies } = await client.send(
      new iot.ListAttachedPoliciesCommand({ target: resourceArns.certificate }),
    );
    assert.equal(policies?.[0].policyArn, resourceArns.policy);
  });

  test("by a claim: good for its own template, and for nothing else", async () => {
    const templateBody = JSON.stringify({
      Parameters: { "AWS::IoT::Certificate::Id": { Type: "String" } },
      Resources: {
        thing: {
          Type: "AWS::IoT::Thing",
          Properties: { ThingName: "claimed" },
        },
        certificate: {
          Type: "AWS::IoT::Certificate",
          Properties: {
            CertificateId: { Ref: "AWS::IoT::Certificate::Id" },
          },
        },
      },
    });
    const templateName = "trusted-user";
    const claim = () =>
      client.send(new iot.CreateProvisioningClaimCommand({ templateName }));
    assert.equal(await refusal(claim()), "ResourceNotFoundException 404");
    await client.send(
      new iot.CreateProvisioningTemplateCommand({
        templateName,
        templateBody,
        enabled: true,
        provisioningRoleArn: "arn:aws:iam::000000000000:role/x",
      }),
    );
    const made = await claim();
    const left = made.expiration!.getTime() - Date.now();
    assert.ok(left > 0 && left <= 300_000, `${left} ms`);
    const device: Device = {
      name: "claimant",
      certificateId: made.certificateId!,
      certificate: made.certificatePem!,
      privateKey: made.keyPair!.PrivateKey!,
    };
    const wire = await ServiceClient.connect(cloud, device, [
      "$aws/certificates/create/json/+",
      `$aws/provisioning-templates/${templateName}/provision/json/+`,
    ]);
    const { body } = await wire.request("$aws/certificates/create/json", {});
    const { certificateOwnershipToken } = body;
    const done = await wire.request(
      `$aws/provisioning-templates/${templateName}/provision/json`,
      { certificateOwnershipToken },
    );
    assert.equal(done.body.thingName, "claimed");
    wire.wire.publish("anything/else", "x", { qos: 1 });
    assert.equal(await wire.wire.hungUp(), true);
  });
});

describe("events of the registry and of jobs", () => {
  test("are off until they are switched on; then things, groups and jobs are told of", async () => {
    const events = await ServiceClient.connect(cloud, watcher, [
      "$aws/events/thing/#",
      "$aws/events/thingGroupMembership/#",
      "$aws/events/job/#",
      "$aws/events/jobExecution/#",
    ]);
    await client.send(new iot.CreateThingCommand({ thingName: "untold" }));
    const switched = { Enabled: true };
    await client.send(
      new iot.UpdateEventConfigurationsCommand({
        eventConfigurations: {
          THING: switched,
          THING_GROUP_MEMBERSHIP: switched,
          JOB: switched,
          JOB_EXECUTION: switched,
        },
      }),
    );
    const { eventConfigurations } = await client.send(
      new iot.DescribeEventConfigurationsCommand({}),
    );
    assert.equal(eventConfigurations?.THING?.Enabled, true);
    assert.equal(eventConfigurations.POLICY?.Enabled, false);
    const thingName = "told";
    await client.send(new iot.CreateThingCommand({ thingName }));
    await client.send(
      new iot.UpdateThingCommand({
        thingName,
        attributePayload: { attributes: { a: "b" } },
      }),
    );
    await client.send(
      new iot.CreateThingGroupCommand({ thingGroupName: "some" }),
    );
    await client.send(
      new iot.AddThingToThingGroupCommand({
        thingGroupName: "some",
        thingName,
      }),
    );
    await client.send(
      new iot.CreateJobCommand({
        jobId: "told",
        targets: [arn("thing/told")],
        document: "{}",
      }),
    );
    cloud.cloud.services.jobs.device.update(thingName, "told", {
      status: "SUCCEEDED",
    });
    await client.send(new iot.DeleteThingCommand({ thingName }));
    const told = await events.rest();
    assert.deepEqual(
      told.map(({ topic }) => topic.replace("$aws/events/", "")).sort(),
      [
        "job/told/completed",
        "jobExecution/told/succeeded",
        "thing/told/created",
        "thing/told/deleted",
        "thing/told/updated",
        "thingGroupMembership/thingGroup/some/thing/told/added",
      ],
    );
    const updated = told.find(({ topic }) => topic.endsWith("/updated"));
    assert.equal(updated?.body.eventType, "THING_EVENT");
    assert.deepEqual(updated.body.attributes, { a: "b" });
    assert.equal(updated.body.versionNumber, 2);
    await events.close();
    assert.equal(
      await refusal(
        client.send(
          new iot.UpdateEventConfigurationsCommand({
            eventConfigurations: { POLICY: switched },
          }),
        ),
      ),
      "InvalidRequestException 400",
    );
  });
});

test("DeleteConnection ends a client's connection, with its will or without, and its session when asked to", async () => {
  const applications = apiClient(data.IoTDataPlaneClient, cloud);
  const end = (input: object) =>
    applications.send(
      new data.DeleteConnectionCommand({ clientId: "victim", ...input }),
    );
  const witness = await WireClient.connect(cloud, watcher);
  await witness.subscribe("gone");
  const connect = async () => {
    const victim = await WireClient.open(cloud, watcher);
    const connack = await victim.sendConnect({
      clientId: "victim",
      protocolVersion: 5,
      clean: false,
      properties: { sessionExpiryInterval: 60 },
      will: { topic: "gone", payload: "x" },
    });
    return { victim, present: connack?.sessionPresent };
  };
  const first = await connect();
  await end({});
  assert.equal(await first.victim.disconnectCode(), 0x98);
  assert.deepEqual(await witness.message(), ["gone", "x"]);
  const second = await connect();
  assert.equal(second.present, true);
  await end({ cleanSession: true, preventWillMessage: true });
  await second.victim.closed;
  const third = await connect();
  assert.equal(third.present, false);
  assert.equal(await witness.message(100), undefined);
  await third.victim.drop();
  await cloud.event(
    "disconnected",
    ({ cause }) => cause === "API_INITIATED_DISCONNECT",
  );
  assert.equal(
    await refusal(
      applications.send(
        new data.DeleteConnectionCommand({ clientId: "nobody" }),
      ),
    ),
    "ResourceNotFoundException 404",
  );
  applications.destroy();
});
