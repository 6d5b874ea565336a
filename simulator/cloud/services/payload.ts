import { decode, encode } from "cborg";

/** How a payload is written: the last level of a topic where AWS has both. */
export type PayloadFormat = "json" | "cbor";

/** Any value that both formats can carry; CBOR also has byte strings. */
export type PayloadValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly PayloadValue[]
  | PayloadMap;

/** Values by name. */
export interface PayloadMap {
  readonly [key: string]: PayloadValue | undefined;
}

/** A payload that cannot be read. */
export class PayloadError extends Error {
  override readonly name = "PayloadError";
  /** "encoding" when JSON is not UTF-8, "syntax" otherwise. */
  readonly problem: "encoding" | "syntax";

  constructor(problem: "encoding" | "syntax", message: string) {
    super(message);
    this.problem = problem;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });
/** Containers inside each other that a payload may have: no service takes nearly as many, and recursion is safe with them. */
const nestingLimit = 100;

/** Reads a payload. @throws PayloadError */
export function readPayload(
  format: PayloadFormat,
  payload: Uint8Array,
): PayloadValue {
  const value = format === "cbor" ? readCbor(payload) : readJson(payload);
  if (isTooDeep(value))
    throw new PayloadError("syntax", `More than ${nestingLimit} levels`);
  return value;
}

function readCbor(payload: Uint8Array): PayloadValue {
  try {
    return decode(payload, {
      allowBigInt: false,
      allowNaN: false,
      allowInfinity: false,
      coerceUndefinedToNull: true,
    }) as PayloadValue;
  } catch (error) {
    throw new PayloadError("syntax", `No CBOR: ${messageOf(error)}`);
  }
}

function readJson(payload: Uint8Array): PayloadValue {
  let text: string;
  try {
    text = utf8.decode(payload);
  } catch {
    throw new PayloadError("encoding", "The payload is not UTF-8");
  }
  try {
    return JSON.parse(text) as PayloadValue;
  } catch (error) {
    throw new PayloadError("syntax", `No JSON: ${messageOf(error)}`);
  }
}

function isTooDeep(value: PayloadValue): boolean {
  let level: PayloadValue[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > nestingLimit) return true;
    level = level.flatMap((item) =>
      typeof item === "object" && item !== null && !(item instanceof Uint8Array)
        ? (Object.values(item) as PayloadValue[])
        : [],
    );
  }
  return false;
}

/** Reads a payload that must be a map; an empty one is an empty map. @throws PayloadError */
export function readMap(
  format: PayloadFormat,
  payload: Uint8Array,
): PayloadMap {
  if (payload.length === 0) return {};
  const value = readPayload(format, payload);
  if (!isMap(value)) throw new PayloadError("syntax", "The payload is no map");
  return value;
}

/** Writes a payload; keys without a value are left out. */
export function writePayload(format: PayloadFormat, value: PayloadMap): Buffer {
  return format === "json"
    ? Buffer.from(JSON.stringify(value))
    : Buffer.from(encode(value, { ignoreUndefinedProperties: true }));
}

/** Whether a value is a map: neither a list nor bytes. */
export function isMap(value: PayloadValue | undefined): value is PayloadMap {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array)
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
