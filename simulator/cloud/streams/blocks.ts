import type { PayloadFormat, PayloadMap } from "../services/payload.js";
import { StreamError, type StreamErrorCode } from "./stream-error.js";

/** What a `get` asks for. */
export interface BlockRequest {
  readonly streamVersion?: number;
  readonly fileId: number;
  /** Bytes of a block. */
  readonly blockSize: number;
  /** Number of the first block. */
  readonly offset: number;
  /** Most blocks to send. */
  readonly count: number;
  /** Which blocks from `offset` on: bit 0 of byte 0 is the first. */
  readonly bitmap?: Uint8Array;
}

/** Bytes that one request is answered with at most. */
export const bytesPerRequest = 128 * 1024;
const blockSizes = [256, bytesPerRequest] as const;
/** Largest offset and count, in blocks: 24 MB of the smallest blocks. */
const blockLimit = 98_304;
const bitmapLimit = 12_288;

/** Reads a `get` request. @throws StreamError with AWS's code for the field that is wrong */
export function readBlockRequest(
  request: PayloadMap,
  format: PayloadFormat,
): BlockRequest {
  const fileId = integer(request, "f", [0, 255], "InvalidRequest");
  const blockSize = integer(request, "l", blockSizes, "BlockSizeOutOfBounds");
  if (fileId === undefined || blockSize === undefined)
    throw new StreamError("InvalidRequest", "f and l are needed");
  const streamVersion = integer(request, "s", [0, 65_535], "InvalidRequest");
  const bitmap = bitmapOf(request, format);
  const most = Math.floor(bytesPerRequest / blockSize);
  const asked = integer(
    request,
    "n",
    [0, blockLimit],
    "BlockCountLimitExceeded",
  );
  return {
    ...(streamVersion !== undefined && { streamVersion }),
    fileId,
    blockSize,
    offset: integer(request, "o", [0, blockLimit], "OffsetOutOfBounds") ?? 0,
    // What goes beyond 128 KB is for further requests; no count asks for as much as there may be.
    count: Math.min(asked === undefined || asked === 0 ? most : asked, most),
    ...(bitmap && { bitmap }),
  };
}

/**
 * Numbers of the blocks to send for a file of `size` bytes. A bitmap none of whose bits is a block of the file counts for
 * nothing: FreeRTOS's client sends a dummy with each request and relies on `n`.
 * @throws StreamError when the offset is behind the end
 */
export function blocksToSend(request: BlockRequest, size: number): number[] {
  const { blockSize, offset, count, bitmap } = request;
  const total = Math.ceil(size / blockSize);
  if (offset >= total)
    throw new StreamError(
      "OffsetOutOfBounds",
      `Offset ${offset} is behind the last of ${total} blocks`,
    );
  const bits = bitmap ? setBits(bitmap) : [];
  const wanted = bits.map((bit) => offset + bit).filter((n) => n < total);
  const blocks =
    wanted.length > 0
      ? wanted
      : Array.from({ length: total - offset }, (_, index) => offset + index);
  return blocks.slice(0, count);
}

function setBits(bitmap: Uint8Array): number[] {
  const bits: number[] = [];
  for (const [index, byte] of bitmap.entries())
    for (let bit = 0; bit < 8; bit++)
      if (byte & (1 << bit)) bits.push(index * 8 + bit);
  return bits;
}

function bitmapOf(
  { b }: PayloadMap,
  format: PayloadFormat,
): Uint8Array | undefined {
  if (b === undefined || b === null) return undefined;
  let bytes: Uint8Array | undefined;
  if (b instanceof Uint8Array) bytes = b;
  else if (typeof b === "string" && format === "json") {
    const hex = b.replace(/^0x/i, "");
    if (/^([0-9a-f]{2})*$/i.test(hex)) bytes = Buffer.from(hex, "hex");
  }
  if (!bytes)
    throw new StreamError(
      "InvalidRequest",
      format === "json"
        ? 'b is hexadecimal text such as "0x130080"'
        : "b is a byte string",
    );
  if (bytes.length > bitmapLimit)
    throw new StreamError(
      "BlockBitmapLimitExceeded",
      `The bitmap has ${bytes.length} bytes, ${bitmapLimit} are allowed`,
    );
  return bytes;
}

function integer(
  request: PayloadMap,
  name: string,
  [least, most]: readonly [number, number],
  code: StreamErrorCode,
): number | undefined {
  const value = request[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number" || !Number.isInteger(value))
    throw new StreamError("InvalidRequest", `${name} must be a whole number`);
  if (value < least || value > most)
    throw new StreamError(
      code,
      `${name} is ${value}, ${least} to ${most} are allowed`,
    );
  return value;
}
