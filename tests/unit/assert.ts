/** Fails unless the value is truthy. */
export function ok(value: unknown, message = "expected a true value"): void {
  if (!value) throw new Error(message);
}

/** Fails unless both are the same value (`Object.is`). */
export function equal<T>(actual: T, expected: T, message = ""): void {
  if (!Object.is(actual, expected))
    throw new Error(
      `${message && `${message}: `}got ${show(actual)}, expected ${show(expected)}`,
    );
}

/** Fails unless both have the same structure and values. Buffers and typed arrays are compared byte by byte. */
export function deepEqual<T>(actual: T, expected: T, message = ""): void {
  const at = difference(actual, expected, "");
  if (at !== undefined)
    throw new Error(
      `${message && `${message}: `}got ${show(actual)}, expected ${show(expected)}${at && `, different at ${at}`}`,
    );
}

/**
 * Fails unless the function throws, and what it throws is as expected: a class it is an instance of, or a pattern of its
 * text. Returns what was thrown.
 */
export function throws(
  body: () => unknown,
  expected?: RegExp | (new (...args: never[]) => Error),
): unknown {
  let thrown: unknown;
  try {
    body();
  } catch (error) {
    thrown = error;
    check(error, expected);
    return thrown;
  }
  throw new Error(
    `expected ${expected ? show(expected) : "an error"}, nothing thrown`,
  );
}

/** Like `throws`, for what a promise is rejected with. */
export async function rejects(
  promise: Promise<unknown>,
  expected?: RegExp | (new (...args: never[]) => Error),
): Promise<unknown> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    check(error, expected);
    return error;
  }
  throw new Error(
    `expected ${expected ? show(expected) : "an error"}, resolved to ${show(value)}`,
  );
}

function check(
  error: unknown,
  expected: RegExp | (new (...args: never[]) => Error) | undefined,
): void {
  if (expected instanceof RegExp) {
    if (!expected.test(String(error)))
      throw new Error(`expected ${String(expected)}, thrown: ${String(error)}`);
  } else if (expected && !(error instanceof expected)) {
    throw new Error(`expected ${expected.name}, thrown: ${String(error)}`);
  }
}

/** Where the two differ, as a path from the root ("" for the root itself), or undefined. */
function difference(
  actual: unknown,
  expected: unknown,
  path: string,
): string | undefined {
  if (Object.is(actual, expected)) return undefined;
  const bytes = asBytes(actual);
  const expectedBytes = asBytes(expected);
  if (bytes || expectedBytes)
    return bytes && expectedBytes
      ? differentByte(bytes, expectedBytes, path)
      : path;
  if (!isObject(actual) || !isObject(expected)) return path;
  if (Array.isArray(actual) !== Array.isArray(expected)) return path;
  for (const key of new Set([
    ...Object.keys(actual),
    ...Object.keys(expected),
  ])) {
    const inside = path ? `${path}.${key}` : key;
    if (key in actual !== key in expected) return inside;
    const at = difference(actual[key], expected[key], inside);
    if (at !== undefined) return at;
  }
  return undefined;
}

function differentByte(
  actual: Uint8Array,
  expected: Uint8Array,
  path: string,
): string | undefined {
  const length = Math.max(actual.length, expected.length);
  for (let index = 0; index < length; index++)
    if (actual[index] !== expected[index]) return `${path}[${index}]`;
  return undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

function asBytes(value: unknown): Uint8Array | undefined {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value))
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return undefined;
}

function show(value: unknown): string {
  const bytes = asBytes(value);
  if (bytes) {
    const shown = Array.from(bytes.subarray(0, 64), (byte) =>
      byte.toString(16).padStart(2, "0"),
    );
    return `<${shown.join(" ")}${bytes.length > 64 ? ` … ${bytes.length} bytes` : ""}>`;
  }
  if (typeof value === "function") return value.name;
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof RegExp || value instanceof Error) return String(value);
  if (!isObject(value))
    return typeof value === "string" ? JSON.stringify(value) : String(value);
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "bigint" ? `${inner}n` : inner,
  );
}
