import { FlashFile } from "./flash-file.js";
import {
  decodeEntries,
  encodeEntries,
  formats,
  type Entry,
  type Format,
} from "./key-value-entries.js";

/** What bytes can be given in: a buffer, or a view of a part of one. */
type ByteBuffer = ArrayBufferLike | ArrayBufferView;

export type StorageFormat = Format;

/** Options of `open`. */
export interface StorageOpenOptions {
  /** The namespace: 1 to 15 characters, as in an ESP32's NVS. */
  path: string;
  /** "r" to read only. "r+" by default. */
  mode?: "r" | "r+";
  /** How values are read and written at first. "buffer" by default. */
  format?: StorageFormat;
}

/** NVS: NVS_KEY_NAME_MAX_SIZE and NVS_NS_NAME_MAX_SIZE are 16 with the final NUL; a string has at most 4000 bytes with it. */
const nameLimit = 15;
const stringLimit = 3999;
const valueLimit = 0xffff;

/** A namespace of key-value pairs. Got from `open`, not made by `new`. */
export class Storage {
  readonly #file: FlashFile;
  readonly #readOnly: boolean;
  #format: StorageFormat;
  #open = true;

  /** For `open`. */
  constructor(file: FlashFile, readOnly: boolean, format: StorageFormat) {
    this.#file = file;
    this.#readOnly = readOnly;
    this.#format = format;
  }

  /** Nothing can be read or written any more. Closing again does nothing. */
  close(): void {
    this.#open = false;
  }

  /** Removes a key; one that is not there is no error. */
  delete(key: string): void {
    const entries = this.#entries(key, true);
    if (entries.delete(key)) this.#file.write(encodeEntries(entries));
  }

  /**
   * The value, or undefined when the key is not there. With a buffer the bytes are put into it and their number returned.
   * Throws a TypeError when the value was written in another format, a RangeError when the buffer is too small.
   */
  read(key: string): ArrayBuffer | string | number | bigint | undefined;
  read(key: string, buffer: ByteBuffer): number | undefined;
  read(
    key: string,
    buffer?: ByteBuffer,
  ): ArrayBuffer | string | number | bigint | undefined {
    const entry = this.#entries(key).get(key);
    if (entry === undefined) return undefined;
    if (entry.format !== this.#format)
      throw new TypeError(
        `Storage: ${key} was written as ${entry.format}, not as ${this.#format}`,
      );
    if (buffer === undefined || entry.format !== "buffer")
      return decodeValue(entry);
    const into = bytesOf(buffer);
    if (into.length < entry.bytes.length)
      throw new RangeError(
        `Storage: ${key} has ${entry.bytes.length} bytes, and the buffer is smaller`,
      );
    into.set(entry.bytes);
    return entry.bytes.length;
  }

  /** Stores a value in the current format; on return it is in flash. Throws a TypeError when it does not fit the format. */
  write(key: string, value: ByteBuffer | string | number | bigint): void {
    const entries = this.#entries(key, true);
    entries.set(key, encodeValue(key, this.#format, value));
    this.#file.write(encodeEntries(entries));
  }

  /** The keys. */
  [Symbol.iterator](): IterableIterator<string> {
    return this.#entries("any").keys();
  }

  /** How values are read and written. */
  get format(): StorageFormat {
    return this.#format;
  }

  set format(format: StorageFormat) {
    this.#format = checkFormat(format);
  }

  /** Read anew each time, as another instance may have written. Throws when the file is damaged: it is left as it is. */
  #entries(key: string, forWriting = false): Map<string, Entry> {
    if (!this.#open) throw new Error("Storage: closed");
    if (forWriting && this.#readOnly) throw new Error("Storage: read-only");
    checkName("key", key);
    const content = this.#file.read();
    if (content === undefined) return new Map();
    const entries = decodeEntries(content);
    if (entries === undefined)
      throw new Error(
        `Storage: the flash file ${this.#file.path} is damaged; remove it to start with nothing stored`,
      );
    return entries;
  }
}

/** The SDK's `embedded:storage/key-value`: on an ESP32 it is NVS, here a file for each namespace in the flash folder. */
const KeyValueStorage = {
  /** Opens a namespace. It need not exist. */
  open({ path, mode = "r+", format = "buffer" }: StorageOpenOptions): Storage {
    const name = path.endsWith("/") ? path.slice(0, -1) : path;
    checkName("namespace", name);
    if (!/^[\w.-]+$/.test(name) || name.startsWith("."))
      throw new RangeError(
        `Storage: the namespace "${name}" may have letters, digits and _ - .`,
      );
    if ((mode as string) !== "r" && (mode as string) !== "r+")
      throw new RangeError(`Storage: the mode is r or r+`);
    return new Storage(
      new FlashFile(`${name}.kv`),
      mode === "r",
      checkFormat(format),
    );
  },
};

export default KeyValueStorage;

function checkName(what: string, name: string): void {
  if (name.length < 1 || ArrayBuffer.fromString(name).byteLength > nameLimit)
    throw new RangeError(
      `Storage: the ${what} "${name}" must have 1 to ${nameLimit} characters`,
    );
}

function checkFormat(format: StorageFormat): StorageFormat {
  if (!formats.includes(format))
    throw new RangeError(`Storage: there is no format ${format}`);
  return format;
}

function bytesOf(buffer: ByteBuffer): Uint8Array {
  return ArrayBuffer.isView(buffer)
    ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new Uint8Array(buffer);
}

/** "uint16" → { signed: false, size: 2 } */
function parseNumberFormat(format: Format): { signed: boolean; size: number } {
  return {
    signed: !format.startsWith("u"),
    size: Number(/\d+$/.exec(format)![0]) / 8,
  };
}

function encodeValue(
  key: string,
  format: Format,
  value: ByteBuffer | string | number | bigint,
): Entry {
  let bytes: Uint8Array;
  if (format === "buffer") {
    if (typeof value !== "object") throw mismatch(key, format);
    bytes = bytesOf(value).slice();
  } else if (format === "string") {
    if (typeof value === "object") throw mismatch(key, format);
    bytes = new Uint8Array(ArrayBuffer.fromString(String(value)));
  } else {
    bytes = encodeNumber(key, format, value);
  }
  if (bytes.length > (format === "string" ? stringLimit : valueLimit))
    throw new RangeError(`Storage: the value of ${key} is too long`);
  return { format, bytes };
}

function encodeNumber(
  key: string,
  format: Format,
  value: ByteBuffer | string | number | bigint,
): Uint8Array {
  if (typeof value !== "number" && typeof value !== "bigint")
    throw mismatch(key, format);
  const { signed, size } = parseNumberFormat(format);
  if (typeof value === "number" && !Number.isInteger(value))
    throw mismatch(key, format);
  const number = BigInt(value);
  const wrapped = signed
    ? BigInt.asIntN(size * 8, number)
    : BigInt.asUintN(size * 8, number);
  if (wrapped !== number) throw mismatch(key, format);
  const view = new DataView(new ArrayBuffer(8));
  view.setBigInt64(0, BigInt.asIntN(64, number), true);
  return new Uint8Array(view.buffer, 0, size).slice();
}

const mismatch = (key: string, format: Format) =>
  new TypeError(`Storage: the value of ${key} is no ${format}`);

function decodeValue({
  format,
  bytes,
}: Entry): ArrayBuffer | string | number | bigint {
  const content = bytes.slice().buffer;
  if (format === "buffer") return content;
  if (format === "string") return String.fromArrayBuffer(content);
  const { signed, size } = parseNumberFormat(format);
  const padded = new Uint8Array(8);
  padded.set(bytes);
  const number = new DataView(padded.buffer).getBigUint64(0, true);
  const value = signed ? BigInt.asIntN(size * 8, number) : number;
  return size === 8 ? value : Number(value);
}
