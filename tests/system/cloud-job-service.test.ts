import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, test } from "node:test";
import { defaultChoices } from "../../simulator/cloud/choices.js";
import type { CreateJobInput } from "../../simulator/cloud/jobs/job-input.js";
import type { JobExecution } from "../../simulator/cloud/jobs/job.js";
import { Jobs } from "../../simulator/cloud/jobs/jobs.js";
import { arn } from "../../simulator/cloud/names.js";
import { Store } from "../../simulator/cloud/store.js";
import { Buckets } from "../../simulator/cloud/streams/buckets.js";
import { OtaUpdates } from "../../simulator/cloud/streams/ota-updates.js";
import { Streams } from "../../simulator/cloud/streams/streams.js";
import { temporaryFolder } from "./cloud-fixture.js";

const minute = 60_000;
const group = arn("thinggroup/g");
let now: number;
let store: Store;
let jobs: Jobs;
let members: string[];
let changes: JobExecution[];

function open(): Jobs {
  return new Jobs({
    store,
    choices: defaultChoices,
    now: () => now,
    thingExists: () => true,
    thingsBehind: (target) =>
      target === group
        ? members
        : target.includes(":thing/")
          ? [target.split("/")[1]]
          : undefined,
    readSource: () => '{"from":"s3"}',
    onPending: () => undefined,
    onExecution: (execution) => changes.push(execution),
  });
}

/** Jobs on a clock that the test moves. */
beforeEach(() => {
  now = 1_700_000_000_000;
  members = ["a", "b"];
  changes = [];
  store = new Store(temporaryFolder());
  jobs = open();
});

function create(more: Partial<CreateJobInput> = {}): void {
  jobs.create({
    jobId: "j",
    targets: [arn("thing/a")],
    document: "{}",
    ...more,
  });
}
const status = (thing = "a") => jobs.describeExecution(thing, "j").status;
const report = (thing: string, value: string) =>
  jobs.device.update(thing, "j", { status: value });

describe("jobs: timers, retries and the job's own state (section 5.3)", () => {
  test("5.3: IN_PROGRESS to TIMED_OUT when the job's time limit is over; it cannot be extended", () => {
    create({ timeoutConfig: { inProgressTimeoutInMinutes: 5 } });
    now += 60 * minute;
    jobs.expire();
    assert.equal(status(), "QUEUED", "the limit counts from IN_PROGRESS");
    jobs.device.startNext("a", {});
    now += 4 * minute;
    jobs.device.update("a", "j", {
      status: "IN_PROGRESS",
      stepTimeoutInMinutes: 60,
    });
    const { execution } = jobs.device.describeExecution("a", "j", {});
    assert.equal(
      (execution as Record<string, unknown>).approximateSecondsBeforeTimedOut,
      60,
    );
    now += minute;
    jobs.expire();
    assert.equal(status(), "TIMED_OUT");
    assert.equal(jobs.describe("j").job.status, "COMPLETED");
  });

  test("5.3: the step's timer is reset by each update that sets it, and -1 takes it away", () => {
    create();
    jobs.device.startNext("a", { stepTimeoutInMinutes: 2 });
    now += minute;
    jobs.device.update("a", "j", {
      status: "IN_PROGRESS",
      stepTimeoutInMinutes: 2,
    });
    now += minute + 1;
    jobs.expire();
    assert.equal(status(), "IN_PROGRESS");
    jobs.device.update("a", "j", {
      status: "IN_PROGRESS",
      stepTimeoutInMinutes: -1,
    });
    now += 100 * minute;
    jobs.expire();
    assert.equal(status(), "IN_PROGRESS");
    jobs.device.update("a", "j", {
      status: "IN_PROGRESS",
      stepTimeoutInMinutes: 1,
    });
    now += minute;
    jobs.expire();
    assert.equal(status(), "TIMED_OUT");
  });

  test("time limits hold over a restart", () => {
    create({ timeoutConfig: { inProgressTimeoutInMinutes: 5 } });
    jobs.device.startNext("a", {});
    jobs = open();
    now += 5 * minute;
    jobs.expire();
    assert.equal(status(), "TIMED_OUT");
  });

  test("5.3: FAILED and TIMED_OUT are retried as new executions, REJECTED is not", () => {
    create({
      targets: [group],
      jobExecutionsRetryConfig: {
        criteriaList: [{ failureType: "FAILED", numberOfRetries: 2 }],
      },
    });
    for (const number of [1, 2, 3]) {
      assert.equal(jobs.describeExecution("a", "j").executionNumber, number);
      report("a", "FAILED");
    }
    assert.deepEqual(
      [status(), jobs.describeExecution("a", "j").executionNumber],
      ["FAILED", 3],
    );
    assert.equal(jobs.describeExecution("a", "j", 1).status, "FAILED");
    report("b", "REJECTED");
    assert.equal(jobs.describeExecution("b", "j").executionNumber, 1);
    assert.equal(jobs.describe("j").job.status, "COMPLETED");
  });

  test("5.3: a SNAPSHOT job is complete when all of its targets are", () => {
    create({ targets: [group] });
    report("a", "SUCCEEDED");
    assert.equal(jobs.describe("j").job.status, "IN_PROGRESS");
    report("b", "FAILED");
    const { job } = jobs.describe("j");
    assert.deepEqual([job.status, job.completedAt], ["COMPLETED", now / 1000]);
    assert.equal(job.jobProcessDetails.numberOfSucceededThings, 1);
    assert.equal(job.jobProcessDetails.numberOfFailedThings, 1);
    assert.throws(() => jobs.cancel("j"), { code: "InvalidRequestException" });
  });

  test("5.3: a CONTINUOUS job goes on: things that join its group get it, once", () => {
    create({ targets: [group], targetSelection: "CONTINUOUS" });
    report("a", "SUCCEEDED");
    report("b", "SUCCEEDED");
    assert.equal(jobs.describe("j").job.status, "IN_PROGRESS");
    for (const thing of ["c", "c", "a"]) jobs.thingJoined(group, thing);
    assert.equal(status("c"), "QUEUED");
    assert.equal(jobs.describeExecution("a", "j").executionNumber, 1);
    jobs.associateTargets("j", [arn("thing/d")]);
    assert.equal(status("d"), "QUEUED");
  });

  test("a job is canceled by itself when too much of it fails", () => {
    members = ["a", "b", "c", "d"];
    create({
      targets: [group],
      abortConfig: {
        criteriaList: [
          {
            failureType: "FAILED",
            action: "CANCEL",
            thresholdPercentage: 50,
            minNumberOfExecutedThings: 3,
          },
        ],
      },
    });
    report("a", "FAILED");
    report("b", "FAILED");
    assert.equal(jobs.describe("j").job.status, "IN_PROGRESS");
    report("c", "SUCCEEDED");
    assert.deepEqual(
      [jobs.describe("j").job.status, status("d")],
      ["CANCELED", "CANCELED"],
    );
  });
});

describe("jobs: their rollout", () => {
  const queued = () =>
    jobs.executionsOfJob("j").filter((item) => item.status === "QUEUED").length;

  test("maximumPerMinute things are told in a minute, the others wait, also over a restart", () => {
    members = ["a", "b", "c", "d", "e"];
    create({
      targets: [group],
      jobExecutionsRolloutConfig: { maximumPerMinute: 2 },
    });
    assert.equal(queued(), 2);
    now += 59_000;
    jobs.expire();
    assert.equal(queued(), 2);
    now += 1_000;
    jobs = open();
    jobs.expire();
    assert.equal(queued(), 4);
    for (const thing of ["a", "b", "c", "d"]) report(thing, "SUCCEEDED");
    assert.equal(jobs.describe("j").job.status, "IN_PROGRESS");
    now += minute;
    jobs.expire();
    report("e", "SUCCEEDED");
    assert.equal(jobs.describe("j").job.status, "COMPLETED");
  });

  test("an exponential one grows with the things that are told; a job that is canceled tells no more", () => {
    members = Array.from({ length: 40 }, (_, index) => `t${index}`);
    create({
      targets: [group],
      jobExecutionsRolloutConfig: {
        maximumPerMinute: 10,
        exponentialRate: {
          baseRatePerMinute: 2,
          incrementFactor: 2,
          rateIncreaseCriteria: { numberOfNotifiedThings: 2 },
        },
      },
    });
    const told: number[] = [];
    for (let count = 0; count < 4; count++) {
      told.push(queued());
      now += minute;
      jobs.expire();
    }
    assert.deepEqual(told, [2, 6, 16, 26]);
    jobs.cancel("j");
    now += minute;
    jobs.expire();
    assert.equal(jobs.executionsOfJob("j").length, 36);
  });

  test("a pace that is none is refused", () => {
    for (const config of [
      { maximumPerMinute: 0 },
      { exponentialRate: { baseRatePerMinute: 1, incrementFactor: 9 } },
      { exponentialRate: { baseRatePerMinute: 1, incrementFactor: 2 } },
    ])
      assert.throws(
        () => create({ jobExecutionsRolloutConfig: config as never }),
        { code: "InvalidRequestException" },
      );
  });
});

describe("jobs: the control plane's operations", () => {
  test("input that is none is refused with AWS's exceptions", () => {
    create();
    for (const [more, code] of [
      [{}, "ResourceAlreadyExistsException"],
      [{ jobId: "a b" }, "InvalidRequestException"],
      [{ jobId: "x".repeat(65) }, "InvalidRequestException"],
      [{ jobId: "k", document: "{" }, "InvalidRequestException"],
      [
        { jobId: "k", document: `"${"x".repeat(32_768)}"` },
        "InvalidRequestException",
      ],
      [{ jobId: "k", targets: [] }, "InvalidRequestException"],
      [
        { jobId: "k", targets: [arn("group/none")] },
        "ResourceNotFoundException",
      ],
      [
        { jobId: "k", timeoutConfig: { inProgressTimeoutInMinutes: 0 } },
        "InvalidRequestException",
      ],
      [
        { jobId: "k", presignedUrlConfig: { expiresInSec: 59 } },
        "InvalidRequestException",
      ],
      [{ jobId: "k", schedulingConfig: {} }, "InvalidRequestException"],
    ] as [Partial<CreateJobInput>, string][])
      assert.throws(
        () => create(more),
        { code },
        JSON.stringify(more).slice(0, 80),
      );
    create({
      jobId: "s",
      document: undefined as never,
      documentSource: "s3://b/k",
    });
    assert.equal(jobs.document("s"), '{"from":"s3"}');
  });

  test("executions are canceled and deleted, in progress ones with force only", () => {
    create({ targets: [group] });
    report("a", "IN_PROGRESS");
    assert.throws(() => jobs.cancelExecution("a", "j"), {
      code: "InvalidStateTransitionException",
    });
    assert.throws(
      () => jobs.cancelExecution("b", "j", { expectedVersion: 5 }),
      {
        code: "VersionConflictException",
      },
    );
    jobs.cancelExecution("b", "j", { statusDetails: { why: "test" } });
    assert.equal(status("b"), "CANCELED");
    assert.throws(() => jobs.deleteExecution("a", "j", 1), {
      code: "InvalidStateTransitionException",
    });
    jobs.deleteExecution("a", "j", 1, true);
    assert.throws(() => status("a"), { code: "ResourceNotFoundException" });
    assert.equal(jobs.describe("j").job.status, "COMPLETED");
    assert.deepEqual(
      jobs.executionsOfJob("j").map((item) => item.status),
      ["CANCELED"],
    );
    jobs.delete("j");
    assert.deepEqual(jobs.executionsOfThing("b"), []);
  });

  test("a change that fails changes nothing and is told to nobody", () => {
    assert.throws(() => create({ targets: [arn("thing/a"), "nonsense"] }));
    assert.deepEqual(jobs.device.pending("a").queuedJobs, []);
    assert.deepEqual(changes, []);
  });

  test("7.2: an OTA update is a stream and a job whose document tells of it", () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "fws"));
    writeFileSync(join(folder, "fws", "app.bin"), Buffer.alloc(5_000));
    const streams = new Streams(store, new Buckets(folder));
    const updates = new OtaUpdates(store, streams, jobs);
    const answer = updates.create({
      otaUpdateId: "u1",
      targets: [arn("thing/a")],
      roleArn: "arn:aws:iam::000000000000:role/ota",
      files: [
        {
          fileName: "/device/app",
          fileType: 0,
          fileLocation: { s3Location: { bucket: "fws", key: "app.bin" } },
          codeSigning: {
            customCodeSigning: {
              signature: { inlineDocument: "MEUCIQ==" },
              certificateChain: { certificateName: "/cert" },
              hashAlgorithm: "SHA256",
              signatureAlgorithm: "ECDSA",
            },
          },
        },
      ],
    });
    assert.equal(answer.awsIotJobId, "AFR_OTA-u1");
    const document = JSON.parse(jobs.document("AFR_OTA-u1")) as {
      afr_ota: { streamname: string };
    };
    const { streamname } = document.afr_ota;
    assert.match(streamname, /^AFR_OTA-[0-9a-f-]{36}$/);
    assert.deepEqual(document, {
      afr_ota: {
        protocols: ["MQTT"],
        streamname,
        files: [
          {
            filepath: "/device/app",
            filesize: 5_000,
            fileid: 0,
            certfile: "/cert",
            fileType: 0,
            "sig-sha256-ecdsa": "MEUCIQ==",
          },
        ],
      },
    });
    assert.equal(streams.describe(streamname).streamVersion, 1);
    assert.equal(updates.describe("u1").otaUpdateStatus, "CREATE_COMPLETE");
    updates.delete("u1", { deleteStream: true, forceDeleteAWSJob: true });
    assert.deepEqual(
      [streams.list(), jobs.list(), updates.list()],
      [[], [], []],
    );
  });
});
