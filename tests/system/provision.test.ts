import assert from "node:assert/strict";
import {
  createPrivateKey,
  createPublicKey,
  X509Certificate,
} from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { certificateId } from "../../simulator/cloud/certificates/device-authority.js";
import { Certificates } from "../../simulator/cloud/registry/certificates.js";
import { Registry } from "../../simulator/cloud/registry/registry.js";
import { Store } from "../../simulator/cloud/store.js";
import {
  failsWith,
  here,
  readDevice,
  run,
  stateFolder,
} from "./cloud-command.js";
import {
  sleep,
  TestCloud,
  temporaryFolder,
  WireClient,
} from "./cloud-fixture.js";

/** How often the command is killed. */
const kills = process.env.FIELDNODE_LONG ? 12 : 3;

describe("npm run provision", () => {
  test("writes key (0600), certificate and root; the key is the certificate's, P-256", async () => {
    const state = await stateFolder();
    const out = join(state, "out");
    const args = ["--thing", "fresh", "--state", state, "--out"];
    assert.equal((await here("provision", ...args, out)).code, 0);
    assert.equal(statSync(join(out, "device.key.pem")).mode & 0o777, 0o600);
    const key = createPrivateKey(readFileSync(join(out, "device.key.pem")));
    assert.equal(key.asymmetricKeyDetails?.namedCurve, "prime256v1");
    const certificate = new X509Certificate(
      readFileSync(join(out, "device.cert.pem")),
    );
    assert.equal(certificate.checkPrivateKey(key), true);
    assert.equal(createPublicKey(key).asymmetricKeyType, "ec");
    assert.match(
      readFileSync(join(out, "root-ca.pem"), "utf8"),
      /BEGIN CERTIFICATE/,
    );

    await failsWith(
      "provision",
      [...args, out],
      1,
      /device\.key\.pem exists and is not replaced.*--out/,
    );
    const more = await here("provision", ...args, join(state, "out2"));
    assert.match(more.output, /was known: certificate \w+ is one more/);
  });

  test("into a cloud that runs: the device connects at once, with the least policy", async () => {
    const cloud = await TestCloud.start();
    const out = join(cloud.directory, "late");
    const command = run(
      "provision",
      "--thing",
      "late",
      "--state",
      cloud.directory,
      "--out",
      out,
    );
    assert.equal(await command.ended, 0, command.output());
    const device = readDevice("late", out);
    const client = await WireClient.connect(cloud, device, {
      protocolVersion: 5,
    });
    client.publish("dt/fieldnode/late/telemetry", "x", { qos: 1 });
    const puback = await client.next("puback");
    assert.equal(puback?.cmd === "puback" && puback.reasonCode, 0);
    assert.deepEqual(
      await client.subscribe([
        { topic: "cmd/fieldnode/late/#", qos: 1 },
        { topic: "dt/fieldnode/late/+", qos: 1 },
        { topic: "cmd/fieldnode/other/#", qos: 1 },
        { topic: "#", qos: 1 },
      ]),
      [1, 1, 0x87, 0x87],
    );
    client.publish("cmd/fieldnode/late/x", "x", { qos: 1, messageId: 2 });
    const refused = await client.next("puback");
    assert.equal(refused?.cmd === "puback" && refused.reasonCode, 0x87);
    await client.disconnect();
    await cloud.stop();
  });

  test("killed at any moment leaves no certificate that connects but a whole one, and no half of its files", async () => {
    const state = await stateFolder();
    const out = (name: string) => join(state, "devices", name);
    const first = Date.now();
    await run(
      "provision",
      "--thing",
      "first",
      "--state",
      state,
      "--out",
      out("first"),
    ).ended;
    const duration = Date.now() - first;
    const written: string[] = [];
    for (let step = 0; step < kills; step++) {
      const name = `killed-${step}`;
      const command = run(
        "provision",
        "--thing",
        name,
        "--state",
        state,
        "--out",
        out(name),
      );
      await sleep(duration * (0.65 + (step * 0.4) / kills));
      command.child.kill("SIGKILL");
      await command.ended;
      if (existsSync(join(out(name), "device.key.pem"))) {
        const { privateKey, certificate } = readDevice(name, out(name));
        assert.equal(
          new X509Certificate(certificate).checkPrivateKey(
            createPrivateKey(privateKey),
          ),
          true,
        );
        written.push(certificateId(certificate));
      }
    }
    const store = new Store(state);
    const registry = new Registry(store);
    for (const { certificateId: id, status } of registry.certificates.list()) {
      if (status !== "ACTIVE") continue;
      assert.equal(registry.thingsOf(id).length, 1);
      assert.equal(registry.policiesOf(Certificates.arn(id)).length, 1);
    }
    for (const id of written)
      assert.equal(registry.certificates.find(id)?.status, "ACTIVE");
    await store.close();
    const retry = ["--thing", "killed-0", "--state", state];
    assert.equal(
      (await here("provision", ...retry, "--out", out("retry"))).code,
      0,
    );
  });

  test("by the API of a cloud that runs, and by AWS's with the SDK's own configuration", async () => {
    const cloud = await TestCloud.start();
    const api = `http://127.0.0.1:${cloud.cloud.apiPort}`;
    const local = join(cloud.directory, "local");
    const args = (name: string, out: string) => ["--thing", name, "--out", out];
    const first = await here("provision", ...args("api", local), "--api", api);
    assert.equal(first.code, 0, first.output);
    await (
      await WireClient.connect(cloud, readDevice("api", local))
    ).disconnect();
    // The SDK's own variables lead it to the local cloud instead of AWS.
    const out = join(cloud.directory, "aws");
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: api,
      AWS_REGION: "eu-central-1",
      AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "secret",
    });
    const second = await here("provision", ...args("aws", out), "--aws");
    assert.equal(second.code, 0, second.output);
    await (
      await WireClient.connect(cloud, readDevice("aws", out))
    ).disconnect();
    assert.match(
      new X509Certificate(readFileSync(join(out, "root-ca.pem"))).subject,
      /CN=Amazon Root CA 1/,
    );
    const document = cloud.cloud.registry.policies.describe("fieldnode-node");
    cloud.cloud.registry.policies.createVersion(
      "fieldnode-node",
      document.versions["1"].replace("iot:Connect", "iot:*"),
      true,
    );
    const other = join(cloud.directory, "other");
    assert.match(
      (await here("provision", ...args("other", other), "--api", api)).output,
      /another document, which stays as it is/,
    );
    await cloud.stop();
    await failsWith(
      "provision",
      [...args("late", join(cloud.directory, "late")), "--api", api],
      1,
      /No local cloud answers at http:.* Start one: npm run cloud\./,
    );
  });

  test("at AWS without credentials or a region: one line that says what to set", async () => {
    const args = ["--thing", "a", "--out", temporaryFolder(), "--aws"];
    for (const name of Object.keys(process.env))
      if (name.startsWith("AWS_")) Reflect.deleteProperty(process.env, name);
    const nowhere = join(temporaryFolder(), "none");
    Object.assign(process.env, {
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_CONFIG_FILE: nowhere,
      AWS_SHARED_CREDENTIALS_FILE: nowhere,
    });
    await failsWith("provision", args, 1, /finds no region\. Set AWS_REGION/);
    process.env.AWS_REGION = "eu-central-1";
    await failsWith(
      "provision",
      args,
      1,
      /finds no credentials .* AWS_ACCESS_KEY_ID/,
    );
  });

  test("leaves no certificate behind when the files cannot be written", async () => {
    const cloud = await TestCloud.start();
    const file = join(cloud.directory, "a-file");
    writeFileSync(file, "");
    const api = `http://127.0.0.1:${cloud.cloud.apiPort}`;
    await failsWith(
      "provision",
      ["--thing", "nowhere", "--api", api, "--out", join(file, "below")],
      1,
      /cannot be written to/,
    );
    assert.deepEqual(cloud.cloud.registry.certificates.list(), []);
    await cloud.stop();
  });

  test("a name that is none, a flag that is misspelt or missing: one line", async () => {
    const state = temporaryFolder();
    const args = (name: string) => ["--thing", name, "--out", state];
    await failsWith(
      "provision",
      [...args("no spaces"), "--state", state],
      1,
      /"no spaces" is no name for a thing/,
    );
    await failsWith(
      "provision",
      [...args("a"), "--stat", state],
      2,
      /Unknown flag --stat: did you mean --state\?/,
    );
    await failsWith(
      "provision",
      ["--state", state],
      2,
      /--thing NAME is missing/,
    );
  });
});
