/** A flash partition, as far as the log needs one: an instance of ECMA-419's flash storage. Throws when it fails. */
export interface FlashPartition {
  /** Fills the buffer with the bytes from an offset on. */
  read(buffer: Uint8Array, byteOffset: number): unknown;
  /** Turns ones into zeros where the buffer has zeros. */
  write(buffer: Uint8Array, byteOffset: number): void;
  /** Sets the bytes of a block to 0xFF. */
  eraseBlock(start: number, end: number): void;
  status(): { size: number; blockLength: number; blocks: number };
  close(): void;
}
