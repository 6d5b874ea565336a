import { CRC32 } from "modules/telemetry/crc32";

/** What a key's value was written as. The order is the number in the file. */
export const formats = [
  "buffer",
  "string",
  "uint8",
  "int8",
  "uint16",
  "int16",
  "uint32",
  "int32",
  "uint64",
  "int64",
] as const;

export type Format = (typeof formats)[number];

/** A stored value: its bytes, and the format they were written in. Numbers are little-endian. */
export interface Entry {
  format: Format;
  bytes: Uint8Array;
}

const magic = 0x564b4e46; // "FNKV"
const headerLength = 12;

/**
 * The file of a namespace: the magic `FNKV`, the length and the CRC-32 of the rest as 32-bit little-endian numbers, and an
 * entry after the other: length of the key, format, length of the value (16 bits), key, value.
 */
export function encodeEntries(
  entries: ReadonlyMap<string, Entry>,
): Uint8Array<ArrayBuffer> {
  let length = headerLength;
  for (const [key, { bytes }] of entries)
    length += 4 + ArrayBuffer.fromString(key).byteLength + bytes.length;
  const file = new Uint8Array(length);
  const view = new DataView(file.buffer);
  let at = headerLength;
  for (const [key, { format, bytes }] of entries) {
    const name = new Uint8Array(ArrayBuffer.fromString(key));
    view.setUint8(at, name.length);
    view.setUint8(at + 1, formats.indexOf(format));
    view.setUint16(at + 2, bytes.length, true);
    file.set(name, at + 4);
    file.set(bytes, at + 4 + name.length);
    at += 4 + name.length + bytes.length;
  }
  view.setUint32(0, magic, true);
  view.setUint32(4, length - headerLength, true);
  view.setInt32(8, checkOf(file), true);
  return file;
}

const checkOf = (file: Uint8Array): number =>
  CRC32.of(file.subarray(headerLength), file.length - headerLength);

/** The entries of a file, or undefined when it is damaged. */
export function decodeEntries(
  content: ArrayBuffer,
): Map<string, Entry> | undefined {
  const file = new Uint8Array(content);
  const view = new DataView(content);
  if (
    file.length < headerLength ||
    view.getUint32(0, true) !== magic ||
    view.getUint32(4, true) !== file.length - headerLength ||
    view.getInt32(8, true) !== checkOf(file)
  )
    return undefined;
  const entries = new Map<string, Entry>();
  for (let at = headerLength; at < file.length;) {
    const value = at + 4 + view.getUint8(at);
    const end = value + view.getUint16(at + 2, true);
    const format = view.getUint8(at + 1);
    if (format >= formats.length || end > file.length) return undefined;
    const key = String.fromArrayBuffer(content.slice(at + 4, value));
    entries.set(key, {
      format: formats[format],
      bytes: file.slice(value, end),
    });
    at = end;
  }
  return entries;
}
