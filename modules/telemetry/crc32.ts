/** CRC-32 as in zlib, PNG and Ethernet (polynomial 0xEDB88320, reflected). */
export class CRC32 {
  /** Of the first `length` bytes, as a signed 32-bit number, which XS can hold without an allocation. */
  static of(bytes: Uint8Array, length: number): number {
    return native<(bytes: Uint8Array, length: number) => number>(
      "xs_crc32_of",
    ).call(this, bytes, length);
  }
}
