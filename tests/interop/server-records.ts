import { createCipheriv, createHmac } from "node:crypto";

/** TLS's numbers of content types (RFC 5246, 6.2.1). */
export const contentType = { handshake: 22, applicationData: 23 } as const;

/** HelloRequest: a server's wish to negotiate anew (RFC 5246, 7.4.1.1). */
export const helloRequest = Buffer.from([0, 0, 0, 0]);

/** The smallest NewSessionTicket: for an hour, of one byte, without a nonce or extensions (RFC 8446, 4.6.1). */
export const sessionTicket = Buffer.from([
  ...[4, 0, 0, 14],
  ...[0, 0, 14, 16],
  ...[0, 0, 0, 0],
  ...[0, 0, 1, 42],
  ...[0, 0],
]);

/** One record without protection. */
export function plainRecord(type: number, content: Buffer): Buffer {
  const header = Buffer.from([type, 3, 3, 0, 0]);
  header.writeUInt16BE(content.length, 3);
  return Buffer.concat([header, content]);
}

/** The records of what a server sends, for as far as they are whole: type and content. */
export function recordsOf(bytes: Buffer): { type: number; content: Buffer }[] {
  const records = [];
  for (let at = 0; at + 5 <= bytes.length;) {
    const end = at + 5 + bytes.readUInt16BE(at + 3);
    if (end > bytes.length) break;
    records.push({ type: bytes[at], content: bytes.subarray(at + 5, end) });
    at = end;
  }
  return records;
}

/** The messages in handshake records without protection, one after another. */
export function messagesOf(content: Buffer): Buffer[] {
  const messages = [];
  for (let at = 0; at < content.length;) {
    const end = at + 4 + content.readUIntBE(at + 1, 3);
    messages.push(content.subarray(at, end));
    at = end;
  }
  return messages;
}

/** Keys of AES-128-GCM in TLS 1.2, and the part of the server's nonces that is not sent. */
export interface Keys {
  client: Buffer;
  server: Buffer;
  serverSalt: Buffer;
}

/**
 * The keys of a session of TLS 1.2 (RFC 5246, 6.3; RFC 5288, 3).
 *
 * @param master the master secret, from NSS's key log
 * @param clientRandom from the same line
 * @param serverHello what the server sends, from its first byte
 */
export function keysOf(
  master: Buffer,
  clientRandom: Buffer,
  serverHello: Buffer,
): Keys {
  // A ServerHello's random: after the headers of record and handshake, and the version.
  const serverRandom = serverHello.subarray(11, 43);
  const label = Buffer.from("key expansion");
  const seed = Buffer.concat([label, serverRandom, clientRandom]);
  // The pseudo-random function with SHA-256 (RFC 5246, 5).
  const hmac = (...bytes: Buffer[]) =>
    createHmac("sha256", master).update(Buffer.concat(bytes)).digest();
  const first = hmac(seed);
  const block = Buffer.concat([hmac(first, seed), hmac(hmac(first), seed)]);
  return {
    client: block.subarray(0, 16),
    server: block.subarray(16, 32),
    serverSalt: block.subarray(36, 40),
  };
}

/** HKDF-Expand-Label with SHA-256 and no context, 32 bytes at most (RFC 8446, 7.1). */
export function expandLabel(
  secret: Buffer,
  label: string,
  length: number,
): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = [Buffer.of(0, length, name.length), name, Buffer.of(0, 1)];
  return createHmac("sha256", secret)
    .update(Buffer.concat(info))
    .digest()
    .subarray(0, length);
}

/**
 * A record in the name of a real server that has told its secrets: what that server would never send, but an odd one may.
 *
 * @param sequence the record's number; the server's Finished has 0
 */
export function serverRecord12(
  keys: Keys,
  type: number,
  content: Buffer,
  sequence: number,
): Buffer {
  const number = numberOf(sequence);
  const header = plainRecord(type, content).subarray(0, 5);
  const sealed = seal(
    keys.server,
    Buffer.concat([keys.serverSalt, number]),
    Buffer.concat([number, header]),
    content,
  );
  return plainRecord(type, Buffer.concat([number, sealed]));
}

/**
 * The same in TLS 1.3 (RFC 8446, 5.2).
 *
 * @param secret the server's, of application data
 * @param sequence the record's number; the first after the handshake has 0
 */
export function serverRecord13(
  secret: Buffer,
  type: number,
  content: Buffer,
  sequence: number,
): Buffer {
  const inner = Buffer.concat([content, Buffer.of(type)]);
  const nonce = Buffer.from(expandLabel(secret, "iv", 12));
  numberOf(sequence).forEach((byte, index) => (nonce[index + 4] ^= byte));
  const { applicationData } = contentType;
  const tag = Buffer.alloc(16);
  const whole = plainRecord(applicationData, Buffer.concat([inner, tag]));
  const header = whole.subarray(0, 5);
  const key = expandLabel(secret, "key", 16);
  return Buffer.concat([header, seal(key, nonce, header, inner)]);
}

function numberOf(sequence: number): Buffer {
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(BigInt(sequence));
  return number;
}

/** AES-128-GCM: ciphertext and tag. */
function seal(key: Buffer, nonce: Buffer, more: Buffer, content: Buffer) {
  const cipher = createCipheriv("aes-128-gcm", key, nonce).setAAD(more);
  const sealed = [cipher.update(content), cipher.final()];
  return Buffer.concat([...sealed, cipher.getAuthTag()]);
}
