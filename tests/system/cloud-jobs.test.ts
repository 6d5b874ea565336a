import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { arn } from "../../simulator/cloud/names.js";
import type { CreateJobInput } from "../../simulator/cloud/jobs/job-input.js";
import { allow, TestCloud, type Device } from "./cloud-fixture.js";
import {
  ServiceClient,
  type Json,
  type ServiceMessage,
} from "./service-client.js";

let cloud: TestCloud;
let device: Device;
let client: ServiceClient;
let base: string;
let thing: string;
let jobs = 0;

before(async () => {
  cloud = await TestCloud.start({
    choices: { connectRate: 0, publishRate: 0 },
  });
  device = await cloud.freeDevice("jobs-device");
  client = await ServiceClient.connect(cloud, device);
});
after(() => cloud.stop());

/** Each test has a thing of its own; the client asks for it without being subscribed to any answer. */
beforeEach(() => {
  thing = `jobs-thing-${++jobs}`;
  base = `$aws/things/${thing}/jobs`;
  cloud.cloud.registry.things.create(thing);
});

/** Makes a job for the test's thing. @returns its id */
function create(more: Partial<CreateJobInput> = {}): string {
  const jobId = `job-${++jobs}`;
  cloud.cloud.services.jobs.create({
    jobId,
    targets: [arn(`thing/${thing}`)],
    document: '{"operation":"test"}',
    ...more,
  });
  return jobId;
}

const update = (jobId: string, body: object) =>
  client.request(`${base}/${jobId}/update`, body);

describe("jobs: points of section 12", () => {
  test("12.8: answers go to the client that asked, without subscription, and to nobody else", async () => {
    const other = await ServiceClient.connect(
      cloud,
      device,
      [`${base}/#`],
      "jobs-spectator",
    );
    create();
    const notices = await other.rest();
    assert.deepEqual(
      notices.map(({ topic }) => topic.split("/").at(-1)),
      ["notify", "notify-next"],
    );
    const { topic, body } = await client.request(`${base}/get`, {
      clientToken: "me",
    });
    assert.equal(topic, `${base}/get/accepted`);
    assert.equal(body.clientToken, "me");
    const rejected = await client.request(`${base}/none/get`, {});
    assert.equal(rejected.topic, `${base}/none/get/rejected`);
    assert.deepEqual(await other.rest(), []);
    await other.close();
  });

  test("12.9: times are seconds, jobDocument is an object", async () => {
    const jobId = create();
    const { body } = await client.request(`${base}/$next/get`);
    const { execution, timestamp } = body;
    for (const time of [
      timestamp,
      execution.queuedAt,
      execution.lastUpdatedAt,
    ]) {
      assert.ok(Number.isInteger(time));
      assert.ok(Math.abs(Number(time) - Date.now() / 1000) < 600);
    }
    assert.deepEqual(execution.jobDocument, { operation: "test" });
    assert.equal(execution.jobId, jobId);
    assert.equal(execution.thingName, thing);
  });

  test("12.12: expectedVersion is taken as a number and as text", async () => {
    const jobId = create();
    for (const expectedVersion of [1, "2"])
      assert.match(
        (await update(jobId, { status: "IN_PROGRESS", expectedVersion })).topic,
        /accepted$/,
      );
    const { body } = await update(jobId, {
      status: "IN_PROGRESS",
      expectedVersion: "9",
    });
    assert.equal(body.code, "VersionMismatch");
    assert.deepEqual(body.executionState, {
      status: "IN_PROGRESS",
      statusDetails: {},
      versionNumber: 3,
    });
  });

  test("12.10, 12.11: notify and notify-next as AWS's example sequence has them", async () => {
    const watcher = await ServiceClient.connect(
      cloud,
      device,
      [`${base}/notify`, `${base}/notify-next`],
      "jobs-watcher",
    );
    /** What came: kind, and the jobs or the job in it with status and version. */
    const seen = async () =>
      (await watcher.rest()).map(({ topic, body }: ServiceMessage) =>
        topic.endsWith("notify")
          ? ["notify", listed(body.jobs)]
          : ["next", ...nextOf(body.execution as Json | undefined)],
      );
    const one = create();
    assert.deepEqual(await seen(), [
      ["notify", { QUEUED: [`${one} 1`] }],
      ["next", `${one} QUEUED 1`],
    ]);
    const two = create();
    assert.deepEqual(await seen(), [
      ["notify", { QUEUED: [`${one} 1`, `${two} 1`] }],
    ]);
    await client.request(`${base}/start-next`);
    assert.deepEqual(await seen(), [], "QUEUED to IN_PROGRESS of the first");
    const three = create();
    assert.deepEqual(await seen(), [
      [
        "notify",
        { IN_PROGRESS: [`${one} 2`], QUEUED: [`${two} 1`, `${three} 1`] },
      ],
    ]);
    await update(one, { status: "SUCCEEDED" });
    assert.deepEqual(await seen(), [
      ["notify", { QUEUED: [`${two} 1`, `${three} 1`] }],
      ["next", `${two} QUEUED 1`],
    ]);
    await update(three, { status: "IN_PROGRESS" });
    assert.deepEqual(await seen(), [["next", `${three} IN_PROGRESS 2`]]);
    await update(two, { status: "REJECTED" });
    assert.deepEqual(await seen(), [
      ["notify", { IN_PROGRESS: [`${three} 2`] }],
    ]);
    cloud.cloud.services.jobs.delete(three, true);
    assert.deepEqual(await seen(), [["notify", {}], ["next"]]);
    await watcher.close();
  });
});

const listed = (list: Json) =>
  Object.fromEntries(
    Object.entries(list).map(([status, items]) => [
      status,
      (items as unknown as { jobId: string; versionNumber: number }[]).map(
        ({ jobId, versionNumber }) => `${jobId} ${versionNumber}`,
      ),
    ]),
  );
const nextOf = (execution: Json | undefined) =>
  execution
    ? [
        ["jobId", "status", "versionNumber"]
          .map((key) => JSON.stringify(execution[key]).replaceAll('"', ""))
          .join(" "),
      ]
    : [];

describe("jobs: transitions of section 5.3", () => {
  for (const status of ["IN_PROGRESS", "REJECTED", "SUCCEEDED", "FAILED"])
    test(`5.3: QUEUED to ${status} by the device`, async () => {
      const jobId = create();
      const { topic, body } = await update(jobId, {
        status,
        includeJobExecutionState: true,
      });
      assert.equal(topic, `${base}/${jobId}/update/accepted`);
      assert.deepEqual(body.executionState, {
        status,
        statusDetails: {},
        versionNumber: 2,
      });
    });

  for (const status of ["IN_PROGRESS", "SUCCEEDED", "FAILED", "REJECTED"])
    test(`5.3: IN_PROGRESS to ${status} by the device`, async () => {
      const jobId = create();
      await client.request(`${base}/start-next`);
      const { body } = await update(jobId, {
        status,
        statusDetails: { step: "two" },
        includeJobExecutionState: true,
        includeJobDocument: true,
      });
      assert.deepEqual(body.executionState, {
        status,
        statusDetails: { step: "two" },
        versionNumber: 3,
      });
      assert.deepEqual(body.jobDocument, { operation: "test" });
    });

  for (const final of ["SUCCEEDED", "FAILED", "REJECTED"])
    test(`5.3: ${final} is terminal`, async () => {
      const jobId = create();
      await update(jobId, { status: final });
      const { body } = await update(jobId, { status: "IN_PROGRESS" });
      assert.equal(body.code, "InvalidStateTransition");
      assert.equal(body.executionState.status, final);
      const described = await client.request(`${base}/${jobId}/get`);
      assert.equal(described.body.code, "TerminalStateReached");
    });

  test("5.3: QUEUED to CANCELED by the service, IN_PROGRESS only with force", async () => {
    const { jobs: service } = cloud.cloud.services;
    const queued = create();
    const started = create();
    await update(started, { status: "IN_PROGRESS" });
    for (const id of [queued, started]) service.cancel(id);
    assert.equal(service.describeExecution(thing, queued).status, "CANCELED");
    assert.equal(
      service.describeExecution(thing, started).status,
      "IN_PROGRESS",
    );
    service.cancel(started, { force: true });
    const { status, forceCanceled } = service.describeExecution(thing, started);
    assert.deepEqual([status, forceCanceled], ["CANCELED", true]);
    const { body } = await update(started, { status: "SUCCEEDED" });
    assert.equal(body.code, "InvalidStateTransition");
  });

  test("5.3: a device cannot set QUEUED, TIMED_OUT, CANCELED or REMOVED", async () => {
    const jobId = create();
    for (const status of ["QUEUED", "TIMED_OUT", "CANCELED", "REMOVED"])
      assert.equal(
        (await update(jobId, { status })).body.code,
        "InvalidStateTransition",
      );
    assert.equal(
      (await update(jobId, { status: "NO_SUCH" })).body.code,
      "InvalidRequest",
    );
  });

  test("5.3: what a deleted thing was to do is REMOVED", () => {
    const { jobs: service } = cloud.cloud.services;
    const jobId = create();
    service.thingDeleted(thing);
    assert.equal(service.describeExecution(thing, jobId).status, "REMOVED");
  });

  test("5.3: start-next sets IN_PROGRESS, startedAt and version 2; again, it returns the execution as it is", async () => {
    const jobId = create();
    create();
    const first = await client.request(`${base}/start-next`, {
      statusDetails: { step: "one" },
    });
    const { execution } = first.body;
    assert.deepEqual(
      [execution.jobId, execution.status, execution.versionNumber],
      [jobId, "IN_PROGRESS", 2],
    );
    assert.ok(Number.isInteger(execution.startedAt));
    const second = await client.request(`${base}/start-next`, {
      statusDetails: { step: "ignored" },
    });
    assert.deepEqual(second.body.execution, execution);
  });

  test("5.3: with nothing pending, start-next and $next/get have no execution, get has empty lists", async () => {
    for (const operation of ["start-next", "$next/get"]) {
      const { topic, body } = await client.request(`${base}/${operation}`);
      assert.equal(topic, `${base}/${operation}/accepted`);
      assert.deepEqual(Object.keys(body), ["timestamp"]);
    }
    const { body } = await client.request(`${base}/get`);
    assert.deepEqual([body.inProgressJobs, body.queuedJobs], [[], []]);
  });

  test("lists have what is in progress before what is queued, then by the time of queueing", async () => {
    const ids = [create(), create(), create()];
    await update(ids[2], { status: "IN_PROGRESS" });
    const { body } = await client.request(`${base}/get`);
    const names = (list: Json) =>
      (list as unknown as { jobId: string }[]).map(({ jobId }) => jobId);
    assert.deepEqual(names(body.inProgressJobs), [ids[2]]);
    assert.deepEqual(names(body.queuedJobs), [ids[0], ids[1]]);
    const { execution } = (await client.request(`${base}/$next/get`)).body;
    assert.equal(execution.jobId, ids[2]);
  });

  test("statusDetails are kept until others come, and survive what does not mention them", async () => {
    const jobId = create();
    await update(jobId, {
      status: "IN_PROGRESS",
      statusDetails: { self_test: "ready", updatedBy: "0x1" },
    });
    await update(jobId, { status: "IN_PROGRESS" });
    const { body } = await client.request(`${base}/${jobId}/get`, {
      includeJobDocument: false,
    });
    assert.deepEqual(body.execution.statusDetails, {
      self_test: "ready",
      updatedBy: "0x1",
    });
    assert.equal(body.execution.jobDocument, undefined);
  });
});

describe("jobs: errors of section 5.4", () => {
  test("InvalidJson, InvalidRequest, InvalidTopic, ResourceNotFound", async () => {
    const jobId = create();
    const cases: [string, string | object, string][] = [
      [`${base}/get`, "{", "InvalidJson"],
      [`${base}/get`, "[]", "InvalidJson"],
      [`${base}/bogus`, {}, "InvalidTopic"],
      [`${base}/a b/get`, {}, "InvalidTopic"],
      [`${base}/$next/update`, { status: "FAILED" }, "InvalidTopic"],
      [`${base}/none/get`, {}, "ResourceNotFound"],
      [`${base}/${jobId}/get`, { executionNumber: 2 }, "ResourceNotFound"],
      ["$aws/things/unknown/jobs/get", {}, "ResourceNotFound"],
      [`${base}/${jobId}/update`, {}, "InvalidRequest"],
      [`${base}/get`, { clientToken: "x".repeat(65) }, "InvalidRequest"],
      [
        `${base}/${jobId}/update`,
        { status: "FAILED", statusDetails: { a: 1 } },
        "InvalidRequest",
      ],
      [
        `${base}/${jobId}/update`,
        { status: "FAILED", statusDetails: { a: "x".repeat(1025) } },
        "InvalidRequest",
      ],
      [
        `${base}/${jobId}/update`,
        { status: "IN_PROGRESS", stepTimeoutInMinutes: 10_081 },
        "InvalidRequest",
      ],
      [
        `${base}/${jobId}/update`,
        { status: "IN_PROGRESS", expectedVersion: "x" },
        "InvalidRequest",
      ],
    ];
    for (const [topic, request, code] of cases) {
      const answer = await client.request(topic, request);
      assert.equal(answer.topic, `${topic}/rejected`);
      assert.equal(answer.body.code, code, JSON.stringify(request));
      assert.equal(typeof answer.body.message, "string");
    }
  });

  test("a policy decides who may ask for a thing's jobs", async () => {
    const limited = await cloud.device("jobs-limited", [
      allow("iot:Connect", "*"),
      allow(["iot:Publish", "iot:Receive"], "topic/$aws/things/jobs-limited/*"),
    ]);
    const own = await ServiceClient.connect(cloud, limited);
    const { body } = await own.request("$aws/things/jobs-limited/jobs/get");
    assert.deepEqual(body.queuedJobs, []);
    own.send(`${base}/get`);
    assert.equal(await own.wire.hungUp(), true);
  });
});
