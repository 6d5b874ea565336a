import { arn } from "../names.js";

/** States of one execution of a job on one thing. */
export const executionStatuses = [
  "QUEUED",
  "IN_PROGRESS",
  "SUCCEEDED",
  "FAILED",
  "REJECTED",
  "TIMED_OUT",
  "CANCELED",
  "REMOVED",
] as const;

/** State of an execution. All but the first two are terminal. */
export type ExecutionStatus = (typeof executionStatuses)[number];

/** Names with their text: what a device tells about its progress. */
export type StatusDetails = Readonly<Record<string, string>>;

/** When failures of executions lead to something, as `CreateJob` takes it. */
export interface AbortCriterion {
  readonly failureType: "FAILED" | "REJECTED" | "TIMED_OUT" | "ALL";
  readonly action: "CANCEL";
  readonly thresholdPercentage: number;
  readonly minNumberOfExecutedThings: number;
}

/** How often executions that failed are tried again. */
export interface RetryCriterion {
  readonly failureType: "FAILED" | "TIMED_OUT" | "ALL";
  readonly numberOfRetries: number;
}

/** How many things a minute are told of a job. */
export interface RolloutConfig {
  readonly maximumPerMinute?: number;
  readonly exponentialRate?: {
    readonly baseRatePerMinute: number;
    readonly incrementFactor: number;
    readonly rateIncreaseCriteria: {
      readonly numberOfNotifiedThings?: number;
      readonly numberOfSucceededThings?: number;
    };
  };
}

/** What of a job may be changed later. */
export interface JobSettings {
  readonly description?: string;
  readonly presignedUrlConfig?: {
    readonly roleArn?: string;
    readonly expiresInSec?: number;
  };
  readonly jobExecutionsRolloutConfig?: RolloutConfig;
  readonly abortConfig?: { readonly criteriaList: readonly AbortCriterion[] };
  readonly timeoutConfig?: { readonly inProgressTimeoutInMinutes?: number };
  readonly jobExecutionsRetryConfig?: {
    readonly criteriaList: readonly RetryCriterion[];
  };
}

/** A job as it is kept. Times are milliseconds since 1970. */
export interface JobRecord extends JobSettings {
  readonly jobId: string;
  /** ARNs of things and thing groups. */
  readonly targets: readonly string[];
  readonly targetSelection: "SNAPSHOT" | "CONTINUOUS";
  /** JSON text. */
  readonly document: string;
  readonly documentSource?: string;
  readonly jobTemplateArn?: string;
  /** Things that are not told yet, those that are, and when the next are. */
  readonly rollout?: {
    readonly waiting: readonly string[];
    readonly notified: number;
    readonly nextAt: number;
  };
  readonly status: "IN_PROGRESS" | "COMPLETED" | "CANCELED";
  readonly forceCanceled?: boolean;
  readonly reasonCode?: string;
  readonly comment?: string;
  readonly createdAt: number;
  readonly lastUpdatedAt: number;
  readonly completedAt?: number;
}

/** One execution as it is kept. Times are milliseconds since 1970. */
export interface JobExecution {
  readonly jobId: string;
  readonly thingName: string;
  /** 1, and one more for each retry. */
  readonly executionNumber: number;
  readonly status: ExecutionStatus;
  readonly statusDetails?: StatusDetails;
  readonly forceCanceled?: boolean;
  readonly queuedAt: number;
  readonly startedAt?: number;
  readonly lastUpdatedAt: number;
  /** 1 when queued, one more with each change. */
  readonly versionNumber: number;
  /** Place in the order of all executions: those of one millisecond keep theirs. */
  readonly position: number;
  /** When the job's own time limit ends it. */
  readonly inProgressDeadline?: number;
  /** When the step that the device is at ends it. */
  readonly stepDeadline?: number;
}

/** Whether an execution still waits or runs. */
export function isPending({ status }: JobExecution): boolean {
  return status === "QUEUED" || status === "IN_PROGRESS";
}

/** The moment at which an execution times out, if any. */
export function deadlineOf({
  inProgressDeadline,
  stepDeadline,
}: JobExecution): number | undefined {
  return inProgressDeadline === undefined
    ? stepDeadline
    : Math.min(inProgressDeadline, stepDeadline ?? Infinity);
}

/** ARN of a job. */
export function jobArn(jobId: string): string {
  return arn(`job/${jobId}`);
}

/** Milliseconds as the whole seconds that devices are told. */
export function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
