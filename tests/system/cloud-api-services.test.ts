import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import * as iot from "@aws-sdk/client-iot";
import * as data from "@aws-sdk/client-iot-jobs-data-plane";
import { arn } from "../../simulator/cloud/names.js";
import { apiClient, refusal } from "./aws-clients.js";
import { TestCloud } from "./cloud-fixture.js";
import { ServiceClient } from "./service-client.js";

const name = "operated-device";
const targetArn = arn(`thing/${name}`);
let cloud: TestCloud;
let client: iot.IoTClient;
let applications: data.IoTJobsDataPlaneClient;
let device: ServiceClient;

before(async () => {
  cloud = await TestCloud.start({
    choices: { connectRate: 0, publishRate: 0 },
  });
  client = apiClient(iot.IoTClient, cloud);
  applications = apiClient(data.IoTJobsDataPlaneClient, cloud);
  device = await ServiceClient.connect(cloud, await cloud.freeDevice(name), [
    `$aws/commands/things/${name}/executions/+/request/#`,
    `$aws/commands/things/${name}/executions/+/response/+/+`,
    "out/#",
  ]);
});
after(async () => {
  client.destroy();
  applications.destroy();
  await cloud.stop();
});

describe("the official client operates", () => {
  test("commands, from their making to the result of an execution", async () => {
    const commandId = "blink";
    const content = Buffer.from('{"led":"green"}');
    const made = await client.send(
      new iot.CreateCommandCommand({
        commandId,
        displayName: "Blink",
        namespace: "AWS-IoT",
        payload: { content, contentType: "application/json" },
      }),
    );
    assert.equal(made.commandArn, arn("command/blink"));
    const got = await client.send(new iot.GetCommandCommand({ commandId }));
    assert.deepEqual(Buffer.from(got.payload!.content!), content);
    assert.equal(got.createdAt instanceof Date, true);
    const start = async () => {
      const { executionId } = await applications.send(
        new data.StartCommandExecutionCommand({
          commandArn: made.commandArn!,
          targetArn,
        }),
      );
      return executionId!;
    };
    const executionId = await start();
    const { topic, body } = await device.next();
    assert.match(topic, new RegExp(`/${executionId}/request/json$`));
    assert.deepEqual(body, { led: "green" });
    const ofExecution = { executionId, targetArn };
    const early = new iot.DeleteCommandExecutionCommand(ofExecution);
    assert.equal(await refusal(client.send(early)), "ConflictException 409");
    await device.request(
      `$aws/commands/things/${name}/executions/${executionId}/response/cbor`,
      {
        status: "SUCCEEDED",
        result: {
          seen: { b: true },
          bytes: { bin: Uint8Array.of(1, 2, 255) },
        },
      },
    );
    const brief = await client.send(
      new iot.GetCommandExecutionCommand(ofExecution),
    );
    assert.equal(brief.status, "SUCCEEDED");
    assert.equal(brief.result, undefined);
    const whole = await client.send(
      new iot.GetCommandExecutionCommand({
        ...ofExecution,
        includeResult: true,
      }),
    );
    assert.deepEqual(whole.result, {
      seen: { B: true },
      bytes: { BIN: Uint8Array.of(1, 2, 255) },
    });

    const second = await start();
    assert.match((await device.next()).topic, new RegExp(`/${second}/`));
    const listed = async (rest: object) => {
      const { commandExecutions } = await client.send(
        new iot.ListCommandExecutionsCommand({ targetArn, ...rest }),
      );
      return commandExecutions!.map((item) => item.executionId);
    };
    assert.deepEqual((await listed({})).length, 2);
    assert.deepEqual(await listed({ status: "SUCCEEDED" }), [executionId]);
    assert.deepEqual(await listed({ status: "CREATED" }), [second]);
    const finished = (period: object) =>
      listed({ completedTimeFilter: period });
    assert.deepEqual(await finished({ after: "2020-01-01T00:00" }), [
      executionId,
    ]);
    assert.deepEqual(await finished({ before: "2020-01-01T00:00" }), []);
    assert.equal(
      await refusal(client.send(new iot.ListCommandExecutionsCommand({}))),
      "ValidationException 400",
    );
    await client.send(new iot.DeleteCommandExecutionCommand(ofExecution));
    assert.equal(
      await refusal(
        client.send(new iot.GetCommandExecutionCommand(ofExecution)),
      ),
      "ResourceNotFoundException 404",
    );
  });

  test("commands are listed, changed, deprecated and deleted", async () => {
    const commandId = "old";
    const payload = { content: Buffer.from("x"), contentType: "text/plain" };
    await client.send(new iot.CreateCommandCommand({ commandId, payload }));
    assert.equal(
      await refusal(
        client.send(new iot.CreateCommandCommand({ commandId, payload })),
      ),
      "ConflictException 409",
    );
    const updated = await client.send(
      new iot.UpdateCommandCommand({ commandId, deprecated: true }),
    );
    assert.equal(updated.deprecated, true);
    const { commands } = await client.send(new iot.ListCommandsCommand({}));
    assert.equal(
      commands!.find((item) => item.commandId === commandId)?.deprecated,
      true,
    );
    const deleted = await client.send(
      new iot.DeleteCommandCommand({ commandId }),
    );
    assert.equal(deleted.statusCode, 204);
    assert.equal(
      await refusal(client.send(new iot.GetCommandCommand({ commandId }))),
      "ResourceNotFoundException 404",
    );
    assert.equal(
      await refusal(
        client.send(
          new iot.CreateCommandCommand({
            commandId,
            payloadTemplate:
              '{"led":"${aws:iot:commandexecution::parameter:a}"}',
          }),
        ),
      ),
      "ValidationException 400",
    );
  });

  test("an OTA update, with its stream and its job", async () => {
    const folder = join(cloud.directory, "s3", "firmware");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "app.bin"), Buffer.alloc(5_000, 7));
    const otaUpdateId = "app-2";
    const update = {
      otaUpdateId,
      targets: [targetArn],
      roleArn: "arn:aws:iam::000000000000:role/ota",
      files: [
        {
          fileName: "/app",
          fileLocation: { s3Location: { bucket: "firmware", key: "app.bin" } },
          codeSigning: {
            customCodeSigning: {
              signature: { inlineDocument: Buffer.from("signed") },
            },
          },
        },
      ],
    };
    const made = await client.send(new iot.CreateOTAUpdateCommand(update));
    assert.equal(made.otaUpdateStatus, "CREATE_COMPLETE");
    const jobId = made.awsIotJobId!;
    const { document } = await client.send(
      new iot.GetJobDocumentCommand({ jobId }),
    );
    assert.match(document!, /"filesize":5000/);
    assert.match(
      document!,
      new RegExp(`:"${Buffer.from("signed").toString("base64")}"`),
    );
    const { otaUpdateInfo } = await client.send(
      new iot.GetOTAUpdateCommand({ otaUpdateId }),
    );
    assert.equal(otaUpdateInfo?.otaUpdateFiles?.[0]?.fileName, "/app");
    assert.deepEqual(otaUpdateInfo.targets, [targetArn]);
    const { otaUpdates } = await client.send(new iot.ListOTAUpdatesCommand({}));
    assert.deepEqual(
      otaUpdates!.map((item) => item.otaUpdateId),
      [otaUpdateId],
    );
    assert.equal(
      await refusal(client.send(new iot.CreateOTAUpdateCommand(update))),
      "ResourceAlreadyExistsException 409",
    );
    for (const [rest, answer] of [
      [
        { files: [{ codeSigning: { awsSignerJobId: "1234" } }] },
        "NotImplementedException 501",
      ],
      [
        {
          otaUpdateId: "too-slow",
          awsJobExecutionsRolloutConfig: { maximumPerMinute: 0 },
        },
        "InvalidRequestException 400",
      ],
    ] as [Partial<iot.CreateOTAUpdateCommandInput>, string][])
      assert.equal(
        await refusal(
          client.send(new iot.CreateOTAUpdateCommand({ ...update, ...rest })),
        ),
        answer,
      );
    await client.send(
      new iot.DeleteOTAUpdateCommand({
        otaUpdateId,
        deleteStream: true,
        forceDeleteAWSJob: true,
      }),
    );
    const { streams } = await client.send(new iot.ListStreamsCommand({}));
    assert.deepEqual(streams, []);
    for (const call of [
      client.send(new iot.DescribeJobCommand({ jobId })),
      client.send(new iot.GetOTAUpdateCommand({ otaUpdateId })),
    ])
      assert.equal(await refusal(call), "ResourceNotFoundException 404");
  });

  test("job templates, and a job that is made from one", async () => {
    const jobTemplateId = "nightly";
    const made = await client.send(
      new iot.CreateJobTemplateCommand({
        jobTemplateId,
        description: "Every night",
        document: '{"do":"report"}',
        timeoutConfig: { inProgressTimeoutInMinutes: 5 },
      }),
    );
    assert.equal(made.jobTemplateArn, arn("jobtemplate/nightly"));
    await client.send(
      new iot.CreateJobCommand({
        jobId: "night-1",
        targets: [targetArn],
        jobTemplateArn: made.jobTemplateArn,
      }),
    );
    const { job } = await client.send(
      new iot.DescribeJobCommand({ jobId: "night-1" }),
    );
    assert.equal(job?.jobTemplateArn, made.jobTemplateArn);
    assert.equal(job.timeoutConfig?.inProgressTimeoutInMinutes, 5);
    const { document } = await client.send(
      new iot.GetJobDocumentCommand({ jobId: "night-1" }),
    );
    assert.equal(document, '{"do":"report"}');
    await client.send(
      new iot.CreateJobTemplateCommand({
        jobTemplateId: "of-a-job",
        description: "As that job",
        jobArn: arn("job/night-1"),
      }),
    );
    const described = await client.send(
      new iot.DescribeJobTemplateCommand({ jobTemplateId: "of-a-job" }),
    );
    assert.equal(described.document, '{"do":"report"}');
    assert.equal(described.timeoutConfig?.inProgressTimeoutInMinutes, 5);
    assert.equal(described.createdAt instanceof Date, true);
    const { jobTemplates } = await client.send(
      new iot.ListJobTemplatesCommand({}),
    );
    assert.deepEqual(
      jobTemplates?.map((item) => item.jobTemplateId),
      ["nightly", "of-a-job"],
    );
    await client.send(new iot.DeleteJobTemplateCommand({ jobTemplateId }));
    assert.equal(
      await refusal(
        client.send(new iot.DescribeJobTemplateCommand({ jobTemplateId })),
      ),
      "ResourceNotFoundException 404",
    );
  });

  test("topic rules, which publish again what they select", async () => {
    const ruleName = "warm";
    const rule = (topic: string) => ({
      ruleName,
      topicRulePayload: {
        sql: "SELECT temperature FROM 'dt/+' WHERE temperature > 20",
        actions: [
          { republish: { roleArn: "arn:aws:iam::0:role/r", topic, qos: 1 } },
        ],
      },
    });
    await client.send(
      new iot.CreateTopicRuleCommand({ ...rule("out/one"), tags: "team=a" }),
    );
    device.send("dt/a", { temperature: 21 });
    const first = await device.next();
    assert.equal(first.topic, "out/one");
    assert.deepEqual(first.body, { temperature: 21 });
    const got = await client.send(new iot.GetTopicRuleCommand({ ruleName }));
    assert.equal(got.rule?.ruleDisabled, false);
    assert.equal(got.rule.actions?.[0]?.republish?.topic, "out/one");
    const { tags } = await client.send(
      new iot.ListTagsForResourceCommand({ resourceArn: got.ruleArn }),
    );
    assert.deepEqual(tags, [{ Key: "team", Value: "a" }]);

    await client.send(new iot.ReplaceTopicRuleCommand(rule("out/two")));
    device.send("dt/a", { temperature: 22 });
    assert.equal((await device.next()).topic, "out/two");
    await client.send(new iot.DisableTopicRuleCommand({ ruleName }));
    device.send("dt/a", { temperature: 23 });
    assert.deepEqual(await device.rest(), []);
    const listed = async (rest: object) =>
      (await client.send(new iot.ListTopicRulesCommand(rest))).rules!.map(
        (item) => [item.ruleName, item.topicPattern],
      );
    assert.deepEqual(await listed({ topic: "dt/b" }), [[ruleName, "dt/+"]]);
    assert.deepEqual(await listed({ topic: "dt/b/c" }), []);
    assert.deepEqual(await listed({ ruleDisabled: false }), []);
    await client.send(new iot.EnableTopicRuleCommand({ ruleName }));
    device.send("dt/a", { temperature: 24 });
    assert.deepEqual((await device.next()).body, { temperature: 24 });
    await client.send(new iot.DeleteTopicRuleCommand({ ruleName }));
    assert.equal(
      await refusal(client.send(new iot.GetTopicRuleCommand({ ruleName }))),
      "UnauthorizedException 401",
    );
    assert.equal(
      await refusal(
        client.send(
          new iot.CreateTopicRuleCommand({
            ruleName,
            topicRulePayload: { sql: "SELEKT *", actions: [] },
          }),
        ),
      ),
      "SqlParseException 400",
    );
  });
});
