declare global {
  interface StringConstructor {
    /** XS: the string that a part of the buffer holds as UTF-8. */
    fromArrayBuffer(
      buffer: ArrayBufferLike,
      byteOffset: number,
      byteLength: number,
    ): string;
  }
}

/**
 * Tells whether the bytes from `start` up to `end` are what MQTT calls a UTF-8 Encoded String (MQTT 5, 1.5.4): well-formed
 * by RFC 3629, so no overlong form, no surrogate, nothing above U+10FFFF [MQTT-1.5.4-1], and no U+0000 [MQTT-1.5.4-2].
 */
export function isWellFormed(
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  let at = start;
  while (at < end) {
    const first = bytes[at++];
    if (first < 0x80) {
      if (first === 0) return false;
      continue;
    }
    let more: number;
    let least = 0x80;
    let most = 0xbf;
    if (first >= 0xc2 && first <= 0xdf) more = 1;
    else if (first >= 0xe0 && first <= 0xef) {
      more = 2;
      if (first === 0xe0) least = 0xa0;
      if (first === 0xed) most = 0x9f;
    } else if (first >= 0xf0 && first <= 0xf4) {
      more = 3;
      if (first === 0xf0) least = 0x90;
      if (first === 0xf4) most = 0x8f;
    } else return false;
    if (at + more > end) return false;
    while (more-- > 0) {
      const next = bytes[at++];
      if (next < least || next > most) return false;
      least = 0x80;
      most = 0xbf;
    }
  }
  return true;
}

/** The string in the bytes from `start` up to `end`, which must be well-formed. */
export function decodeText(
  bytes: Uint8Array,
  start: number,
  end: number,
): string {
  return start === end
    ? ""
    : String.fromArrayBuffer(
        bytes.buffer,
        bytes.byteOffset + start,
        end - start,
      );
}

/**
 * The string's UTF-8 bytes. Throws a RangeError when MQTT cannot carry it: longer than 65,535 bytes, a lone surrogate, or
 * U+0000 in it.
 *
 * @param name what the string is, for the error
 */
export function encodeText(text: string, name: string): Uint8Array {
  const bytes = new Uint8Array(ArrayBuffer.fromString(text));
  if (bytes.length > 65_535)
    throw new RangeError(`${name} is longer than 65,535 bytes`);
  if (!isWellFormed(bytes, 0, bytes.length))
    throw new RangeError(`${name} holds U+0000 or a lone surrogate`);
  return bytes;
}
