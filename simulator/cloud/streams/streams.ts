import { arn } from "../names.js";
import { ServiceError } from "../service-error.js";
import { invalid, requireInteger, requireText } from "../services/input.js";
import type { Store } from "../store.js";
import type { Buckets, S3Location } from "./buckets.js";

/** A file of a stream, as AWS's API takes it. */
export interface StreamFile {
  readonly fileId: number;
  readonly s3Location: S3Location;
}

/** What `CreateStream` takes. */
export interface CreateStreamInput {
  readonly streamId: string;
  readonly description?: string;
  readonly files: readonly StreamFile[];
  readonly roleArn: string;
}

/** A stream as it is kept. Times are milliseconds since 1970. */
interface StreamRecord extends CreateStreamInput {
  /** 1, and one more with each update. */
  readonly streamVersion: number;
  readonly createdAt: number;
  readonly lastUpdatedAt: number;
}

const idPattern = /^[a-zA-Z0-9_-]{1,128}$/;
const filesPerStream = 10;
/** Largest file, bytes. */
const fileLimit = 24 * 1024 * 1024;

/**
 * File streams (AWS, "MQTT-based file delivery"): the control plane's operations, in AWS's input and output keys. Times that
 * come out are seconds since 1970.
 */
export class Streams {
  readonly #store: Store;
  readonly #buckets: Buckets;

  constructor(store: Store, buckets: Buckets) {
    this.#store = store;
    this.#buckets = buckets;
  }

  /** @throws ServiceError InvalidRequestException, ResourceAlreadyExistsException, ResourceNotFoundException for a file */
  create(input: CreateStreamInput) {
    const streamId = requireText(input.streamId, "streamId", idPattern);
    const { description, roleArn } = input;
    const files = this.#checkFiles(input.files);
    requireText(roleArn, "roleArn", /^.{20,2048}$/);
    return this.#store.transaction(() => {
      if (this.#store.streams.get(streamId))
        throw new ServiceError(
          "ResourceAlreadyExistsException",
          `Stream ${streamId} already exists`,
        );
      const now = Date.now();
      return this.#put({
        streamId,
        ...(description !== undefined && { description }),
        files,
        roleArn,
        streamVersion: 1,
        createdAt: now,
        lastUpdatedAt: now,
      });
    });
  }

  /** DescribeStream's `streamInfo`. @throws ServiceError ResourceNotFoundException */
  describe(streamId: string) {
    const record = this.#find(streamId);
    return {
      ...record,
      streamArn: streamArn(streamId),
      createdAt: record.createdAt / 1000,
      lastUpdatedAt: record.lastUpdatedAt / 1000,
    };
  }

  /** Every stream, as `describe` tells it. */
  list(): ReturnType<Streams["describe"]>[] {
    return [...this.#store.streams.getKeys()]
      .filter((key) => typeof key === "string")
      .map((key) => this.describe(key));
  }

  /** UpdateStream: one more version. @throws ServiceError */
  update(
    streamId: string,
    input: Partial<Omit<CreateStreamInput, "streamId">>,
  ) {
    const { description, roleArn } = input;
    const files = input.files && this.#checkFiles(input.files);
    return this.#store.transaction(() => {
      const record = this.#find(streamId);
      return this.#put({
        ...record,
        ...(description !== undefined && { description }),
        ...(files && { files }),
        ...(roleArn !== undefined && { roleArn }),
        streamVersion: record.streamVersion + 1,
        lastUpdatedAt: Date.now(),
      });
    });
  }

  /** @throws ServiceError ResourceNotFoundException */
  delete(streamId: string): void {
    this.#store.transaction(() => {
      this.#find(streamId);
      this.#store.streams.removeSync(streamId);
    });
  }

  /** Size of a file of a stream in bytes; undefined when there is no such file. */
  sizeOf(file: StreamFile): number {
    return this.#buckets.sizeOf(file.s3Location);
  }

  /** One block of a file. */
  read(file: StreamFile, block: number, blockSize: number): Buffer {
    return this.#buckets.read(file.s3Location, block * blockSize, blockSize);
  }

  #find(streamId: string): StreamRecord {
    const record = idPattern.test(streamId)
      ? this.#store.streams.get(streamId)
      : undefined;
    if (!record)
      throw new ServiceError(
        "ResourceNotFoundException",
        `Stream ${streamId.slice(0, 128)} not found`,
      );
    return record as StreamRecord;
  }

  #put(record: StreamRecord) {
    this.#store.streams.putSync(record.streamId, record);
    const { streamId, description, streamVersion } = record;
    return {
      streamId,
      streamArn: streamArn(streamId),
      ...(description !== undefined && { description }),
      streamVersion,
    };
  }

  #checkFiles(files: readonly StreamFile[]): StreamFile[] {
    if (files.length === 0 || files.length > filesPerStream)
      invalid(`A stream has 1 to ${filesPerStream} files.`);
    if (new Set(files.map(({ fileId }) => fileId)).size < files.length)
      invalid("Two files of the stream have the same fileId.");
    return files.map(({ fileId, s3Location }) => {
      requireInteger(fileId, "fileId", [0, 255]);
      const size = this.#buckets.sizeOf(s3Location);
      if (size === 0 || size > fileLimit)
        invalid(
          `${s3Location.key} has ${size} bytes; a file of a stream has 1 to ${fileLimit}.`,
        );
      const { bucket, key, version } = s3Location;
      return {
        fileId,
        s3Location: { bucket, key, ...(version !== undefined && { version }) },
      };
    });
  }
}

/** ARN of a stream. */
export function streamArn(streamId: string): string {
  return arn(`stream/${streamId}`);
}
