import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { arn } from "../../simulator/cloud/names.js";
import { temporaryFolder, TestCloud } from "../system/cloud-fixture.js";

const program = (process.env.PATH ?? "")
  .split(delimiter)
  .map((folder) => join(folder, "aws"))
  .find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
const skip = !process.env.FIELDNODE_LONG
  ? "the AWS CLI takes a second for each call"
  : program === undefined && "there is no AWS CLI here";
const execute = promisify(execFile);
let cloud: TestCloud;
let folder: string;
before(async () => {
  cloud = await TestCloud.start();
  folder = temporaryFolder();
});
after(() => cloud.stop());

/** Runs the AWS CLI against the cloud. @returns what it prints, read as JSON */
async function aws(...args: string[]): Promise<Record<string, unknown>> {
  const url = `http://127.0.0.1:${cloud.cloud.apiPort}`;
  const { stdout } = await execute(
    program ?? "",
    ["--endpoint-url", url, "--output", "json", ...args],
    {
      cwd: folder,
      env: {
        ...process.env,
        AWS_ACCESS_KEY_ID: "test",
        AWS_SECRET_ACCESS_KEY: "test",
        AWS_DEFAULT_REGION: "local-1",
        AWS_PAGER: "",
        AWS_EC2_METADATA_DISABLED: "true",
      },
    },
  );
  return JSON.parse(stdout || "{}") as Record<string, unknown>;
}

const thing = ["--thing-name", "cli"];

test("the AWS CLI makes a device, its policy and a job", { skip }, async () => {
  const made = await aws("iot", "create-thing", ...thing);
  assert.equal(made.thingArn, arn("thing/cli"));
  const certificate = await aws(
    "iot",
    "create-keys-and-certificate",
    "--set-as-active",
  );
  const target = certificate.certificateArn as string;
  await aws(
    ...["iot", "create-policy", "--policy-name", "cli", "--policy-document"],
    '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iot:*","Resource":"*"}}',
  );
  await aws(
    ...["iot", "attach-policy", "--policy-name", "cli", "--target", target],
  );
  const { policies } = await aws(
    ...["iot", "list-attached-policies", "--target", target],
  );
  assert.deepEqual(policies, [
    { policyName: "cli", policyArn: arn("policy/cli") },
  ]);
  const job = await aws(
    ...["iot", "create-job", "--job-id", "cli", "--document", '{"a":1}'],
    ...["--targets", arn("thing/cli")],
  );
  assert.equal(job.jobArn, arn("job/cli"));
});

test(
  "the AWS CLI publishes, and speaks to shadows and jobs",
  { skip },
  async () => {
    const payload = '{"state":{"desired":{"a":1}}}';
    await aws("iot", "create-thing", "--thing-name", "shadowed");
    const shadow = ["--thing-name", "shadowed"];
    await aws(
      ...["iot-data", "update-thing-shadow", ...shadow, "--payload", payload],
      "updated.json",
    );
    await aws("iot-data", "get-thing-shadow", ...shadow, "got.json");
    const got = JSON.parse(readFileSync(join(folder, "got.json"), "utf8")) as {
      state: object;
      version: number;
    };
    assert.deepEqual(
      [got.version, got.state],
      [1, { desired: { a: 1 }, delta: { a: 1 } }],
    );
    await aws(
      ...["iot-data", "publish", "--topic", "a/b", "--qos", "1"],
      ...["--payload", "hello"],
    );
    await cloud.event(
      "publish",
      ({ topic, QoS }) => topic === "a/b" && QoS === 1,
    );
    const pending = await aws(
      ...["iot-jobs-data", "get-pending-job-executions", ...shadow],
    );
    assert.deepEqual(pending, { inProgressJobs: [], queuedJobs: [] });
  },
);

test("the AWS CLI tells AWS's exceptions by name", { skip }, async () => {
  await assert.rejects(
    aws("iot", "describe-thing", "--thing-name", "nobody"),
    /ResourceNotFoundException/,
  );
});
