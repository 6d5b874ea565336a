import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as awsIot from "@aws-sdk/client-iot";
import { iotjobs, iotshadow, mqtt, mqtt5 } from "aws-iot-device-sdk-v2";
import { apiClient } from "../system/aws-clients.js";
import { allow, TestCloud } from "../system/cloud-fixture.js";
import {
  connect311,
  connect5,
  disconnect5,
  makeDevice,
  openStream,
  endProcess,
  requestOptions,
  type SdkDevice,
} from "./device-sdk.js";

let cloud: TestCloud;
let client: awsIot.IoTClient;
let device: SdkDevice;

before(async () => {
  cloud = await TestCloud.start({ choices: { connectRate: 0 } });
  client = apiClient(awsIot.IoTClient, cloud);
  device = await makeDevice(client, "sdk-device", [allow("iot:*", "*")]);
});
after(async () => {
  client.destroy();
  await cloud.stop();
  endProcess();
});

/** What both versions of the SDK's service clients stand on. */
interface Line {
  readonly shadow: iotshadow.IotShadowClientv2;
  readonly jobs: iotjobs.IotJobsClientv2;
  readonly close: () => Promise<void>;
}

const lines: Record<string, () => Promise<Line>> = {
  "MQTT 5": async () => {
    const mqtt = await connect5(cloud, device);
    return line(
      iotshadow.IotShadowClientv2.newFromMqtt5(mqtt, requestOptions),
      iotjobs.IotJobsClientv2.newFromMqtt5(mqtt, requestOptions),
      () => disconnect5(mqtt),
    );
  },
  "MQTT 3.1.1": async () => {
    const mqtt = await connect311(cloud, device);
    return line(
      iotshadow.IotShadowClientv2.newFromMqtt311(mqtt, requestOptions),
      iotjobs.IotJobsClientv2.newFromMqtt311(mqtt, requestOptions),
      () => mqtt.disconnect(),
    );
  },
};

function line(
  shadow: iotshadow.IotShadowClientv2,
  jobs: iotjobs.IotJobsClientv2,
  disconnect: () => Promise<unknown>,
): Line {
  return {
    shadow,
    jobs,
    close: async () => {
      shadow.close();
      jobs.close();
      await disconnect();
    },
  };
}

describe("the AWS IoT Device SDK, unchanged", () => {
  test("connects by MQTT 5 with mutual TLS, publishes and gets what it is subscribed to", async () => {
    const line = await connect5(cloud, device);
    const got = new Promise<mqtt5.PublishPacket>((resolve) => {
      line.on("messageReceived", ({ message }) => resolve(message));
    });
    const suback = await line.subscribe({
      subscriptions: [{ topicFilter: "sdk/5/+", qos: mqtt5.QoS.AtLeastOnce }],
    });
    assert.deepEqual(suback.reasonCodes, [1]);
    const puback = await line.publish({
      topicName: "sdk/5/a",
      payload: "hello",
      qos: mqtt5.QoS.AtLeastOnce,
      userProperties: [{ name: "n", value: "v" }],
    });
    assert.equal(puback?.reasonCode, 0);
    const message = await got;
    assert.equal(message.topicName, "sdk/5/a");
    assert.equal(
      Buffer.from(message.payload as ArrayBuffer).toString(),
      "hello",
    );
    assert.deepEqual(message.userProperties, [{ name: "n", value: "v" }]);
    await disconnect5(line);
  });

  test("connects by MQTT 3.1.1 with mutual TLS, publishes and gets what it is subscribed to", async () => {
    const line = await connect311(cloud, device);
    const got = new Promise<string>((resolve) => {
      void line.subscribe("sdk/311/+", mqtt.QoS.AtLeastOnce, (topic, payload) =>
        resolve(`${topic} ${Buffer.from(payload).toString()}`),
      );
    });
    await line.publish("sdk/311/a", "hello", mqtt.QoS.AtLeastOnce);
    assert.equal(await got, "sdk/311/a hello");
    await line.disconnect();
  });

  test("hears why its connection is refused, in MQTT 5", async () => {
    const other = { ...device, thingName: "$not-allowed" };
    await assert.rejects(connect5(cloud, other), /CONNACK 133/);
  });

  for (const [version, open] of Object.entries(lines)) {
    for (const shadowName of [undefined, "settings"])
      test(`${version}: ${shadowName === undefined ? "the classic" : "a named"} shadow is updated, told of as delta, got and deleted`, async () => {
        const { shadow, close } = await open();
        const thingName = `shadow-${version.replaceAll(/\W/g, "-")}`;
        const named = { thingName, shadowName: shadowName ?? "" };
        const missing =
          shadowName === undefined
            ? shadow.getShadow({ thingName })
            : shadow.getNamedShadow(named);
        await assert.rejects(
          missing,
          (error: { modeledError?: { code?: number } }) =>
            error.modeledError?.code === 404,
        );
        const deltas = await openStream(
          shadowName === undefined
            ? shadow.createShadowDeltaUpdatedStream({ thingName })
            : shadow.createNamedShadowDeltaUpdatedStream(named),
        );
        const update = (state: iotshadow.model.ShadowState) =>
          shadowName === undefined
            ? shadow.updateShadow({ thingName, state })
            : shadow.updateNamedShadow({ ...named, state });
        const updated = await update({
          desired: { color: "green", on: true },
          reported: { on: true },
        });
        assert.equal(updated.version, 1);
        const delta = await deltas.next();
        assert.deepEqual(delta.state, { color: "green" });
        await update({ reported: { color: "green" } });
        const got =
          shadowName === undefined
            ? await shadow.getShadow({ thingName })
            : await shadow.getNamedShadow(named);
        assert.equal(got.version, 2);
        assert.deepEqual(got.state?.reported, { color: "green", on: true });
        assert.equal(got.state.delta, undefined);
        const deleted =
          shadowName === undefined
            ? await shadow.deleteShadow({ thingName })
            : await shadow.deleteNamedShadow(named);
        assert.equal(deleted.version, 2);
        deltas.close();
        await close();
      });

    test(`${version}: a job is told of, started and brought to SUCCEEDED`, async () => {
      const { jobs, close } = await open();
      const { thingName } = device;
      const jobId = `job-${version.replaceAll(/\W/g, "-")}`;
      const changes = await openStream(
        jobs.createJobExecutionsChangedStream({ thingName }),
      );
      const nexts = await openStream(
        jobs.createNextJobExecutionChangedStream({ thingName }),
      );
      await client.send(
        new awsIot.CreateJobCommand({
          jobId,
          targets: [`arn:aws:iot:local-1:000000000000:thing/${thingName}`],
          document: JSON.stringify({ action: "blink" }),
          timeoutConfig: { inProgressTimeoutInMinutes: 5 },
        }),
      );
      assert.equal((await changes.next()).jobs?.QUEUED![0].jobId, jobId);
      assert.equal((await nexts.next()).execution?.jobId, jobId);
      const pending = await jobs.getPendingJobExecutions({ thingName });
      assert.deepEqual(
        pending.queuedJobs?.map((job) => job.jobId),
        [jobId],
      );
      const started = await jobs.startNextPendingJobExecution({ thingName });
      assert.deepEqual(started.execution?.jobDocument, { action: "blink" });
      assert.equal(started.execution.status, "IN_PROGRESS");
      await jobs.updateJobExecution({
        thingName,
        jobId,
        status: iotjobs.model.JobStatus.SUCCEEDED,
        statusDetails: { blinked: "3" },
        expectedVersion: started.execution.versionNumber!,
      });
      assert.deepEqual((await changes.next()).jobs, {});
      assert.equal((await nexts.next()).execution, undefined);
      const { execution } = await client.send(
        new awsIot.DescribeJobExecutionCommand({ jobId, thingName }),
      );
      assert.equal(execution?.status, "SUCCEEDED");
      assert.deepEqual(execution.statusDetails?.detailsMap, { blinked: "3" });
      const { job } = await client.send(
        new awsIot.DescribeJobCommand({ jobId }),
      );
      assert.equal(job?.status, "COMPLETED");
      changes.close();
      nexts.close();
      await close();
    });
  }
});
