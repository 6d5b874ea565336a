import {
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
} from "node:fs";
import { join } from "node:path";
import { ServiceError } from "../service-error.js";
import { invalid } from "../services/input.js";

/** Where an object is, as AWS's APIs take it. */
export interface S3Location {
  readonly bucket: string;
  readonly key: string;
  readonly version?: string;
}

const bucketPattern = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/**
 * What stands in for S3: a folder, in it one folder for each bucket, in that the objects under their keys. Whoever runs the
 * cloud puts files there; jobs and streams read them.
 */
export class Buckets {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** File of an object, whether it is there or not. @throws ServiceError when bucket or key are none */
  fileOf({ bucket, key }: S3Location): string {
    if (!bucketPattern.test(bucket)) invalid(`"${bucket}" is no bucket.`);
    const parts = key.split("/");
    if (parts.some((part) => ["", ".", ".."].includes(part)) || /\0/.test(key))
      invalid(`"${key}" is no key of an object here.`);
    return join(this.#directory, bucket, ...parts);
  }

  /** Size of an object in bytes. @throws ServiceError ResourceNotFoundException */
  sizeOf(location: S3Location): number {
    return this.#open(location, (file) => fstatSync(file).size);
  }

  /** Bytes of an object from `offset` on, at most `length`. @throws ServiceError ResourceNotFoundException */
  read(location: S3Location, offset: number, length: number): Buffer {
    return this.#open(location, (file) => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
    });
  }

  /** An object by its address, `https://s3….amazonaws.com/bucket/key` or `https://bucket.s3….amazonaws.com/key`. */
  readAddress(address: string): Buffer {
    return this.#open(locationOf(address), (file) => readFileSync(file));
  }

  #open<T>(location: S3Location, work: (file: number) => T): T {
    const name = this.fileOf(location);
    let file: number | undefined;
    try {
      file = openSync(name, "r");
      return work(file);
    } catch {
      throw new ServiceError(
        "ResourceNotFoundException",
        `No object ${location.bucket}/${location.key}: this local cloud takes the file ${name} for it`,
      );
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }
}

/** Bucket and key in the address of an S3 object. @throws ServiceError InvalidRequestException */
export function locationOf(address: string): S3Location {
  const path = /^(?:https?|s3):\/\/s3[^/]*\/([^/]+)\/(.+)$/.exec(address);
  const host = /^https?:\/\/([^/]+?)\.s3[^/]*\/(.+)$/.exec(address);
  const uri = /^s3:\/\/([^/]+)\/(.+)$/.exec(address);
  const [, bucket, key] = path ?? host ?? uri ?? [];
  if (!bucket || !key) invalid(`${address} is no address of an S3 object.`);
  try {
    return { bucket, key: decodeURIComponent(key) };
  } catch {
    return invalid(`${address} is no address of an S3 object.`);
  }
}
