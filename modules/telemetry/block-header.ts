import { CRC32 } from "./crc32.js";

/** Most channels of a log. */
export const channelLimit = 8;

/** Bytes at the start of each block. */
export const headerLength = 64;

/** Where in a header a zero says that all of the block was written. */
export const committedAt = 56;
/** Where in a header a zero says that nothing of the block is needed any more. */
export const retiredAt = 57;

const magic = 0x314c4e46; // "FNL1"
const sequencesAt = 20;
const crcAt = sequencesAt + 4 * channelLimit;

/**
 * The first bytes of a block. Little-endian: the magic `FNL1`; the serial number, which grows with every block that is
 * begun; the first and the last place in the log's order for which the block stands (they differ where blocks were made
 * one); how often its content was thinned out; the next sequence number of each channel when the block was begun; the
 * CRC-32 of all that. Then two bytes that are 0xFF at first, and a few that stay so.
 */
export class BlockHeader {
  readonly bytes = new Uint8Array(headerLength);
  readonly #view = new DataView(this.bytes.buffer);
  serial = 0;
  first = 0;
  last = 0;
  level = 0;
  committed = false;
  retired = false;

  /** Puts the fields and the sequence numbers into `bytes`. */
  encode(sequences: Uint32Array): void {
    const view = this.#view;
    this.bytes.fill(0xff);
    view.setUint32(0, magic, true);
    view.setUint32(4, this.serial, true);
    view.setUint32(8, this.first, true);
    view.setUint32(12, this.last, true);
    view.setUint32(16, this.level, true);
    for (let channel = 0; channel < channelLimit; channel++)
      view.setUint32(sequencesAt + 4 * channel, sequences[channel], true);
    view.setInt32(crcAt, CRC32.of(this.bytes, crcAt), true);
    if (this.committed) this.bytes[committedAt] = 0;
  }

  /** Takes the fields out of `bytes`. False when they are no header: never written, or cut off in the middle. */
  decode(): boolean {
    const view = this.#view;
    if (
      view.getUint32(0, true) !== magic ||
      view.getInt32(crcAt, true) !== CRC32.of(this.bytes, crcAt)
    )
      return false;
    this.serial = view.getUint32(4, true);
    this.first = view.getUint32(8, true);
    this.last = view.getUint32(12, true);
    this.level = view.getUint32(16, true);
    this.committed = this.#has(committedAt);
    this.retired = this.#has(retiredAt);
    return true;
  }

  /**
   * What does not decode was a whole header of a block in use: its end is as one has it. A header that was cut off while it
   * was written has no such end, nor has a block that holds nothing.
   */
  get isDamaged(): boolean {
    return this.#has(committedAt) && !this.#has(retiredAt);
  }

  /** The next sequence number of a channel when the block was begun. */
  sequence(channel: number): number {
    return this.#view.getUint32(sequencesAt + 4 * channel, true);
  }

  /** A mark is there when most of its bits are zero: one bit that flips neither sets nor clears it. */
  #has(mark: number): boolean {
    let ones = 0;
    for (let bits = this.bytes[mark]; bits > 0; bits &= bits - 1) ones++;
    return ones < 4;
  }
}
