import { arn, nameFromArn } from "../names.js";
import { Resources } from "../registry/resources.js";
import { ServiceError } from "../service-error.js";
import { requireText } from "../services/input.js";
import type { Store } from "../store.js";
import { checkDocument, checkSettings, idPattern } from "./job-input.js";
import type { JobSettings } from "./job.js";

/** What `CreateJobTemplate` takes, in AWS's keys. */
export interface CreateJobTemplateInput extends JobSettings {
  readonly jobTemplateId: string;
  readonly document?: string;
  /** Address of an S3 object. */
  readonly documentSource?: string;
  /** A job that the template is made of. */
  readonly jobArn?: string;
}

/** A template as it is kept. */
interface JobTemplateRecord extends JobSettings {
  readonly jobTemplateId: string;
  readonly description: string;
  readonly document: string;
  readonly documentSource?: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** What a job takes over from a template or from another job. */
export type JobPattern = JobSettings & {
  readonly document: string;
  readonly documentSource?: string;
};

/** Templates of jobs (AWS, "Job templates"): document and settings, for jobs that are made again and again. */
export class JobTemplates {
  readonly #records: Resources<JobTemplateRecord>;
  readonly #readSource: (address: string) => string;
  readonly #patternOfJob: (jobId: string) => JobPattern;

  /**
   * @param readSource the text of an S3 object
   * @param patternOfJob what a template takes from a job @throws ServiceError ResourceNotFoundException
   */
  constructor(
    store: Store,
    readSource: (address: string) => string,
    patternOfJob: (jobId: string) => JobPattern,
  ) {
    this.#records = new Resources(store, "job-template", "Job template");
    this.#readSource = readSource;
    this.#patternOfJob = patternOfJob;
  }

  /** CreateJobTemplate. @throws ServiceError InvalidRequestException, ConflictException, ResourceNotFoundException */
  create(input: CreateJobTemplateInput) {
    const jobTemplateId = requireText(
      input.jobTemplateId,
      "jobTemplateId",
      idPattern,
    );
    const description = requireText(
      input.description,
      "description",
      /^[^\p{C}]{1,2028}$/u,
    );
    const pattern = this.#patternOf(input);
    if (this.#records.find(jobTemplateId))
      throw new ServiceError(
        "ConflictException",
        `Job template ${jobTemplateId} already exists`,
      );
    this.#records.put(jobTemplateId, {
      ...pattern,
      ...checkSettings(input),
      description,
      jobTemplateId,
      createdAt: Date.now(),
    });
    return { jobTemplateArn: templateArn(jobTemplateId), jobTemplateId };
  }

  /** DescribeJobTemplate. @throws ServiceError ResourceNotFoundException */
  describe(jobTemplateId: string) {
    const record = this.#records.describe(jobTemplateId);
    return {
      ...record,
      jobTemplateArn: templateArn(jobTemplateId),
      createdAt: record.createdAt / 1000,
    };
  }

  /** Every template, as `describe` tells it. */
  list(): ReturnType<JobTemplates["describe"]>[] {
    return this.#records
      .list()
      .map(({ jobTemplateId }) => this.describe(jobTemplateId));
  }

  /** DeleteJobTemplate. @throws ServiceError ResourceNotFoundException */
  delete(jobTemplateId: string): void {
    this.#records.describe(jobTemplateId);
    this.#records.remove(jobTemplateId);
  }

  /** What a job of this template begins with. @throws ServiceError ResourceNotFoundException */
  pattern(jobTemplateArn: unknown): JobPattern {
    const text = requireText(jobTemplateArn, "jobTemplateArn", /^.{1,1600}$/);
    const name = nameFromArn("jobtemplate", text) ?? "";
    const {
      jobTemplateId: _id,
      createdAt: _at,
      ...pattern
    } = this.#records.describe(name);
    return pattern;
  }

  #patternOf(input: CreateJobTemplateInput): JobPattern {
    if (input.jobArn !== undefined) {
      const text = requireText(input.jobArn, "jobArn", /^.{1,1600}$/);
      return this.#patternOfJob(nameFromArn("job", text) ?? "");
    }
    const { documentSource } = input;
    return {
      document: checkDocument(
        documentSource === undefined
          ? input.document
          : this.#readSource(documentSource),
      ),
      ...(documentSource !== undefined && { documentSource }),
    };
  }
}

function templateArn(jobTemplateId: string): string {
  return arn(`jobtemplate/${jobTemplateId}`);
}
