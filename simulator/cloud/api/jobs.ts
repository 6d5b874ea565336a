import type { describeExecution } from "../jobs/job-description.js";
import type { CreateJobInput } from "../jobs/job-input.js";
import type { ExecutionStatus } from "../jobs/job.js";
import { ServiceError } from "../service-error.js";
import type { ApiRequest } from "./api-request.js";
import { oneOf, optional } from "./members.js";
import { newestFirst, page } from "./page.js";
import type { Operation } from "./router.js";
import { putTags } from "./tags.js";

/** CreateJob. */
export const createJob: Operation = (request, services) => {
  const job = services.services.jobs.create({
    ...request.members,
    jobId: request.label("jobId"),
  } as unknown as CreateJobInput);
  putTags(request, services, job.jobArn);
  return job;
};

/** DescribeJob. */
export const describeJob: Operation = (request, { services }) =>
  services.jobs.describe(request.label("jobId"));

/** UpdateJob. */
export const updateJob: Operation = (request, { services }) => {
  services.jobs.update(request.label("jobId"), request.members);
};

/** ListJobs, the newest first. */
export const listJobs: Operation = (request, { services }) => {
  const status = request.query("status");
  const selection = request.query("targetSelection");
  const group = request.query("thingGroupName");
  const jobs = services.jobs
    .list()
    .map(({ job }) => job)
    .filter((job) => status === undefined || job.status === status)
    .filter(
      (job) => selection === undefined || job.targetSelection === selection,
    )
    .filter(
      (job) =>
        group === undefined ||
        job.targets.some((target) => target.endsWith(`:thinggroup/${group}`)),
    );
  return page(
    request,
    "nextToken",
    "jobs",
    jobs,
    (job) => newestFirst(job.createdAt, job.jobId),
    (job) => ({
      jobArn: job.jobArn,
      jobId: job.jobId,
      targetSelection: job.targetSelection,
      status: job.status,
      createdAt: job.createdAt,
      lastUpdatedAt: job.lastUpdatedAt,
      ...optional("completedAt", job.completedAt),
      isConcurrent: job.isConcurrent,
    }),
  );
};

/** CancelJob. */
export const cancelJob: Operation = (request, { services }) =>
  services.jobs.cancel(request.label("jobId"), {
    force: request.queryFlag("force"),
    ...optional("reasonCode", request.optionalText("reasonCode")),
    ...optional("comment", request.optionalText("comment")),
  });

/** DeleteJob. */
export const deleteJob: Operation = (request, { services }) => {
  services.jobs.delete(request.label("jobId"), request.queryFlag("force"));
};

/** GetJobDocument. */
export const getJobDocument: Operation = (request, { services }) => ({
  document: services.jobs.document(request.label("jobId")),
});

/** AssociateTargetsWithJob. */
export const associateTargetsWithJob: Operation = (request, { services }) =>
  services.jobs.associateTargets(
    request.label("jobId"),
    request.optionalTexts("targets") ?? [],
    request.optionalText("comment"),
  );

/** DescribeJobExecution, as the control plane tells it. */
export const describeJobExecution: Operation = (request, { services }) => ({
  execution: services.jobs.describeExecution(
    request.label("thingName"),
    request.label("jobId"),
    request.queryNumber("executionNumber"),
  ),
});

/** CancelJobExecution. */
export const cancelJobExecution: Operation = (request, { services }) => {
  services.jobs.cancelExecution(
    request.label("thingName"),
    request.label("jobId"),
    {
      force: request.queryFlag("force"),
      ...optional("expectedVersion", request.optionalNumber("expectedVersion")),
      ...optional("statusDetails", request.optionalMap("statusDetails")),
    },
  );
};

/** DeleteJobExecution. */
export const deleteJobExecution: Operation = (request, { services }) => {
  const number = Number(request.label("executionNumber"));
  if (!Number.isSafeInteger(number))
    throw new ServiceError(
      "InvalidRequestException",
      "executionNumber must be a whole number",
    );
  services.jobs.deleteExecution(
    request.label("thingName"),
    request.label("jobId"),
    number,
    request.queryFlag("force"),
  );
};

/** ListJobExecutionsForThing. */
export const listJobExecutionsForThing: Operation = (request, { services }) =>
  page(
    request,
    "nextToken",
    "executionSummaries",
    services.jobs.executionsOfThing(
      request.label("thingName"),
      statusOf(request),
    ),
    ({ queuedAt, jobId }) => newestFirst(queuedAt, jobId),
    (execution) => ({
      jobId: execution.jobId,
      jobExecutionSummary: summary(execution),
    }),
  );

/** ListJobExecutionsForJob. */
export const listJobExecutionsForJob: Operation = (request, { services }) =>
  page(
    request,
    "nextToken",
    "executionSummaries",
    services.jobs.executionsOfJob(request.label("jobId"), statusOf(request)),
    ({ thingArn }) => thingArn,
    (execution) => ({
      thingArn: execution.thingArn,
      jobExecutionSummary: summary(execution),
    }),
  );

const statuses = [
  "QUEUED",
  "IN_PROGRESS",
  "SUCCEEDED",
  "FAILED",
  "TIMED_OUT",
  "REJECTED",
  "REMOVED",
  "CANCELED",
] as const satisfies readonly ExecutionStatus[];

function statusOf(request: ApiRequest): ExecutionStatus | undefined {
  return oneOf("status", request.query("status"), statuses);
}

function summary(execution: ReturnType<typeof describeExecution>): object {
  const { status, queuedAt, startedAt, lastUpdatedAt, executionNumber } =
    execution;
  return {
    status,
    queuedAt,
    ...optional("startedAt", startedAt),
    lastUpdatedAt,
    executionNumber,
  };
}
