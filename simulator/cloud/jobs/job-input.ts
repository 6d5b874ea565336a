import { invalid, requireInteger, requireText } from "../services/input.js";
import { checkRollout } from "./rollout.js";
import type {
  AbortCriterion,
  JobSettings,
  RetryCriterion,
  StatusDetails,
} from "./job.js";

/** What `CreateJob` takes, in AWS's keys. */
export interface CreateJobInput extends JobSettings {
  readonly jobId: string;
  readonly targets: readonly string[];
  readonly document?: string;
  /** Address of an S3 object. */
  readonly documentSource?: string;
  readonly targetSelection?: "SNAPSHOT" | "CONTINUOUS";
  /** Template that gives what is not said here. */
  readonly jobTemplateArn?: string;
}

/** Keys of a job that can be set when it is made and changed later. */
const settingKeys = [
  "description",
  "presignedUrlConfig",
  "jobExecutionsRolloutConfig",
  "abortConfig",
  "timeoutConfig",
  "jobExecutionsRetryConfig",
] as const;

/** What AWS has and this cloud has not: better said than ignored. */
const missing = ["schedulingConfig", "documentParameters"];

/** Ids of jobs and of their templates. */
export const idPattern = /^[a-zA-Z0-9_-]{1,64}$/;

/** Longest time limit, in minutes: a week. */
export const timeoutRange = [1, 10_080] as const;
/** Characters of a job document. */
const documentLimit = 32_768;
const detailName = /^[a-zA-Z0-9:_-]{1,128}$/;
const detailValue = /^[^\p{C}]{1,1024}$/u;
/** Status details of one execution. */
const detailLimit = 10;

/** Holds the settings of a job to AWS's rules. @throws ServiceError InvalidRequestException */
export function checkSettings(input: object): JobSettings {
  for (const key of missing)
    if (key in input) invalid(`${key} is not implemented by this local cloud.`);
  const settings = settingsOf(input);
  if (settings.description !== undefined)
    requireText(settings.description, "description", /^[^\p{C}]{0,2028}$/u);
  const { inProgressTimeoutInMinutes } = settings.timeoutConfig ?? {};
  if (inProgressTimeoutInMinutes !== undefined)
    requireInteger(
      inProgressTimeoutInMinutes,
      "inProgressTimeoutInMinutes",
      timeoutRange,
    );
  const { expiresInSec } = settings.presignedUrlConfig ?? {};
  if (expiresInSec !== undefined)
    requireInteger(expiresInSec, "expiresInSec", [60, 3600]);
  if (settings.jobExecutionsRolloutConfig)
    checkRollout(settings.jobExecutionsRolloutConfig);
  for (const criterion of listOf(settings.abortConfig)) {
    const { thresholdPercentage, minNumberOfExecutedThings } =
      criterion as Partial<AbortCriterion>;
    if (typeof thresholdPercentage !== "number" || thresholdPercentage > 100)
      invalid("thresholdPercentage must be a number up to 100.");
    requireInteger(minNumberOfExecutedThings, "minNumberOfExecutedThings", [
      1,
      Number.MAX_SAFE_INTEGER,
    ]);
  }
  for (const criterion of listOf(settings.jobExecutionsRetryConfig)) {
    const { failureType, numberOfRetries } =
      criterion as Partial<RetryCriterion>;
    requireText(failureType, "failureType", /^(FAILED|TIMED_OUT|ALL)$/);
    requireInteger(numberOfRetries, "numberOfRetries", [0, 10]);
  }
  return settings;
}

/** What of a job can be changed later, out of all that it has. */
export function settingsOf(job: object): JobSettings {
  return Object.fromEntries(
    Object.entries(job).filter(
      ([key, value]) =>
        (settingKeys as readonly string[]).includes(key) && value !== undefined,
    ),
  );
}

/** Holds a job document to AWS's rules. @throws ServiceError InvalidRequestException */
export function checkDocument(document: unknown): string {
  if (typeof document !== "string" || document === "")
    invalid("A job needs a document, or a documentSource.");
  if (document.length > documentLimit)
    invalid(
      `The document has ${document.length} characters, ${documentLimit} are allowed.`,
    );
  try {
    JSON.parse(document);
  } catch {
    invalid("The document is no JSON.");
  }
  return document;
}

/** Why status details are none, in words; undefined means they are. */
export function statusDetailsProblem(details: unknown): string | undefined {
  if (typeof details !== "object" || details === null || Array.isArray(details))
    return "statusDetails must be a map";
  const entries = Object.entries(details as StatusDetails);
  if (entries.length > detailLimit)
    return `statusDetails may have ${detailLimit} pairs`;
  for (const [name, value] of entries)
    if (
      !detailName.test(name) ||
      typeof value !== "string" ||
      !detailValue.test(value)
    )
      return `statusDetails "${name.slice(0, 128)}" has a name or a value that is not allowed`;
  return undefined;
}

function listOf(config: object | undefined): readonly unknown[] {
  const list = (config as { criteriaList?: unknown } | undefined)?.criteriaList;
  if (config !== undefined && !Array.isArray(list))
    invalid("criteriaList must be a list.");
  return (list as unknown[] | undefined) ?? [];
}
