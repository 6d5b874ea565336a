import type { JobStore } from "./job-store.js";
import {
  isPending,
  type ExecutionStatus,
  type JobExecution,
  type JobRecord,
  type StatusDetails,
} from "./job.js";

/** What else changes when an execution changes its status. */
export interface TransitionDetails {
  readonly statusDetails?: StatusDetails;
  readonly forceCanceled?: boolean;
  /** Minutes for the step that begins; -1 takes the step's limit away. */
  readonly stepTimeoutInMinutes?: number;
}

const minute = 60_000;

/** How executions come to be, change, and end, and what that does to their job: retries, abortion, completion. */
export class Transitions {
  readonly #jobs: JobStore;
  readonly #now: () => number;

  constructor(jobs: JobStore, now: () => number) {
    this.#jobs = jobs;
    this.#now = now;
  }

  /** Queues an execution of a job on a thing. */
  queue(jobId: string, thingName: string, executionNumber = 1): void {
    const now = this.#now();
    this.#jobs.put({
      jobId,
      thingName,
      executionNumber,
      status: "QUEUED",
      queuedAt: now,
      lastUpdatedAt: now,
      versionNumber: 1,
      position: this.#jobs.nextPosition(),
    });
  }

  /** Changes an execution: one more version, timers, and what follows for the job. */
  move(
    execution: JobExecution,
    status: ExecutionStatus,
    details: TransitionDetails = {},
  ): JobExecution {
    const now = this.#now();
    const job = this.#jobs.job(execution.jobId);
    const limit = job?.timeoutConfig?.inProgressTimeoutInMinutes;
    const starts = status === "IN_PROGRESS" && !execution.startedAt;
    const { statusDetails, forceCanceled } = details;
    const moved = this.#withStep(
      {
        ...execution,
        status,
        lastUpdatedAt: now,
        versionNumber: execution.versionNumber + 1,
        ...(starts && { startedAt: now }),
        ...(starts &&
          limit !== undefined && { inProgressDeadline: now + limit * minute }),
        ...(statusDetails && { statusDetails }),
        ...(forceCanceled !== undefined && { forceCanceled }),
      },
      details.stepTimeoutInMinutes,
    );
    this.#jobs.put(moved);
    if (job && !isPending(moved)) this.#ended(job, moved);
    return moved;
  }

  /** Sets the step's time limit anew, or takes it away with -1. Nothing else changes. */
  setStep(execution: JobExecution, minutes: number): JobExecution {
    const changed = this.#withStep(execution, minutes);
    this.#jobs.put(changed);
    return changed;
  }

  /** Cancels what of a job may be canceled: what waits, and with `force` also what is in progress. */
  cancelExecutions(jobId: string, force: boolean): void {
    for (const execution of this.#jobs.executionsFor(jobId))
      if (
        execution.status === "QUEUED" ||
        (force && execution.status === "IN_PROGRESS")
      )
        this.move(execution, "CANCELED", force ? { forceCanceled: true } : {});
  }

  /** A job over a fixed set of things is complete when all of its executions are. */
  completeIfDone(jobId: string): void {
    const job = this.#jobs.job(jobId);
    if (job?.status !== "IN_PROGRESS" || job.targetSelection !== "SNAPSHOT")
      return;
    if (job.rollout) return;
    if (this.#jobs.executionsFor(jobId).some(isPending)) return;
    const now = this.#now();
    this.#jobs.putJob({
      ...job,
      status: "COMPLETED",
      completedAt: now,
      lastUpdatedAt: now,
    });
  }

  #withStep(
    execution: JobExecution,
    minutes: number | undefined,
  ): JobExecution {
    if (minutes === undefined) return execution;
    const { stepDeadline: _, ...rest } = execution;
    return minutes === -1
      ? rest
      : { ...rest, stepDeadline: this.#now() + minutes * minute };
  }

  #ended(job: JobRecord, execution: JobExecution): void {
    if (job.status !== "IN_PROGRESS") return;
    const { status, thingName, executionNumber } = execution;
    if (mayRetry(job, status, executionNumber)) {
      this.queue(job.jobId, thingName, executionNumber + 1);
      return;
    }
    if (this.#mustAbort(job)) {
      this.#jobs.putJob({
        ...job,
        status: "CANCELED",
        reasonCode: "CANCELED_BY_ABORT_CONFIG",
        lastUpdatedAt: this.#now(),
        completedAt: this.#now(),
      });
      this.cancelExecutions(job.jobId, false);
      return;
    }
    this.completeIfDone(job.jobId);
  }

  #mustAbort(job: JobRecord): boolean {
    const criteria = job.abortConfig?.criteriaList ?? [];
    if (criteria.length === 0) return false;
    const ended = this.#jobs
      .executionsFor(job.jobId)
      .filter((execution) => !isPending(execution));
    return criteria.some((criterion) => {
      const failed = ended.filter(({ status }) =>
        criterion.failureType === "ALL"
          ? ["FAILED", "REJECTED", "TIMED_OUT"].includes(status)
          : status === criterion.failureType,
      );
      return (
        ended.length >= criterion.minNumberOfExecutedThings &&
        failed.length * 100 >= criterion.thresholdPercentage * ended.length
      );
    });
  }
}

function mayRetry(
  job: JobRecord,
  status: ExecutionStatus,
  executionNumber: number,
): boolean {
  if (status !== "FAILED" && status !== "TIMED_OUT") return false;
  const criteria = job.jobExecutionsRetryConfig?.criteriaList ?? [];
  return criteria.some(
    ({ failureType, numberOfRetries }) =>
      (failureType === "ALL" || failureType === status) &&
      executionNumber <= numberOfRetries,
  );
}
