import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { after, before, describe, test } from "node:test";
import * as iot from "@aws-sdk/client-iot";
import { apiClient, refusal } from "./aws-clients.js";
import { allow, policyOf, TestCloud, WireClient } from "./cloud-fixture.js";

let cloud: TestCloud;
let client: iot.IoTClient;

before(async () => {
  cloud = await TestCloud.start();
  client = apiClient(iot.IoTClient, cloud);
});
after(async () => {
  client.destroy();
  await cloud.stop();
});

describe("the official client", () => {
  test("provisions a device and takes it down again, in AWS's usual order", async () => {
    const { endpointAddress } = await client.send(
      new iot.DescribeEndpointCommand({ endpointType: "iot:Data-ATS" }),
    );
    assert.equal(endpointAddress, cloud.cloud.endpoint);
    const thingName = "pump-1";
    const thing = await client.send(
      new iot.CreateThingCommand({
        thingName,
        attributePayload: { attributes: { site: "north" } },
      }),
    );
    assert.equal(
      thing.thingArn,
      "arn:aws:iot:local-1:000000000000:thing/pump-1",
    );
    const keys = await client.send(
      new iot.CreateKeysAndCertificateCommand({ setAsActive: true }),
    );
    const principal = keys.certificateArn!;
    const policyName = "pumps";
    const policy = await client.send(
      new iot.CreatePolicyCommand({
        policyName,
        policyDocument: policyOf([allow("iot:*", "*")]),
      }),
    );
    assert.equal(policy.policyVersionId, "1");
    await client.send(
      new iot.AttachPolicyCommand({ policyName, target: principal }),
    );
    await client.send(
      new iot.AttachThingPrincipalCommand({ thingName, principal }),
    );

    const key = createPrivateKey(keys.keyPair!.PrivateKey!);
    assert.match(keys.keyPair!.PrivateKey!, /BEGIN RSA PRIVATE KEY/);
    assert.equal(
      new X509Certificate(keys.certificatePem!).checkPrivateKey(key),
      true,
    );
    const device = {
      name: thingName,
      certificateId: keys.certificateId!,
      privateKey: keys.keyPair!.PrivateKey!,
      certificate: keys.certificatePem!,
    };
    await (await WireClient.connect(cloud, device)).disconnect();

    const described = await client.send(
      new iot.DescribeThingCommand({ thingName }),
    );
    assert.equal(described.defaultClientId, thingName);
    assert.equal(described.version, 1);
    assert.deepEqual(described.attributes, { site: "north" });
    const certificateId = keys.certificateId!;
    assert.equal(
      await refusal(
        client.send(new iot.DeleteCertificateCommand({ certificateId })),
      ),
      "CertificateStateException 406",
    );
    assert.equal(
      await refusal(client.send(new iot.DeleteThingCommand({ thingName }))),
      "InvalidRequestException 400",
    );
    assert.equal(
      await refusal(client.send(new iot.DeletePolicyCommand({ policyName }))),
      "DeleteConflictException 409",
    );
    await client.send(
      new iot.DetachThingPrincipalCommand({ thingName, principal }),
    );
    await client.send(
      new iot.DetachPolicyCommand({ policyName, target: principal }),
    );
    await client.send(
      new iot.UpdateCertificateCommand({
        certificateId,
        newStatus: "INACTIVE",
      }),
    );
    await client.send(new iot.DeleteCertificateCommand({ certificateId }));
    await client.send(new iot.DeletePolicyCommand({ policyName }));
    await client.send(new iot.DeleteThingCommand({ thingName }));
    await client.send(new iot.DeleteThingCommand({ thingName }));
    assert.equal(
      await refusal(client.send(new iot.DescribeThingCommand({ thingName }))),
      "ResourceNotFoundException 404",
    );
  });

  test("hears of what exists with its id and ARN, and makes the same thing twice", async () => {
    const create = (site: string) =>
      client.send(
        new iot.CreateThingCommand({
          thingName: "twice",
          attributePayload: { attributes: { site } },
        }),
      );
    const first = await create("a");
    assert.equal((await create("a")).thingId, first.thingId);
    await assert.rejects(
      create("b"),
      (error) =>
        error instanceof iot.ResourceAlreadyExistsException &&
        error.resourceId === first.thingId &&
        error.resourceArn === first.thingArn,
    );
  });

  test("pages through a list without losing or repeating an entry", async () => {
    for (let n = 0; n < 7; n++)
      await client.send(new iot.CreateThingCommand({ thingName: `page-${n}` }));
    const names: string[] = [];
    for await (const { things } of iot.paginateListThings(
      { client, pageSize: 3 },
      { maxResults: 3 },
    )) {
      assert.ok(things!.length <= 3);
      names.push(...things!.map(({ thingName }) => thingName!));
    }
    assert.deepEqual(
      names.filter((name) => name.startsWith("page-")),
      [0, 1, 2, 3, 4, 5, 6].map((n) => `page-${n}`),
    );
    assert.equal(new Set(names).size, names.length);
  });

  test("updates a thing only in the version that it expects; types and attributes follow AWS's limits", async () => {
    const thingName = "typed";
    const attributes = { a: "1", b: "2", c: "3", d: "4" };
    assert.equal(
      await refusal(
        client.send(
          new iot.CreateThingCommand({
            thingName,
            attributePayload: { attributes },
          }),
        ),
      ),
      "InvalidRequestException 400",
    );
    assert.equal(
      await refusal(
        client.send(
          new iot.CreateThingCommand({ thingName, thingTypeName: "none" }),
        ),
      ),
      "ResourceNotFoundException 404",
    );
    await client.send(
      new iot.CreateThingTypeCommand({
        thingTypeName: "valve",
        thingTypeProperties: { searchableAttributes: ["a"] },
        tags: [{ Key: "team", Value: "water" }],
      }),
    );
    await client.send(
      new iot.CreateThingCommand({
        thingName,
        thingTypeName: "valve",
        attributePayload: { attributes },
      }),
    );
    const update = (expectedVersion: number) =>
      client.send(
        new iot.UpdateThingCommand({
          thingName,
          attributePayload: { attributes: { d: "", e: "5" }, merge: true },
          expectedVersion,
        }),
      );
    assert.equal(await refusal(update(2)), "VersionConflictException 409");
    await update(1);
    const thing = await client.send(
      new iot.DescribeThingCommand({ thingName }),
    );
    assert.equal(thing.version, 2);
    assert.deepEqual(thing.attributes, { a: "1", b: "2", c: "3", e: "5" });
    const { tags } = await client.send(
      new iot.ListTagsForResourceCommand({
        resourceArn: "arn:aws:iot:local-1:000000000000:thingtype/valve",
      }),
    );
    assert.deepEqual(tags, [{ Key: "team", Value: "water" }]);
    await client.send(
      new iot.DeprecateThingTypeCommand({ thingTypeName: "valve" }),
    );
    assert.equal(
      await refusal(
        client.send(
          new iot.CreateThingCommand({
            thingName: "late",
            thingTypeName: "valve",
          }),
        ),
      ),
      "InvalidRequestException 400",
    );
    const type = await client.send(
      new iot.DescribeThingTypeCommand({ thingTypeName: "valve" }),
    );
    assert.equal(type.thingTypeMetadata?.deprecated, true);
    assert.ok(
      Math.abs(type.thingTypeMetadata.creationDate!.getTime() - Date.now()) <
        600_000,
    );
  });

  test("keeps five versions of a policy, and no malformed one", async () => {
    const policyName = "versions";
    const policyDocument = policyOf([allow("iot:Connect", "*")]);
    await client.send(
      new iot.CreatePolicyCommand({ policyName, policyDocument }),
    );
    const version = () =>
      client.send(
        new iot.CreatePolicyVersionCommand({ policyName, policyDocument }),
      );
    for (let n = 2; n <= 5; n++)
      assert.equal((await version()).policyVersionId, String(n));
    assert.equal(
      await refusal(version()),
      "VersionsLimitExceededException 409",
    );
    assert.equal(
      await refusal(
        client.send(
          new iot.CreatePolicyCommand({
            policyName: "bad",
            policyDocument: "{",
          }),
        ),
      ),
      "MalformedPolicyException 400",
    );
    assert.equal(
      await refusal(client.send(new iot.DeletePolicyCommand({ policyName }))),
      "DeleteConflictException 409",
    );
    await client.send(
      new iot.SetDefaultPolicyVersionCommand({
        policyName,
        policyVersionId: "3",
      }),
    );
    const { policyVersions } = await client.send(
      new iot.ListPolicyVersionsCommand({ policyName }),
    );
    assert.deepEqual(
      policyVersions?.map(({ versionId, isDefaultVersion }) => [
        versionId,
        isDefaultVersion,
      ]),
      [
        ["5", false],
        ["4", false],
        ["3", true],
        ["2", false],
        ["1", false],
      ],
    );
  });
});

describe("a policy on a thing group", () => {
  test("holds for the certificates of the things in it and below it, until the thing leaves", async () => {
    const device = await cloud.device("grouped", [
      allow("iot:Connect", "client/*"),
    ]);
    await client.send(
      new iot.CreateThingGroupCommand({ thingGroupName: "top" }),
    );
    await client.send(
      new iot.CreateThingGroupCommand({
        thingGroupName: "sub",
        parentGroupName: "top",
      }),
    );
    const group = await client.send(
      new iot.DescribeThingGroupCommand({ thingGroupName: "sub" }),
    );
    assert.deepEqual(
      group.thingGroupMetadata?.rootToParentThingGroups?.map(
        ({ groupName }) => groupName,
      ),
      ["top"],
    );
    await client.send(
      new iot.AddThingToThingGroupCommand({
        thingGroupName: "sub",
        thingName: "grouped",
      }),
    );
    await client.send(
      new iot.CreatePolicyCommand({
        policyName: "group-policy",
        policyDocument: policyOf([allow("iot:Subscribe", "topicfilter/g/*")]),
      }),
    );
    const top = await client.send(
      new iot.DescribeThingGroupCommand({ thingGroupName: "top" }),
    );
    await client.send(
      new iot.AttachPolicyCommand({
        policyName: "group-policy",
        target: top.thingGroupArn,
      }),
    );
    const mqtt = await WireClient.connect(cloud, device, {
      protocolVersion: 5,
    });
    assert.deepEqual(await mqtt.subscribe("g/1"), [1]);
    const { things } = await client.send(
      new iot.ListThingsInThingGroupCommand({
        thingGroupName: "top",
        recursive: true,
      }),
    );
    assert.deepEqual(things, ["grouped"]);
    await client.send(
      new iot.RemoveThingFromThingGroupCommand({
        thingGroupName: "sub",
        thingName: "grouped",
      }),
    );
    assert.deepEqual(await mqtt.subscribe("g/2"), [0x87]);
    await mqtt.disconnect();
  });
});

describe("TestAuthorization", () => {
  test("says what the policies decide for a certificate, and which value is missing", async () => {
    const device = await cloud.device("judged", [
      allow("iot:Publish", "topic/${iot:Connection.Thing.ThingName}/*"),
      {
        Effect: "Deny",
        Action: "iot:Publish",
        Resource: "arn:aws:iot:local-1:000000000000:topic/*/secret",
      },
    ]);
    const ask = async (topic: string, clientId?: string) => {
      const { authResults } = await client.send(
        new iot.TestAuthorizationCommand({
          principal: `arn:aws:iot:local-1:000000000000:cert/${device.certificateId}`,
          clientId,
          authInfos: [
            {
              actionType: "PUBLISH",
              resources: [`arn:aws:iot:local-1:000000000000:topic/${topic}`],
            },
          ],
        }),
      );
      return authResults?.[0];
    };
    const allowed = await ask("judged/a", "judged");
    assert.equal(allowed?.authDecision, "ALLOWED");
    assert.deepEqual(
      allowed.allowed?.policies?.map(({ policyName }) => policyName),
      ["policy-judged"],
    );
    assert.equal(
      (await ask("judged/secret", "judged"))?.authDecision,
      "EXPLICIT_DENY",
    );
    const implicit = await ask("judged/a", "somebody");
    assert.equal(implicit?.authDecision, "IMPLICIT_DENY");
    assert.deepEqual(implicit.missingContextValues, [
      "iot:Connection.Thing.ThingName",
    ]);
  });
});
