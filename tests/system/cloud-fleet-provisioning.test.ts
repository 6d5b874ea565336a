import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { after, before, describe, test } from "node:test";
import {
  generateKeyPair,
  privateKeyToPem,
} from "../../simulator/cloud/certificates/key-pair.js";
import { Ownership } from "../../simulator/cloud/provisioning/ownership.js";
import { Registry } from "../../simulator/cloud/registry/registry.js";
import { Store } from "../../simulator/cloud/store.js";
import x509 from "../../simulator/cloud/x509.js";
import {
  allow,
  policyOf,
  temporaryFolder,
  TestCloud,
  WireClient,
  type Device,
} from "./cloud-fixture.js";
import { ServiceClient, type Json } from "./service-client.js";

const role = "arn:aws:iam::000000000000:role/provisioning";
let cloud: TestCloud;
let claim: Device;
let client: ServiceClient;

/** A template with all kinds of resources and most functions. */
const template = {
  Parameters: {
    SerialNumber: { Type: "String" },
    Site: { Type: "String", Default: "north" },
    "AWS::IoT::Certificate::Id": { Type: "String" },
  },
  Mappings: {
    Sites: { north: { url: "https://n" }, south: { url: "https://s" } },
  },
  Resources: {
    thing: {
      Type: "AWS::IoT::Thing",
      Properties: {
        ThingName: { "Fn::Join": ["-", ["node", { Ref: "SerialNumber" }]] },
        AttributePayload: {
          site: { Ref: "Site" },
          serial: { "Fn::Sub": "s-${SerialNumber}" },
        },
      },
      OverrideSettings: { AttributePayload: "MERGE" },
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
      Properties: { PolicyDocument: policyOf([allow("iot:*", "*")]) },
    },
  },
  DeviceConfiguration: {
    Url: { "Fn::FindInMap": ["Sites", { Ref: "Site" }, "url"] },
    First: { "Fn::Select": [0, { "Fn::Split": ["/", "a/b"] }] },
  },
};

function createTemplate(name: string, body: object, more: object = {}): void {
  cloud.cloud.services.templates.create({
    templateName: name,
    templateBody: JSON.stringify(body),
    enabled: true,
    provisioningRoleArn: role,
    ...more,
  });
}

before(async () => {
  cloud = await TestCloud.start({
    choices: { connectRate: 0, publishRate: 0 },
  });
  claim = await cloud.freeDevice("claim");
  client = await ServiceClient.connect(cloud, claim, [
    "$aws/certificates/create/+/+",
    "$aws/certificates/create-from-csr/+/+",
    "$aws/provisioning-templates/+/provision/+/+",
  ]);
  createTemplate("fleet", template);
});
after(() => cloud.stop());

const status = (id: Json) =>
  cloud.cloud.registry.certificates.find(id as unknown as string)?.status;

async function signingRequest(): Promise<{ csr: string; privateKey: string }> {
  const keys = await generateKeyPair("P-256");
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: "CN=my device",
    keys,
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
  });
  return {
    csr: request.toString("pem"),
    privateKey: await privateKeyToPem(keys),
  };
}

/** A certificate and its token. */
async function created(format = "json"): Promise<Json> {
  const { topic, body } = await client.request(
    `$aws/certificates/create/${format}`,
    {},
  );
  assert.equal(topic, `$aws/certificates/create/${format}/accepted`);
  return body;
}

const provision = (name: string, request: unknown, format = "json") =>
  client.request(
    `$aws/provisioning-templates/${name}/provision/${format}`,
    request,
  );

describe("fleet provisioning (section 6)", () => {
  for (const format of ["json", "cbor"])
    test(`12.25: keys in ${format}: the certificate is PENDING_ACTIVATION, and connects once it is provisioned`, async () => {
      const body = await created(format);
      assert.deepEqual(Object.keys(body).sort(), [
        "certificateId",
        "certificateOwnershipToken",
        "certificatePem",
        "privateKey",
      ]);
      assert.equal(status(body.certificateId), "PENDING_ACTIVATION");
      assert.match(
        body.privateKey as unknown as string,
        /^-----BEGIN RSA PRIVATE KEY-----/,
      );
      const name = `node-${format}`;
      const device: Device = {
        name,
        certificateId: body.certificateId as unknown as string,
        privateKey: body.privateKey as unknown as string,
        certificate: body.certificatePem as unknown as string,
      };
      const early = await WireClient.open(cloud, device);
      assert.equal(await early.sendConnect({ clientId: name }), undefined);
      const answer = await provision(
        "fleet",
        {
          certificateOwnershipToken: body.certificateOwnershipToken,
          parameters: { SerialNumber: format, Site: "south" },
        },
        format,
      );
      assert.deepEqual(answer.body, {
        deviceConfiguration: { Url: "https://s", First: "a" },
        thingName: name,
      });
      assert.equal(status(body.certificateId), "ACTIVE");
      assert.deepEqual(cloud.cloud.registry.things.describe(name).attributes, {
        site: "south",
        serial: `s-${format}`,
      });
      const own = await ServiceClient.connect(cloud, device);
      await own.close();
    });

  test("a certificate for a signing request; its subject is AWS's; each request gets another", async () => {
    const { csr, privateKey } = await signingRequest();
    const topic = "$aws/certificates/create-from-csr/json";
    const request = { certificateSigningRequest: csr };
    const { body } = await client.request(topic, request);
    assert.deepEqual(Object.keys(body).sort(), [
      "certificateId",
      "certificateOwnershipToken",
      "certificatePem",
    ]);
    const pem = body.certificatePem as unknown as string;
    assert.equal(new X509Certificate(pem).subject, "CN=AWS IoT Certificate");
    const again = await client.request(topic, request);
    assert.notEqual(again.body.certificateId, body.certificateId);
    const answer = await provision("fleet", {
      certificateOwnershipToken: body.certificateOwnershipToken,
      parameters: { SerialNumber: "csr" },
    });
    assert.equal(answer.body.thingName, "node-csr");
    const own = await ServiceClient.connect(cloud, {
      name: "node-csr",
      certificateId: body.certificateId as unknown as string,
      privateKey,
      certificate: pem,
    });
    await own.close();
  });

  test("answers go to the client that asked, when it is subscribed, and to nobody else", async () => {
    const spy = await ServiceClient.connect(
      cloud,
      claim,
      ["$aws/certificates/#"],
      "spy",
    );
    await created();
    assert.deepEqual(await spy.rest(), []);
    const deaf = await ServiceClient.connect(cloud, claim, [], "deaf");
    deaf.send("$aws/certificates/create/json", {});
    await cloud.event("service", ({ client: id }) => id === "deaf");
    assert.deepEqual(await deaf.rest(), []);
    await spy.close();
    await deaf.close();
  });

  test("rejected has statusCode, errorCode and errorMessage", async () => {
    const { body } = await provision("fleet", { parameters: {} });
    assert.deepEqual(body, {
      statusCode: 400,
      errorCode: "InvalidCertificateOwnershipToken",
      errorMessage: "Certificate ownership token cannot be empty.",
    } as unknown as Json);
    const token = (await created()).certificateOwnershipToken;
    const serial = { SerialNumber: "x" };
    const cases: [string, object, string][] = [
      [
        "fleet",
        { certificateOwnershipToken: "made up", parameters: serial },
        "InvalidCertificateOwnershipToken",
      ],
      ["none", { certificateOwnershipToken: token }, "InvalidTemplate"],
      ["fleet", { certificateOwnershipToken: token }, "InvalidParameters"],
      [
        "fleet",
        { certificateOwnershipToken: token, parameters: { SerialNumber: 5 } },
        "InvalidParameters",
      ],
      [
        "fleet",
        {
          certificateOwnershipToken: token,
          parameters: { ...serial, Site: "west" },
        },
        "InvalidParameters",
      ],
    ];
    for (const [name, request, code] of cases) {
      const answer = await provision(name, request);
      assert.match(answer.topic, /rejected$/);
      assert.equal(answer.body.errorCode, code);
    }
    for (const certificateSigningRequest of [
      "",
      "no request",
      "x".repeat(5000),
    ]) {
      const answer = await client.request(
        "$aws/certificates/create-from-csr/json",
        {
          certificateSigningRequest,
        },
      );
      assert.equal(answer.body.errorCode, "InvalidCertificateSigningRequest");
    }
    const broken = await client.request(
      "$aws/certificates/create/cbor",
      "no CBOR",
    );
    assert.equal(broken.body.errorCode, "InvalidPayload");
  });

  test("a failed registration leaves nothing behind", async () => {
    createTemplate("half", {
      ...template,
      Resources: {
        ...template.Resources,
        policy: {
          Type: "AWS::IoT::Policy",
          Properties: { PolicyName: "no-such-policy" },
        },
      },
    });
    const body = await created();
    const answer = await provision("half", {
      certificateOwnershipToken: body.certificateOwnershipToken,
      parameters: { SerialNumber: "half" },
    });
    assert.match(answer.topic, /rejected$/);
    assert.equal(cloud.cloud.registry.things.find("node-half"), undefined);
    assert.equal(status(body.certificateId), "PENDING_ACTIVATION");
  });

  test("OverrideSettings: MERGE, REPLACE, DO_NOTHING, FAIL for a thing that exists", async () => {
    const results: Record<string, unknown> = {};
    for (const override of ["MERGE", "REPLACE", "DO_NOTHING", "FAIL"]) {
      const { thing } = template.Resources;
      createTemplate(`o-${override}`, {
        ...template,
        Resources: {
          ...template.Resources,
          thing: { ...thing, OverrideSettings: { AttributePayload: override } },
        },
      });
      cloud.cloud.registry.things.create(`node-${override}`, {
        attributes: { site: "old", more: "kept" },
      });
      const { body } = await provision(`o-${override}`, {
        certificateOwnershipToken: (await created()).certificateOwnershipToken,
        parameters: { SerialNumber: override },
      });
      results[override] =
        ("errorCode" in body && body.errorCode) ||
        cloud.cloud.registry.things.describe(`node-${override}`).attributes;
    }
    assert.deepEqual(results, {
      MERGE: { more: "kept", site: "north", serial: "s-MERGE" },
      REPLACE: { site: "north", serial: "s-REPLACE" },
      DO_NOTHING: { site: "old", more: "kept" },
      FAIL: "ResourceConflictsException",
    });
  });

  test("a pre-provisioning hook allows, refuses, changes parameters; without one in time it is 403", async () => {
    const { hooks } = cloud.cloud.services;
    const targetArn = "arn:aws:lambda:local-1:000000000000:function:hook";
    createTemplate("hooked", template, { preProvisioningHook: { targetArn } });
    const ask = async (serial: string) =>
      (
        await provision("hooked", {
          certificateOwnershipToken: (await created())
            .certificateOwnershipToken,
          parameters: { SerialNumber: serial },
        })
      ).body;
    assert.equal((await ask("a")).errorCode, "ACCESS_DENIED");
    hooks.set(targetArn, (event) =>
      Promise.resolve({
        allowProvisioning: event.parameters.SerialNumber === "good",
        parameterOverrides: { SerialNumber: `${event.clientId}-hooked` },
      }),
    );
    const refused = await ask("bad");
    assert.deepEqual([refused.statusCode, refused.errorCode], [
      403,
      "ACCESS_DENIED",
    ] as unknown as Json[]);
    assert.equal((await ask("good")).thingName, "node-claim-hooked");
  });

  test("12.25: a token lasts an hour; a certificate that nobody used by then is deleted", () => {
    let now = 1_700_000_000_000;
    const store = new Store(temporaryFolder());
    const registry = new Registry(store);
    const ownership = new Ownership(store, registry, () => now);
    const token = ownership.grant(claim.certificateId, claim.certificate);
    assert.ok(token.length > 400 && token.length < 512);
    now += 3_599_000;
    ownership.expire();
    assert.equal(ownership.certificateOf(token), claim.certificateId);
    now += 1_000;
    assert.equal(ownership.certificateOf(token), undefined);
    ownership.expire();
    assert.equal(registry.certificates.find(claim.certificateId), undefined);
  });

  test("templates have versions; a body that is none is refused", () => {
    const { templates } = cloud.cloud.services;
    createTemplate("versions", template);
    const text = JSON.stringify(template);
    assert.equal(templates.createVersion("versions", text, true).versionId, 2);
    assert.equal(templates.describe("versions").defaultVersionId, 2);
    assert.throws(() => templates.deleteVersion("versions", 2), {
      code: "DeleteConflictException",
    });
    assert.throws(() => templates.delete("versions"), {
      code: "DeleteConflictException",
    });
    templates.deleteVersion("versions", 1);
    templates.delete("versions");
    for (const body of [
      "{",
      "{}",
      '{"Resources":{"a":{"Type":"AWS::S3::Bucket"}}}',
    ])
      assert.throws(() => templates.createVersion("fleet", body), {
        code: "InvalidRequestException",
      });
    assert.throws(() => createTemplate("fleet", template), {
      code: "ResourceAlreadyExistsException",
    });
  });
});
