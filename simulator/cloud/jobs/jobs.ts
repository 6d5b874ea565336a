import type { Choices } from "../choices.js";
import { Things } from "../registry/things.js";
import { ServiceError } from "../service-error.js";
import { invalid, requireText } from "../services/input.js";
import type { Store } from "../store.js";
import { PresignedUrls } from "../streams/presigned-urls.js";
import { DeviceJobs } from "./device-jobs.js";
import { describeExecution, describeJob } from "./job-description.js";
import {
  checkDocument,
  checkSettings,
  idPattern,
  settingsOf,
  statusDetailsProblem,
  type CreateJobInput,
} from "./job-input.js";
import {
  isPending,
  jobArn,
  type ExecutionStatus,
  type JobExecution,
  type JobRecord,
  type JobSettings,
  type StatusDetails,
} from "./job.js";
import { JobStore, type JobListeners } from "./job-store.js";
import { JobTemplates, type JobPattern } from "./job-templates.js";
import { Rollout } from "./rollout.js";
import { Transitions } from "./transitions.js";

/** What jobs stand on. */
export interface JobsParts extends JobListeners {
  readonly store: Store;
  readonly choices: Choices;
  /** Names of the things behind the ARN of a thing or a group; undefined when there is none of that name. */
  readonly thingsBehind: (targetArn: string) => readonly string[] | undefined;
  readonly thingExists: (thingName: string) => boolean;
  /** Text of the S3 object at this address. @throws ServiceError */
  readonly readSource: (address: string) => string;
  /** A document with its placeholders filled by addresses that are good for so many seconds; as it is when absent. */
  readonly fillDocument?: (document: string, seconds: number) => string;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** What operations on a job answer. */
export interface JobAnswer {
  readonly jobArn: string;
  readonly jobId: string;
  readonly description?: string;
}

/**
 * The Jobs service (AWS, "AWS IoT Jobs"): its control operations here, in AWS's input and output keys; those of devices in
 * `device`. Times that come out are seconds since 1970, with a fraction. What is returned is safe in the store.
 */
export class Jobs {
  /** What devices ask for. */
  readonly device: DeviceJobs;
  readonly templates: JobTemplates;
  readonly #parts: JobsParts;
  readonly #jobs: JobStore;
  readonly #transitions: Transitions;
  readonly #rollout: Rollout;
  readonly #now: () => number;

  constructor(parts: JobsParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
    this.#jobs = new JobStore(parts.store, parts);
    this.#transitions = new Transitions(this.#jobs, this.#now);
    this.#rollout = new Rollout(this.#jobs, this.#transitions, this.#now);
    this.templates = new JobTemplates(parts.store, parts.readSource, (jobId) =>
      this.#pattern(jobId),
    );
    this.device = new DeviceJobs({
      jobs: this.#jobs,
      transitions: this.#transitions,
      choices: parts.choices,
      now: this.#now,
      thingExists: parts.thingExists,
      fillDocument: parts.fillDocument ?? ((document) => document),
    });
  }

  /**
   * CreateJob: makes the job and queues it for all of its things.
   * @throws ServiceError InvalidRequestException, ResourceNotFoundException, ResourceAlreadyExistsException
   */
  create(input: CreateJobInput): JobAnswer {
    const jobId = requireText(input.jobId, "jobId", idPattern);
    const { jobTemplateArn, documentSource } = input;
    const pattern =
      jobTemplateArn === undefined
        ? undefined
        : this.templates.pattern(jobTemplateArn);
    const settings = checkSettings(input);
    const document =
      pattern?.document ??
      checkDocument(
        documentSource === undefined
          ? input.document
          : this.#parts.readSource(documentSource),
      );
    if (PresignedUrls.areIn(document)) {
      const { presignedUrlConfig } = { ...pattern, ...settings };
      if (presignedUrlConfig?.roleArn === undefined)
        invalid(
          "Presigned URLs in a document need presignedUrlConfig.roleArn.",
        );
      // Whatever is wrong with an address is said now, not to the devices.
      this.#parts.fillDocument?.(document, 0);
    }
    const targetSelection = requireText(
      input.targetSelection ?? "SNAPSHOT",
      "targetSelection",
      /^(SNAPSHOT|CONTINUOUS)$/,
    ) as JobRecord["targetSelection"];
    return this.#jobs.transaction(() => {
      const things = this.#thingsBehind(input.targets);
      if (this.#jobs.job(jobId))
        throw new ServiceError(
          "ResourceAlreadyExistsException",
          `Job ${jobId} already exists`,
        );
      const now = this.#now();
      const job: JobRecord = {
        ...pattern,
        ...settings,
        jobId,
        targets: [...input.targets],
        targetSelection,
        document,
        ...(documentSource !== undefined && { documentSource }),
        ...(jobTemplateArn !== undefined && { jobTemplateArn }),
        status: "IN_PROGRESS",
        createdAt: now,
        lastUpdatedAt: now,
      };
      this.#rollout.begin(job, [...things]);
      this.#transitions.completeIfDone(jobId);
      return answerOf(this.#find(jobId));
    });
  }

  /** AssociateTargetsWithJob, for a CONTINUOUS job that is in progress. @throws ServiceError */
  associateTargets(
    jobId: string,
    targets: readonly string[],
    comment?: string,
  ): JobAnswer {
    return this.#jobs.transaction(() => {
      const job = this.#find(jobId);
      if (job.targetSelection !== "CONTINUOUS" || job.status !== "IN_PROGRESS")
        invalid("Targets can be added to a CONTINUOUS job in progress only.");
      const things = this.#thingsBehind(targets);
      this.#change(job, {
        targets: [...new Set([...job.targets, ...targets])],
        ...(comment !== undefined && { comment }),
      });
      for (const thing of things) this.#join(jobId, thing);
      return answerOf(this.#find(jobId));
    });
  }

  /** A thing joined a group: it gets the CONTINUOUS jobs that have the group for a target. */
  thingJoined(groupArn: string, thingName: string): void {
    this.#jobs.transaction(() => {
      for (const job of this.#jobs.jobs())
        if (
          job.targetSelection === "CONTINUOUS" &&
          job.status === "IN_PROGRESS" &&
          job.targets.includes(groupArn)
        )
          this.#join(job.jobId, thingName);
    });
  }

  /** A thing was deleted: what it was to do is REMOVED. */
  thingDeleted(thingName: string): void {
    this.#jobs.transaction(() => {
      for (const execution of this.#jobs.pending(thingName))
        this.#transitions.move(execution, "REMOVED");
    });
  }

  /** DescribeJob. @throws ServiceError */
  describe(jobId: string): ReturnType<typeof describeJob> {
    const job = this.#find(jobId);
    return describeJob(job, this.#jobs.executionsFor(jobId));
  }

  /** GetJobDocument. @throws ServiceError */
  document(jobId: string): string {
    return this.#find(jobId).document;
  }

  /** Every job as DescribeJob tells it, newest first. */
  list(): ReturnType<typeof describeJob>[] {
    return this.#jobs
      .jobs()
      .sort((a, b) => b.createdAt - a.createdAt)
      .map((job) => describeJob(job, this.#jobs.executionsFor(job.jobId)));
  }

  /** UpdateJob. @throws ServiceError */
  update(jobId: string, input: JobSettings): void {
    const settings = checkSettings(input);
    this.#jobs.transaction(() => this.#change(this.#find(jobId), settings));
  }

  /** CancelJob: what waits, and with `force` what is in progress too. @throws ServiceError */
  cancel(
    jobId: string,
    options: { force?: boolean; reasonCode?: string; comment?: string } = {},
  ): JobAnswer {
    const { force = false, reasonCode, comment } = options;
    return this.#jobs.transaction(() => {
      const job = this.#find(jobId);
      if (job.status !== "IN_PROGRESS" && !(force && job.status === "CANCELED"))
        invalid(`Job ${jobId} is ${job.status} and cannot be canceled.`);
      this.#change(job, {
        status: "CANCELED",
        completedAt: this.#now(),
        rollout: undefined,
        ...(force && { forceCanceled: true }),
        ...(reasonCode !== undefined && { reasonCode }),
        ...(comment !== undefined && { comment }),
      });
      this.#transitions.cancelExecutions(jobId, force);
      return answerOf(this.#find(jobId));
    });
  }

  /** DeleteJob, with all of its executions. @throws ServiceError InvalidStateTransitionException */
  delete(jobId: string, force = false): void {
    this.#jobs.transaction(() => {
      const job = this.#find(jobId);
      if (job.status === "IN_PROGRESS" && !force)
        throw new ServiceError(
          "InvalidStateTransitionException",
          `Job ${jobId} is in progress: cancel it first, or use force`,
        );
      for (const { thingName } of this.#jobs.executionsFor(jobId))
        for (const execution of this.#jobs.executionsOf(thingName, jobId))
          this.#jobs.remove(execution);
      this.#jobs.removeJob(jobId);
    });
  }

  /** DescribeJobExecution of the control plane. @throws ServiceError */
  describeExecution(
    thingName: string,
    jobId: string,
    executionNumber?: number,
  ): ReturnType<typeof describeExecution> {
    const execution = this.#execution(thingName, jobId, executionNumber);
    return describeExecution(execution, this.#now());
  }

  /** ListJobExecutionsForJob: the newest execution on each thing. @throws ServiceError */
  executionsOfJob(
    jobId: string,
    status?: ExecutionStatus,
  ): ReturnType<typeof describeExecution>[] {
    this.#find(jobId);
    return this.#listed(this.#jobs.executionsFor(jobId), status);
  }

  /** ListJobExecutionsForThing: the newest execution of each job. */
  executionsOfThing(
    thingName: string,
    status?: ExecutionStatus,
  ): ReturnType<typeof describeExecution>[] {
    const newest = new Map(
      this.#jobs.executionsOf(thingName).map((item) => [item.jobId, item]),
    );
    return this.#listed([...newest.values()], status);
  }

  /** CancelJobExecution. @throws ServiceError */
  cancelExecution(
    thingName: string,
    jobId: string,
    options: {
      force?: boolean;
      expectedVersion?: number;
      statusDetails?: StatusDetails;
    } = {},
  ): void {
    const { force = false, expectedVersion, statusDetails } = options;
    const problem = statusDetails && statusDetailsProblem(statusDetails);
    if (problem !== undefined) invalid(problem);
    this.#jobs.transaction(() => {
      const execution = this.#execution(thingName, jobId);
      if (
        expectedVersion !== undefined &&
        expectedVersion !== execution.versionNumber
      )
        throw new ServiceError(
          "VersionConflictException",
          `The version of the execution is ${execution.versionNumber}, not ${expectedVersion}`,
        );
      if (
        execution.status !== "QUEUED" &&
        !(force && execution.status === "IN_PROGRESS")
      )
        throw invalidTransition(execution, "canceled");
      this.#transitions.move(execution, "CANCELED", {
        ...(force && { forceCanceled: true }),
        ...(statusDetails && { statusDetails }),
      });
    });
  }

  /** DeleteJobExecution. @throws ServiceError InvalidStateTransitionException while it is in progress, unless forced */
  deleteExecution(
    thingName: string,
    jobId: string,
    executionNumber: number,
    force = false,
  ): void {
    this.#jobs.transaction(() => {
      const execution = this.#execution(thingName, jobId, executionNumber);
      if (execution.status === "IN_PROGRESS" && !force)
        throw invalidTransition(execution, "deleted");
      this.#jobs.remove(execution);
      this.#transitions.completeIfDone(jobId);
    });
  }

  /** Rolls jobs out, and times out the executions whose time is up. Called about once a second. */
  expire(): void {
    this.#rollout.tick();
    const late = this.#jobs.expired(this.#now());
    if (late.length === 0) return;
    this.#jobs.transaction(() => {
      for (const { thingName, jobId, executionNumber } of late) {
        const execution = this.#jobs.execution(
          thingName,
          jobId,
          executionNumber,
        );
        if (execution && isPending(execution))
          this.#transitions.move(execution, "TIMED_OUT");
      }
    });
  }

  #listed(
    executions: JobExecution[],
    status: ExecutionStatus | undefined,
  ): ReturnType<typeof describeExecution>[] {
    return executions
      .filter((item) => status === undefined || item.status === status)
      .sort((a, b) => b.position - a.position)
      .map((item) => describeExecution(item, this.#now()));
  }

  #pattern(jobId: string): JobPattern {
    const { document, documentSource, ...job } = this.#find(jobId);
    return {
      document,
      ...(documentSource !== undefined && { documentSource }),
      ...settingsOf(job),
    };
  }

  #join(jobId: string, thingName: string): void {
    if (!this.#jobs.execution(thingName, jobId))
      this.#transitions.queue(jobId, thingName);
  }

  #change(job: JobRecord, changes: Partial<JobRecord>): void {
    this.#jobs.putJob({ ...job, ...changes, lastUpdatedAt: this.#now() });
  }

  #find(jobId: string): JobRecord {
    const job = this.#jobs.job(jobId);
    if (!job)
      throw new ServiceError(
        "ResourceNotFoundException",
        `Job ${jobId} cannot be found.`,
      );
    return job;
  }

  #execution(
    thingName: string,
    jobId: string,
    executionNumber?: number,
  ): JobExecution {
    const found = this.#jobs.execution(thingName, jobId, executionNumber);
    if (!found)
      throw new ServiceError(
        "ResourceNotFoundException",
        `Job execution of ${jobId} on ${Things.arn(thingName)} cannot be found.`,
      );
    return found;
  }

  #thingsBehind(targets: readonly string[]): Set<string> {
    if (!isList(targets) || targets.length === 0)
      invalid("targets must be a list of ARNs of things or thing groups.");
    return new Set(
      targets.flatMap((target) => {
        const things = this.#parts.thingsBehind(target);
        if (!things)
          throw new ServiceError(
            "ResourceNotFoundException",
            `Target ${target} cannot be found.`,
          );
        return things;
      }),
    );
  }
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function invalidTransition(
  { jobId, status }: JobExecution,
  what: string,
): ServiceError {
  return new ServiceError(
    "InvalidStateTransitionException",
    `An execution of ${jobId} that is ${status} cannot be ${what}; see force.`,
  );
}

function answerOf({ jobId, description }: JobRecord): JobAnswer {
  return {
    jobArn: jobArn(jobId),
    jobId,
    ...(description !== undefined && { description }),
  };
}
