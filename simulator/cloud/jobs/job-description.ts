import { Things } from "../registry/things.js";
import {
  deadlineOf,
  jobArn,
  seconds,
  type ExecutionStatus,
  type JobExecution,
  type JobRecord,
} from "./job.js";

/** A job as `DescribeJob` tells it. */
export function describeJob(
  { document: _, documentSource, rollout: _rollout, ...job }: JobRecord,
  executions: readonly JobExecution[],
) {
  const count = (status: ExecutionStatus) =>
    executions.filter((execution) => execution.status === status).length;
  return {
    ...(documentSource !== undefined && { documentSource }),
    job: {
      ...job,
      jobArn: jobArn(job.jobId),
      createdAt: job.createdAt / 1000,
      lastUpdatedAt: job.lastUpdatedAt / 1000,
      ...(job.completedAt !== undefined && {
        completedAt: job.completedAt / 1000,
      }),
      isConcurrent: false,
      jobProcessDetails: {
        processingTargets: [] as string[],
        numberOfCanceledThings: count("CANCELED"),
        numberOfSucceededThings: count("SUCCEEDED"),
        numberOfFailedThings: count("FAILED"),
        numberOfRejectedThings: count("REJECTED"),
        numberOfQueuedThings: count("QUEUED"),
        numberOfInProgressThings: count("IN_PROGRESS"),
        numberOfRemovedThings: count("REMOVED"),
        numberOfTimedOutThings: count("TIMED_OUT"),
      },
    },
  };
}

/** An execution as the control plane's `DescribeJobExecution` tells it. */
export function describeExecution(execution: JobExecution, now: number) {
  const { statusDetails, startedAt } = execution;
  const deadline = deadlineOf(execution);
  return {
    jobId: execution.jobId,
    status: execution.status,
    ...(execution.forceCanceled !== undefined && {
      forceCanceled: execution.forceCanceled,
    }),
    ...(statusDetails && { statusDetails: { detailsMap: statusDetails } }),
    thingArn: Things.arn(execution.thingName),
    queuedAt: execution.queuedAt / 1000,
    ...(startedAt !== undefined && { startedAt: startedAt / 1000 }),
    lastUpdatedAt: execution.lastUpdatedAt / 1000,
    executionNumber: execution.executionNumber,
    versionNumber: execution.versionNumber,
    ...(deadline !== undefined &&
      execution.status === "IN_PROGRESS" && {
        approximateSecondsBeforeTimedOut: Math.max(0, seconds(deadline - now)),
      }),
  };
}
