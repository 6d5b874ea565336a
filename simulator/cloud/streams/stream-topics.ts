import type { EventLog } from "../event-log.js";
import { limits } from "../limits.js";
import type {
  ReservedService,
  ServiceRequest,
} from "../mqtt/reserved-topics.js";
import { ServiceError } from "../service-error.js";
import {
  PayloadError,
  readMap,
  writePayload,
  type PayloadFormat,
  type PayloadMap,
} from "../services/payload.js";
import type { ServicePublisher } from "../services/service-publisher.js";
import { blocksToSend, readBlockRequest } from "./blocks.js";
import { StreamError } from "./stream-error.js";
import type { StreamFile, Streams } from "./streams.js";

/** Streams over MQTT, in JSON and CBOR: one message for each block. */
export class StreamTopics implements ReservedService {
  readonly name = "streams";
  readonly visible = false;
  readonly filters = (["json", "cbor"] as const).flatMap((format) => [
    `$aws/things/+/streams/+/describe/${format}`,
    `$aws/things/+/streams/+/get/${format}`,
  ]);
  readonly #streams: Streams;
  readonly #publisher: ServicePublisher;
  readonly #log: EventLog;

  constructor(streams: Streams, publisher: ServicePublisher, log: EventLog) {
    this.#streams = streams;
    this.#publisher = publisher;
    this.#log = log;
  }

  handle({ levels, payload, requester }: ServiceRequest): void {
    const [, , , , streamId, operation, format] = levels;
    const base = levels.slice(0, 5).join("/");
    const wire = format as PayloadFormat;
    let request: PayloadMap = {};
    let outcome: string;
    try {
      request = read(wire, payload);
      outcome =
        operation === "describe"
          ? this.#describe(base, streamId, request, wire)
          : this.#get(base, streamId, request, wire);
    } catch (error) {
      const { code, message } = refusalOf(error);
      outcome = `${code}: ${message}`;
      const { c } = request;
      this.#publisher.publish(
        `${base}/rejected/${format}`,
        {
          o: code,
          m: message,
          ...(typeof c === "string" &&
            Buffer.byteLength(c) <= limits.clientToken && { c }),
        },
        wire,
      );
    }
    this.#log.add({
      type: "service",
      service: this.name,
      client: requester.clientId,
      operation,
      subject: streamId,
      outcome,
    });
  }

  #describe(
    base: string,
    streamId: string,
    { c }: PayloadMap,
    format: PayloadFormat,
  ): string {
    const stream = this.#streams.describe(streamId);
    this.#publisher.publish(
      `${base}/description/${format}`,
      {
        c,
        s: stream.streamVersion,
        d: stream.description ?? "",
        r: stream.files.map((file) => ({
          f: file.fileId,
          z: this.#streams.sizeOf(file),
        })),
      },
      format,
    );
    return `version ${stream.streamVersion}`;
  }

  #get(
    base: string,
    streamId: string,
    request: PayloadMap,
    format: PayloadFormat,
  ): string {
    const stream = this.#streams.describe(streamId);
    const asked = readBlockRequest(request, format);
    const { streamVersion, fileId, blockSize } = asked;
    if (streamVersion !== undefined && streamVersion !== stream.streamVersion)
      throw new StreamError(
        "VersionMismatch",
        `The stream has version ${stream.streamVersion}, not ${streamVersion}`,
      );
    const file = stream.files.find((item) => item.fileId === fileId);
    if (!file)
      throw new StreamError(
        "ResourceNotFound",
        `The stream has no file ${fileId}`,
      );
    const blocks = blocksToSend(asked, this.#streams.sizeOf(file));
    for (const block of blocks)
      this.#send(base, file, block, blockSize, request.c, format);
    return `${blocks.length} blocks of ${blockSize} bytes from ${blocks[0] ?? 0} on`;
  }

  #send(
    base: string,
    file: StreamFile,
    block: number,
    blockSize: number,
    c: PayloadMap["c"],
    format: PayloadFormat,
  ): void {
    const bytes = this.#streams.read(file, block, blockSize);
    const data = {
      c,
      f: file.fileId,
      l: bytes.length,
      i: block,
      p: format === "json" ? bytes.toString("base64") : bytes,
    };
    if (writePayload(format, data).length > limits.payload)
      throw new StreamError(
        "BlockSizeOutOfBounds",
        `A block of ${blockSize} bytes makes a message of more than ${limits.payload} bytes`,
      );
    this.#publisher.publish(`${base}/data/${format}`, data, format);
  }
}

function read(format: PayloadFormat, payload: Buffer): PayloadMap {
  let request: PayloadMap;
  try {
    request = readMap(format, payload);
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    throw new StreamError(
      format === "json" ? "InvalidJson" : "InvalidCbor",
      error.message,
    );
  }
  const { c } = request;
  if (
    c !== undefined &&
    (typeof c !== "string" || Buffer.byteLength(c) > limits.clientToken)
  )
    throw new StreamError(
      "InvalidRequest",
      `c is text of at most ${limits.clientToken} bytes`,
    );
  return request;
}

function refusalOf(error: unknown): { code: string; message: string } {
  if (error instanceof StreamError) return error;
  if (error instanceof ServiceError)
    return { code: "ResourceNotFound", message: error.message };
  throw error;
}
