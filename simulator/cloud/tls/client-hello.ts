/** What a ClientHello says that matters before the handshake begins. */
export interface ClientHello {
  /** Numbers of the suites that are offered, in the client's order (RFC 8446 section 4.1.2). */
  readonly cipherSuites: readonly number[];
  readonly serverName?: string;
  readonly alpn?: readonly string[];
  /** Length that the client asks records to be limited to (RFC 6066), if it does. */
  readonly maxFragmentLength?: number;
  /** True with a record_size_limit extension (RFC 8449). */
  readonly recordSizeLimit: boolean;
}

/** Bytes that a ClientHello may have, its record headers included. */
export const clientHelloLimit = 20_000;

const extension = {
  serverName: 0,
  maxFragmentLength: 1,
  alpn: 16,
  recordSizeLimit: 28,
} as const;

/**
 * Reads a ClientHello from the first bytes of a connection.
 * @returns "more" while it is incomplete, "none" when the bytes are no ClientHello
 */
export function readClientHello(bytes: Buffer): ClientHello | "more" | "none" {
  const message = joinRecords(bytes);
  if (typeof message === "string") return message;
  try {
    return parseClientHello(new Reader(message));
  } catch (error) {
    if (error instanceof RangeError) return "none";
    throw error;
  }
}

/** The handshake message that the first records carry (RFC 8446 section 5.1: type 22, version, length). */
function joinRecords(bytes: Buffer): Buffer | "more" | "none" {
  const parts: Buffer[] = [];
  let have = 0;
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] !== 22 || (at + 1 < bytes.length && bytes[at + 1] !== 3))
      return "none";
    if (bytes.length < at + 5) return "more";
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0) return "none";
    const part = bytes.subarray(at + 5, at + 5 + length);
    parts.push(part);
    have += part.length;
    at += 5 + length;
    const message = parts.length === 1 ? part : Buffer.concat(parts, have);
    if (message.length >= 1 && message[0] !== 1) return "none";
    if (message.length >= 4) {
      const size = message.readUIntBE(1, 3);
      if (size > clientHelloLimit) return "none";
      if (message.length >= 4 + size) return message.subarray(4, 4 + size);
    }
  }
  return "more";
}

function parseClientHello(reader: Reader): ClientHello {
  reader.skip(2 + 32);
  reader.skip(reader.byte());
  const suites = new Reader(reader.take(reader.short()));
  const cipherSuites: number[] = [];
  while (suites.rest > 0) cipherSuites.push(suites.short());
  reader.skip(reader.byte());
  const found: {
    serverName?: string;
    alpn?: string[];
    maxFragmentLength?: number;
  } = {};
  let recordSizeLimit = false;
  const extensions = new Reader(
    reader.rest > 0 ? reader.take(reader.short()) : Buffer.alloc(0),
  );
  while (extensions.rest > 0) {
    const type = extensions.short();
    const body = new Reader(extensions.take(extensions.short()));
    if (type === extension.serverName) {
      body.skip(2);
      if (body.byte() === 0)
        found.serverName = body.take(body.short()).toString("latin1");
    } else if (type === extension.maxFragmentLength)
      found.maxFragmentLength = 256 << body.byte();
    else if (type === extension.recordSizeLimit) recordSizeLimit = true;
    else if (type === extension.alpn) {
      found.alpn = [];
      body.skip(2);
      while (body.rest > 0)
        found.alpn.push(body.take(body.byte()).toString("latin1"));
    }
  }
  return { ...found, cipherSuites, recordSizeLimit };
}

/** Reads numbers and runs of bytes in order. Throws RangeError beyond the end. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get rest(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    return this.take(1).readUInt8();
  }

  short(): number {
    return this.take(2).readUInt16BE();
  }

  skip(count: number): void {
    this.take(count);
  }

  take(count: number): Buffer {
    if (count > this.rest) throw new RangeError("beyond the end");
    return this.#bytes.subarray(this.#at, (this.#at += count));
  }
}
