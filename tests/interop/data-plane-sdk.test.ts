import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CreateJobCommand, IoTClient } from "@aws-sdk/client-iot";
import * as data from "@aws-sdk/client-iot-data-plane";
import * as jobsData from "@aws-sdk/client-iot-jobs-data-plane";
import { apiClient, refusal } from "../system/aws-clients.js";
import { TestCloud, WireClient } from "../system/cloud-fixture.js";

let cloud: TestCloud;
let client: data.IoTDataPlaneClient;
let watcher: WireClient;

before(async () => {
  cloud = await TestCloud.start();
  client = apiClient(data.IoTDataPlaneClient, cloud);
  watcher = await WireClient.connect(cloud, await cloud.freeDevice("watcher"), {
    protocolVersion: 5,
  });
});
after(async () => {
  client.destroy();
  await watcher.drop();
  await cloud.stop();
});

test("the official client publishes to subscribers, and reads what was retained", async () => {
  await watcher.subscribe("app/+/x");
  await client.send(
    new data.PublishCommand({
      topic: "app/a/x",
      qos: 1,
      retain: true,
      payload: Buffer.from("hello"),
    }),
  );
  assert.deepEqual(await watcher.message(), ["app/a/x", "hello"]);
  const kept = await client.send(
    new data.GetRetainedMessageCommand({ topic: "app/a/x" }),
  );
  assert.equal(Buffer.from(kept.payload!).toString(), "hello");
  const { retainedTopics } = await client.send(
    new data.ListRetainedMessagesCommand({}),
  );
  assert.deepEqual(
    retainedTopics?.map(({ topic }) => topic),
    ["app/a/x"],
  );
});

test("the official client updates, gets and deletes shadows; devices hear the delta", async () => {
  const thingName = "app-thing";
  await watcher.subscribe(`$aws/things/${thingName}/shadow/update/delta`);
  await client.send(
    new data.UpdateThingShadowCommand({
      thingName,
      payload: Buffer.from('{"state":{"desired":{"on":true}}}'),
    }),
  );
  const [, delta] = (await watcher.message())!;
  assert.deepEqual((JSON.parse(delta) as { state: object }).state, {
    on: true,
  });
  const got = await client.send(new data.GetThingShadowCommand({ thingName }));
  const shadow = JSON.parse(Buffer.from(got.payload!).toString()) as {
    version: number;
  };
  assert.equal(shadow.version, 1);
  await client.send(new data.DeleteThingShadowCommand({ thingName }));
  assert.equal(
    await refusal(client.send(new data.GetThingShadowCommand({ thingName }))),
    "ResourceNotFoundException 404",
  );
});

test("the official client of jobs starts the next one and ends it; its document is text", async () => {
  const control = apiClient(IoTClient, cloud);
  const jobs = apiClient(jobsData.IoTJobsDataPlaneClient, cloud);
  const thingName = "watcher";
  const document = JSON.stringify({ do: "it" });
  await control.send(
    new CreateJobCommand({
      jobId: "over-https",
      targets: [`arn:aws:iot:local-1:000000000000:thing/${thingName}`],
      document,
    }),
  );
  const { queuedJobs } = await jobs.send(
    new jobsData.GetPendingJobExecutionsCommand({ thingName }),
  );
  assert.equal(queuedJobs?.[0].jobId, "over-https");
  const { execution } = await jobs.send(
    new jobsData.StartNextPendingJobExecutionCommand({ thingName }),
  );
  assert.equal(execution?.jobDocument, document);
  await jobs.send(
    new jobsData.UpdateJobExecutionCommand({
      thingName,
      jobId: "over-https",
      status: "SUCCEEDED",
    }),
  );
  assert.equal(
    await refusal(
      jobs.send(
        new jobsData.UpdateJobExecutionCommand({
          thingName,
          jobId: "over-https",
          status: "FAILED",
        }),
      ),
    ),
    "InvalidStateTransitionException 409",
  );
  control.destroy();
  jobs.destroy();
});
