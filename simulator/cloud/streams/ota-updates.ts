import { randomUUID } from "node:crypto";
import type { CreateJobInput } from "../jobs/job-input.js";
import { jobArn } from "../jobs/job.js";
import type { Jobs } from "../jobs/jobs.js";
import { arn } from "../names.js";
import { ServiceError } from "../service-error.js";
import { invalid, requireText } from "../services/input.js";
import type { Store } from "../store.js";
import type { S3Location } from "./buckets.js";
import type { Streams } from "./streams.js";

/** One file of an update, as AWS's API takes it. */
export interface OtaFile {
  /** Where the device puts it. */
  readonly fileName?: string;
  readonly fileType?: number;
  readonly fileVersion?: string;
  readonly fileLocation?: { readonly s3Location?: S3Location };
  readonly codeSigning?: {
    readonly customCodeSigning?: {
      /** Base64 of the DER signature. */
      readonly signature?: { readonly inlineDocument?: string };
      readonly certificateChain?: { readonly certificateName?: string };
      readonly hashAlgorithm?: string;
      readonly signatureAlgorithm?: string;
    };
  };
  readonly attributes?: Readonly<Record<string, string>>;
}

/** What `CreateOTAUpdate` takes. */
export interface CreateOtaInput extends Pick<
  CreateJobInput,
  "targets" | "targetSelection" | "description"
> {
  readonly otaUpdateId: string;
  readonly protocols?: readonly string[];
  readonly files: readonly OtaFile[];
  readonly roleArn: string;
  readonly awsJobTimeoutConfig?: CreateJobInput["timeoutConfig"];
  readonly awsJobExecutionsRolloutConfig?: CreateJobInput["jobExecutionsRolloutConfig"];
  readonly awsJobAbortConfig?: CreateJobInput["abortConfig"];
  readonly additionalParameters?: Readonly<Record<string, string>>;
}

/** An update as it is kept. Times are milliseconds since 1970. */
interface OtaRecord extends CreateOtaInput {
  readonly streamId: string;
  readonly jobId: string;
  readonly createdAt: number;
}

const idPattern = /^[a-zA-Z0-9_-]{1,128}$/;
/** Most files of one update. */
const fileLimit = 10;

/**
 * FreeRTOS OTA updates (AWS, `CreateOTAUpdate`): a stream with the files, and a job whose document tells devices of it. What
 * is signed comes with its signature; code signing by AWS is not here.
 */
export class OtaUpdates {
  readonly #store: Store;
  readonly #streams: Streams;
  readonly #jobs: Jobs;

  constructor(store: Store, streams: Streams, jobs: Jobs) {
    this.#store = store;
    this.#streams = streams;
    this.#jobs = jobs;
  }

  /** @throws ServiceError InvalidRequestException, ResourceAlreadyExistsException, ResourceNotFoundException */
  create(input: CreateOtaInput) {
    const otaUpdateId = requireText(
      input.otaUpdateId,
      "otaUpdateId",
      idPattern,
    );
    const protocols = input.protocols ?? ["MQTT"];
    if (protocols.length !== 1 || protocols[0] !== "MQTT")
      invalid("This local cloud delivers OTA updates over MQTT only.");
    if (input.files.length === 0 || input.files.length > fileLimit)
      invalid(`An OTA update has 1 to ${fileLimit} files.`);
    const streamId = `AFR_OTA-${randomUUID()}`;
    const jobId = `AFR_OTA-${otaUpdateId}`;
    const locations = input.files.map(
      ({ fileLocation }) =>
        fileLocation?.s3Location ??
        invalid("Each file needs fileLocation.s3Location."),
    );
    const { targets, targetSelection, description } = input;
    return this.#store.transaction(() => {
      if (this.#store.streams.get(["ota", otaUpdateId]))
        throw new ServiceError(
          "ResourceAlreadyExistsException",
          `OTA update ${otaUpdateId} already exists`,
        );
      this.#streams.create({
        streamId,
        files: locations.map((s3Location, fileId) => ({ fileId, s3Location })),
        roleArn: input.roleArn,
      });
      const { files } = this.#streams.describe(streamId);
      this.#jobs.create({
        jobId,
        targets,
        ...(targetSelection && { targetSelection }),
        ...(description !== undefined && { description }),
        ...(input.awsJobTimeoutConfig && {
          timeoutConfig: input.awsJobTimeoutConfig,
        }),
        ...(input.awsJobExecutionsRolloutConfig && {
          jobExecutionsRolloutConfig: input.awsJobExecutionsRolloutConfig,
        }),
        ...(input.awsJobAbortConfig && {
          abortConfig: input.awsJobAbortConfig,
        }),
        document: JSON.stringify({
          afr_ota: {
            protocols,
            streamname: streamId,
            files: input.files.map((file, fileId) =>
              fileInDocument(file, fileId, this.#streams.sizeOf(files[fileId])),
            ),
          },
        }),
      });
      const record: OtaRecord = {
        ...input,
        otaUpdateId,
        protocols,
        streamId,
        jobId,
        createdAt: Date.now(),
      };
      this.#store.streams.putSync(["ota", otaUpdateId], record);
      return {
        otaUpdateId,
        awsIotJobId: jobId,
        otaUpdateArn: otaArn(otaUpdateId),
        awsIotJobArn: jobArn(jobId),
        otaUpdateStatus: "CREATE_COMPLETE",
      };
    });
  }

  /** GetOTAUpdate's `otaUpdateInfo`. @throws ServiceError ResourceNotFoundException */
  describe(otaUpdateId: string) {
    const record = this.#find(otaUpdateId);
    const { jobId, createdAt, files, additionalParameters } = record;
    return {
      otaUpdateId,
      otaUpdateArn: otaArn(otaUpdateId),
      creationDate: createdAt / 1000,
      lastModifiedDate: createdAt / 1000,
      ...(record.description !== undefined && {
        description: record.description,
      }),
      targets: record.targets,
      protocols: record.protocols ?? [],
      targetSelection: record.targetSelection ?? "SNAPSHOT",
      otaUpdateFiles: files,
      otaUpdateStatus: "CREATE_COMPLETE",
      awsIotJobId: jobId,
      awsIotJobArn: jobArn(jobId),
      ...(additionalParameters && { additionalParameters }),
      ...(record.awsJobExecutionsRolloutConfig && {
        awsJobExecutionsRolloutConfig: record.awsJobExecutionsRolloutConfig,
      }),
    };
  }

  /** Every update, as `describe` tells it. */
  list(): ReturnType<OtaUpdates["describe"]>[] {
    return [
      ...this.#store.streams.getKeys({
        start: ["ota"],
        end: ["ota", "\uffff"],
      }),
    ].map((key) => this.describe((key as string[])[1]));
  }

  /** DeleteOTAUpdate, with its stream and its job when asked to. @throws ServiceError */
  delete(
    otaUpdateId: string,
    options: { deleteStream?: boolean; forceDeleteAWSJob?: boolean } = {},
  ): void {
    this.#store.transaction(() => {
      const { streamId, jobId } = this.#find(otaUpdateId);
      this.#jobs.delete(jobId, options.forceDeleteAWSJob);
      if (options.deleteStream) this.#streams.delete(streamId);
      this.#store.streams.removeSync(["ota", otaUpdateId]);
    });
  }

  #find(otaUpdateId: string): OtaRecord {
    const record = this.#store.streams.get(["ota", otaUpdateId.slice(0, 128)]);
    if (!record)
      throw new ServiceError(
        "ResourceNotFoundException",
        `OTA update ${otaUpdateId} not found`,
      );
    return record as OtaRecord;
  }
}

function otaArn(otaUpdateId: string): string {
  return arn(`otaupdate/${otaUpdateId}`);
}

/** A file as a job document tells it: with `sig-<hash>-<algorithm>`, as FreeRTOS's parser wants it. */
function fileInDocument(file: OtaFile, fileid: number, filesize: number) {
  const signing = file.codeSigning?.customCodeSigning;
  const hash = (signing?.hashAlgorithm ?? "SHA256").toLowerCase();
  const algorithm = (signing?.signatureAlgorithm ?? "ECDSA").toLowerCase();
  return {
    filepath: file.fileName ?? "",
    filesize,
    fileid,
    certfile: signing?.certificateChain?.certificateName ?? "",
    ...(file.fileType !== undefined && { fileType: file.fileType }),
    [`sig-${hash}-${algorithm}`]: signing?.signature?.inlineDocument ?? "",
  };
}
