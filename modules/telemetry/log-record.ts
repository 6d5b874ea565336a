import { CRC32 } from "./crc32.js";

/** Most bytes of a record's content. */
export const contentLimit = 200;

/** Bytes of a record without its content. */
export const recordOverhead = 11;

const contentAt = 7;

/** Upper half of a tag; the lower one is the channel. */
const contentTag = 0xa0;
const gapTag = 0xb0;

/**
 * A record of the log, in bytes and in fields. It is used for one record after another.
 *
 * In flash: the state, 0xFF until the record is needed no longer; the tag, which has the channel; the length of the
 * content; the sequence number (32 bits, little-endian); the content; the CRC-32 of tag to content.
 */
export class LogRecord {
  readonly bytes = new Uint8Array(recordOverhead + contentLimit);
  readonly view = new DataView(this.bytes.buffer);
  /** The content, as it lies in `bytes`. */
  readonly content = this.bytes.subarray(contentAt);
  channel = 0;
  seq = 0;
  /** Bytes of the content. */
  length = 0;
  /** The record says which ones were given up: see Gap. */
  gap = false;
  /** Not acknowledged and not given up. */
  pending = false;
  /** Where it lies in the partition. */
  at = 0;

  /** Bytes of the whole record. */
  get size(): number {
    return recordOverhead + this.length;
  }

  /** Puts the fields before the content and the CRC behind it. */
  encode(): void {
    const { bytes, view, length } = this;
    bytes[0] = 0xff;
    bytes[1] = (this.gap ? gapTag : contentTag) | this.channel;
    bytes[2] = length;
    view.setUint32(3, this.seq, true);
    view.setInt32(contentAt + length, this.#crc(), true);
  }

  /** Nothing was written here yet. */
  get blank(): boolean {
    return this.bytes[1] === 0xff;
  }

  /** Bytes that the record has if what lies in `bytes` is one, else 0. The first three bytes must have been read. */
  get claimedSize(): number {
    const tag = this.bytes[1] & 0xf0;
    const length = this.bytes[2];
    return (tag === contentTag || tag === gapTag) && length <= contentLimit
      ? recordOverhead + length
      : 0;
  }

  /** Takes the fields out of the whole record in `bytes`. False when it is damaged. */
  decode(): boolean {
    const { bytes, view } = this;
    this.length = bytes[2];
    if (view.getInt32(contentAt + this.length, true) !== this.#crc())
      return false;
    this.channel = bytes[1] & 0x0f;
    this.gap = (bytes[1] & 0xf0) === gapTag;
    this.seq = view.getUint32(3, true);
    this.pending = bytes[0] === 0xff;
    return true;
  }

  /** Of the tag to the content, shifted by one so that no view has to be made: the state is taken for 0xFF. */
  #crc(): number {
    const state = this.bytes[0];
    this.bytes[0] = 0xff;
    const crc = CRC32.of(this.bytes, contentAt + this.length);
    this.bytes[0] = state;
    return crc;
  }
}

/** Bytes of a record that tells of a gap. */
export const gapSize = recordOverhead + 8;

/** Which records of a channel were given up: how many, and from which sequence number to which. */
export class Gap {
  count = 0;
  first = 0;
  last = 0;

  /** One more record is given up; a gap that is given up itself counts as what it tells of. */
  add(record: LogRecord): void {
    const { seq, gap, view } = record;
    const count = gap ? view.getUint32(contentAt, true) : 1;
    const last = gap ? view.getUint32(contentAt + 4, true) : seq;
    if (this.count === 0 || seq < this.first) this.first = seq;
    if (this.count === 0 || last > this.last) this.last = last;
    this.count += count;
  }

  /** Makes a record of it, for the channel that the record has. */
  encode(record: LogRecord, channel: number): void {
    record.gap = true;
    record.channel = channel;
    record.seq = this.first;
    record.length = gapSize - recordOverhead;
    record.view.setUint32(contentAt, this.count, true);
    record.view.setUint32(contentAt + 4, this.last, true);
  }

  /** What a record tells. */
  decode(record: LogRecord): void {
    this.first = record.seq;
    this.count = record.view.getUint32(contentAt, true);
    this.last = record.view.getUint32(contentAt + 4, true);
  }

  clear(): void {
    this.count = this.first = this.last = 0;
  }
}
