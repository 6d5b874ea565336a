import type { Choices } from "../choices.js";
import { isMap, type PayloadMap } from "../services/payload.js";
import { timeoutRange, statusDetailsProblem } from "./job-input.js";
import {
  deadlineOf,
  executionStatuses,
  isPending,
  seconds,
  type ExecutionStatus,
  type JobExecution,
  type StatusDetails,
} from "./job.js";
import type { JobStore } from "./job-store.js";
import { JobsError, stateOf } from "./jobs-error.js";
import type { Transitions } from "./transitions.js";

/** States that a device may report. */
const reportable: readonly ExecutionStatus[] = [
  "IN_PROGRESS",
  "SUCCEEDED",
  "FAILED",
  "REJECTED",
];

/** Seconds that an address in a document is good for, unless the job says otherwise. */
const usualExpiry = 3_600;

/** What devices' operations stand on. */
export interface DeviceJobsParts {
  readonly jobs: JobStore;
  readonly transitions: Transitions;
  readonly choices: Choices;
  readonly now: () => number;
  /** A job's document as it is sent, with addresses that are good for so many seconds. */
  readonly fillDocument: (document: string, seconds: number) => string;
  /** Whether the registry has a thing of this name. */
  readonly thingExists: (thingName: string) => boolean;
}

/**
 * What a device asks the Jobs service (AWS, "Jobs device MQTT and HTTPS APIs"). Answers are AWS's keys without `timestamp`
 * and `clientToken`; `jobDocument` is JSON text, which MQTT puts in as an object.
 */
export class DeviceJobs {
  readonly #parts: DeviceJobsParts;

  constructor(parts: DeviceJobsParts) {
    this.#parts = parts;
  }

  /** GetPendingJobExecutions. @throws JobsError */
  pending(thingName: string): PayloadMap {
    this.#assertThing(thingName);
    const list = this.#parts.jobs.pending(thingName);
    const of = (status: ExecutionStatus) =>
      list.filter((item) => item.status === status).map(summary);
    return { inProgressJobs: of("IN_PROGRESS"), queuedJobs: of("QUEUED") };
  }

  /** StartNextPendingJobExecution: what is in progress already is given again, as it is. @throws JobsError */
  startNext(thingName: string, request: PayloadMap): PayloadMap {
    this.#assertThing(thingName);
    const statusDetails = detailsOf(request);
    const step = stepOf(request);
    const { jobs, transitions } = this.#parts;
    return jobs.transaction(() => {
      const next = jobs.pending(thingName).at(0);
      if (!next) return {};
      const started =
        next.status === "QUEUED"
          ? transitions.move(next, "IN_PROGRESS", {
              ...(statusDetails && { statusDetails }),
              ...(step !== undefined && { stepTimeoutInMinutes: step }),
            })
          : step === undefined
            ? next
            : transitions.setStep(next, step);
      return { execution: this.describe(started) };
    });
  }

  /** DescribeJobExecution; `$next` is the one that is due. @throws JobsError */
  describeExecution(
    thingName: string,
    jobId: string,
    request: PayloadMap,
  ): PayloadMap {
    this.#assertThing(thingName);
    const withDocument = flagOf(request, "includeJobDocument", true);
    if (jobId === "$next") {
      const next = this.#parts.jobs.pending(thingName).at(0);
      return next ? { execution: this.describe(next, withDocument) } : {};
    }
    const execution = this.#find(thingName, jobId, request);
    if (!isPending(execution))
      throw new JobsError(
        "TerminalStateReached",
        `Job execution is in terminal state ${execution.status}`,
      );
    return { execution: this.describe(execution, withDocument) };
  }

  /** UpdateJobExecution. @throws JobsError */
  update(thingName: string, jobId: string, request: PayloadMap): PayloadMap {
    this.#assertThing(thingName);
    const status = statusOf(request);
    const statusDetails = detailsOf(request);
    const step = stepOf(request);
    const expectedVersion = integerOf(request, "expectedVersion");
    const withState = flagOf(request, "includeJobExecutionState", false);
    const withDocument = flagOf(request, "includeJobDocument", false);
    const { jobs, transitions } = this.#parts;
    return jobs.transaction(() => {
      const execution = this.#find(thingName, jobId, request);
      if (
        expectedVersion !== undefined &&
        expectedVersion !== execution.versionNumber
      )
        throw new JobsError(
          "VersionMismatch",
          `The expected version ${expectedVersion} is not the current version ${execution.versionNumber}`,
          execution,
        );
      this.#assertTransition(execution, status);
      const moved = transitions.move(execution, status, {
        ...(statusDetails && { statusDetails }),
        ...(step !== undefined && { stepTimeoutInMinutes: step }),
      });
      return {
        ...(withState && { executionState: { ...stateOf(moved) } }),
        ...(withDocument && { jobDocument: this.#document(jobId) }),
      };
    });
  }

  /** An execution in full, as devices are told it. */
  describe(execution: JobExecution, withDocument = true): PayloadMap {
    const { jobId, thingName, status, statusDetails } = execution;
    const deadline = deadlineOf(execution);
    return {
      jobId,
      thingName,
      status,
      ...(statusDetails && { statusDetails }),
      ...times(execution),
      versionNumber: execution.versionNumber,
      executionNumber: execution.executionNumber,
      ...(deadline !== undefined &&
        status === "IN_PROGRESS" && {
          approximateSecondsBeforeTimedOut: Math.max(
            0,
            seconds(deadline - this.#parts.now()),
          ),
        }),
      ...(withDocument && { jobDocument: this.#document(jobId) }),
    };
  }

  #document(jobId: string): string {
    const { jobs, fillDocument } = this.#parts;
    const job = jobs.job(jobId);
    const seconds = job?.presignedUrlConfig?.expiresInSec ?? usualExpiry;
    return fillDocument(job?.document ?? "{}", seconds);
  }

  #assertThing(thingName: string): void {
    const { choices, thingExists, jobs } = this.#parts;
    if (
      choices.jobsOfUnknownThing === "refuse" &&
      !thingExists(thingName) &&
      jobs.pending(thingName).length === 0
    )
      throw new JobsError(
        "ResourceNotFound",
        `Thing ${thingName} does not exist`,
      );
  }

  #find(thingName: string, jobId: string, request: PayloadMap): JobExecution {
    const number = integerOf(request, "executionNumber");
    const execution = this.#parts.jobs.execution(thingName, jobId, number);
    if (!execution)
      throw new JobsError(
        "ResourceNotFound",
        `No execution${number === undefined ? "" : ` ${number}`} of job ${jobId} exists for thing ${thingName}`,
      );
    return execution;
  }

  #assertTransition(execution: JobExecution, status: ExecutionStatus): void {
    const { choices } = this.#parts;
    if (!reportable.includes(status))
      throw choices.jobsForeignStatus === "InvalidRequest"
        ? new JobsError(
            "InvalidRequest",
            `A device cannot set status ${status}`,
          )
        : refusedTransition(execution, status);
    if (
      !isPending(execution) ||
      (!choices.jobsFinishFromQueued &&
        execution.status === "QUEUED" &&
        (status === "SUCCEEDED" || status === "FAILED"))
    )
      throw refusedTransition(execution, status);
  }
}

/** An execution in short, as lists have it. */
export function summary(execution: JobExecution): PayloadMap {
  return {
    jobId: execution.jobId,
    ...times(execution),
    versionNumber: execution.versionNumber,
    executionNumber: execution.executionNumber,
  };
}

function times({ queuedAt, startedAt, lastUpdatedAt }: JobExecution) {
  return {
    queuedAt: seconds(queuedAt),
    ...(startedAt !== undefined && { startedAt: seconds(startedAt) }),
    lastUpdatedAt: seconds(lastUpdatedAt),
  };
}

function refusedTransition(
  execution: JobExecution,
  status: ExecutionStatus,
): JobsError {
  return new JobsError(
    "InvalidStateTransition",
    `An execution in state ${execution.status} cannot go to ${status}`,
    execution,
  );
}

function badRequest(message: string): JobsError {
  return new JobsError("InvalidRequest", message);
}

function statusOf({ status }: PayloadMap): ExecutionStatus {
  const known = executionStatuses.find((name) => name === status);
  if (!known)
    throw badRequest(
      status === undefined ? "status is missing" : "status is none of a job",
    );
  return known;
}

function detailsOf({ statusDetails }: PayloadMap): StatusDetails | undefined {
  if (statusDetails === undefined || statusDetails === null) return undefined;
  const problem = statusDetailsProblem(statusDetails);
  if (problem !== undefined || !isMap(statusDetails))
    throw badRequest(problem ?? "statusDetails must be a map");
  return statusDetails as StatusDetails;
}

function stepOf(request: PayloadMap): number | undefined {
  const minutes = integerOf(request, "stepTimeoutInMinutes");
  const [least, most] = timeoutRange;
  if (
    minutes !== undefined &&
    minutes !== -1 &&
    (minutes < least || minutes > most)
  )
    throw badRequest(
      `stepTimeoutInMinutes must be from ${least} to ${most}, or -1`,
    );
  return minutes;
}

/** A whole number; AWS's own libraries send some of them as text. */
function integerOf(request: PayloadMap, name: string): number | undefined {
  const value = request[name];
  if (value === undefined || value === null) return undefined;
  const number =
    typeof value === "string" && /^-?\d{1,15}$/.test(value)
      ? Number(value)
      : value;
  if (typeof number !== "number" || !Number.isSafeInteger(number))
    throw badRequest(`${name} must be a whole number`);
  return number;
}

function flagOf(
  request: PayloadMap,
  name: string,
  otherwise: boolean,
): boolean {
  const value = request[name];
  if (value === undefined || value === null) return otherwise;
  if (typeof value !== "boolean") throw badRequest(`${name} must be a boolean`);
  return value;
}
