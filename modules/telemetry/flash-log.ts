import { Failure } from "../system/failure.js";
import { tellFailure } from "../system/storage.js";
import { channelLimit } from "./block-header.js";
import { FlashBlocks, none, uncounted } from "./flash-blocks.js";
import type { FlashPartition } from "./flash-partition.js";
import type { LogCursor } from "./log-cursor.js";
import { contentLimit, LogRecord, recordOverhead } from "./log-record.js";

/** Bytes that are read at once: most records are shorter. */
const reach = 48;

/**
 * A log of records in flash, each of a channel and with a sequence number there, until it is acknowledged.
 *
 * A record that `append` has taken is found again whatever happens, a power cut at any byte included: what is damaged
 * shows by its CRC and is passed over. Nothing is kept in memory of a record; where one lies is a number, good until
 * blocks are made one (see `FlashBlocks.generation`).
 */
export class FlashLog {
  readonly blocks: FlashBlocks;
  readonly #makeRoom: (log: FlashLog) => boolean;
  readonly #ahead: Uint8Array;
  /** For what is written, and what is read back. */
  readonly #back = new LogRecord();
  /** Where the next record goes. */
  #end = 0;

  /**
   * @param open opens the partition
   * @param makeRoom called when no block is free but the one that has to stay so; false when it could free none
   * @throws Failure `flash.unreadable`
   */
  constructor(
    open: () => FlashPartition,
    makeRoom: (log: FlashLog) => boolean,
  ) {
    try {
      this.blocks = new FlashBlocks(open());
    } catch (error) {
      throw Failure.from(error, "flash.unreadable");
    }
    this.#makeRoom = makeRoom;
    this.#ahead = new Uint8Array(reach);
    this.#findEnd();
    if (this.blocks.damaged.length > 0) this.#repair();
  }

  /** Where the next record goes. */
  get end(): number {
    return this.#end;
  }

  /** The sequence number that the next record of a channel gets. */
  next(channel: number): number {
    return this.blocks.sequences[channel];
  }

  /**
   * Stores the record's content under the next sequence number of its channel. On return it is in flash, and was read
   * back; the record has its place and number.
   *
   * @param record `channel`, `length` and `content` are set; with `gap` the sequence number too
   * @throws Failure `flash.write-failed`: nothing was stored, and no number is used up
   */
  append(record: LogRecord): void {
    const { sequences } = this.blocks;
    const { channel, length, gap } = record;
    if (channel >= channelLimit || length > contentLimit)
      throw new RangeError(`no record: channel ${channel}, ${length} bytes`);
    if (!gap) record.seq = sequences[channel];
    this.#place(record);
    if (!gap) sequences[channel]++;
  }

  /** Stores a record behind the newest one. Throws a Failure `flash.write-failed`. */
  #place(record: LogRecord): void {
    const { blocks } = this;
    record.encode();
    for (let tries = 0; tries < blocks.count; tries++) {
      if (
        blocks.head === none ||
        this.#end + record.size > blocks.end(blocks.head)
      )
        this.#begin();
      const at = this.#end;
      this.#end = at + record.size;
      if (this.put(record, at)) {
        record.at = at;
        record.pending = true;
        return;
      }
      // The rest of the block is not to be trusted either.
      blocks.reject(blocks.head);
      this.#end = blocks.end(blocks.head);
    }
    throw new Failure("flash.write-failed", "no block holds what is written");
  }

  /** Writes a whole record to a place, and counts it. False when it does not read as it was written. */
  put(record: LogRecord, at: number): boolean {
    const { blocks } = this;
    const block = blocks.blockOf(at);
    try {
      blocks.flash.write(record.bytes.subarray(0, record.size), at);
      if (
        !this.#load(at, blocks.end(block), this.#back) ||
        !this.#back.decode() ||
        !this.#back.pending ||
        this.#back.seq !== record.seq
      )
        return false;
    } catch {
      return false;
    }
    blocks.pending[block]++;
    blocks.channels[block] |= 1 << record.channel;
    return true;
  }

  /**
   * The record is needed no longer. When a block has none left that is, it becomes free.
   *
   * @param at where it lay; false when something else lies there by now
   */
  release(at: number, channel: number, seq: number): boolean {
    const { blocks } = this;
    const block = blocks.blockOf(at);
    const back = this.#back;
    if (
      blocks.order[block] === 0 ||
      !this.#load(at, blocks.end(block), back) ||
      !back.decode() ||
      !back.pending ||
      blocks.isReleased(at) ||
      back.channel !== channel ||
      back.seq !== seq
    )
      return false;
    blocks.release(at);
    if (blocks.pending[block] === uncounted) return true;
    blocks.pending[block]--;
    if (blocks.pending[block] === 0 && block !== blocks.head)
      blocks.retire(block);
    return true;
  }

  /**
   * Moves a cursor to the next record that is still needed, and reads it. Without one, the cursor stays at the end and
   * finds what is appended later.
   *
   * @param channels of which channels: bit 0 for channel 0 and so on
   */
  advance(cursor: LogCursor, channels: number, record: LogRecord): boolean {
    const { blocks } = this;
    let block = cursor.resolve(blocks);
    while (block !== none) {
      this.count(block);
      const isHead = block === blocks.head;
      if (blocks.order[block] !== 0 && blocks.channels[block] & channels) {
        const end = isHead ? this.#end : blocks.end(block);
        while (this.read(cursor.at, end, record)) {
          cursor.at = record.at + record.size;
          if (record.pending && channels & (1 << record.channel)) return true;
        }
      }
      if (isHead) {
        cursor.at = this.#end;
        return false;
      }
      block = cursor.enter(blocks, blocks.following(cursor.order));
    }
    return false;
  }

  /**
   * Reads the newest record of the channels that is still needed.
   *
   * @param passes tells which are not meant, as they are on their way already
   */
  newest(
    channels: number,
    record: LogRecord,
    passes: (record: LogRecord) => boolean,
  ): boolean {
    const { blocks } = this;
    for (
      let block = blocks.head;
      block !== none;
      block = blocks.covering(blocks.order[block] - 1)
    ) {
      this.count(block);
      if (!(blocks.channels[block] & channels)) continue;
      const end = block === blocks.head ? this.#end : blocks.end(block);
      let found = 0;
      for (
        let at = blocks.start(block);
        this.read(at, end, record);
        at = record.at + record.size
      )
        if (
          record.pending &&
          channels & (1 << record.channel) &&
          !passes(record)
        )
          found = record.at;
      if (found > 0) return this.read(found, end, record);
    }
    return false;
  }

  /** Reads the first whole record from a place on; false when there is none before `end`. */
  read(from: number, end: number, record: LogRecord): boolean {
    let damaged = false;
    for (let at = from; at + recordOverhead <= end; at++) {
      if (this.#load(at, end, record)) {
        if (record.decode()) {
          record.at = at;
          if (this.blocks.isReleased(at)) record.pending = false;
          return true;
        }
      } else if (record.blank) {
        if (!damaged) return false;
        // Behind what was cut off, mostly nothing follows: step over what is blank, but not over its last byte, which may
        // be the state of a record.
        while (at + recordOverhead + reach <= end && this.#isBlank())
          this.#load((at += reach - 2), end, record);
      }
      damaged = true;
    }
    return false;
  }

  /** Counts a block's records that are still needed, once after a start. */
  count(block: number): void {
    const { blocks } = this;
    if (blocks.pending[block] !== uncounted) return;
    const record = this.#back;
    const end = block === blocks.head ? this.#end : blocks.end(block);
    let pending = 0;
    let channels = 0;
    for (
      let at = blocks.start(block);
      this.read(at, end, record);
      at = record.at + record.size
    )
      if (record.pending) {
        pending++;
        channels |= 1 << record.channel;
      }
    blocks.pending[block] = pending;
    blocks.channels[block] = channels;
    if (pending === 0 && block !== blocks.head) blocks.retire(block);
  }

  /** No record can be appended or read any more. */
  close(): void {
    this.blocks.flash.close();
  }

  /** Reads what lies at a place. False when it cannot be a record. */
  #load(at: number, end: number, record: LogRecord): boolean {
    const { flash } = this.blocks;
    const { bytes } = record;
    const known = Math.min(reach, end - at);
    const ahead =
      known === reach ? this.#ahead : this.#ahead.subarray(0, known);
    flash.read(ahead, at);
    bytes.set(ahead);
    const size = record.claimedSize;
    if (size === 0 || at + size > end) return false;
    if (size > known) flash.read(bytes.subarray(known, size), at + known);
    return true;
  }

  /** What was read last was never written. */
  #isBlank(): boolean {
    return this.#ahead.every((byte) => byte === 0xff);
  }

  /** After a start: where the newest block's records end, and how far the sequence numbers are. */
  #findEnd(): void {
    const { blocks } = this;
    if (blocks.head === none) return;
    const end = blocks.end(blocks.head);
    const record = this.#back;
    let at = blocks.start(blocks.head);
    while (this.read(at, end, record)) {
      at = record.at + record.size;
      this.#learnNumber(record);
    }
    // Behind the last whole record may lie the beginning of one that was cut off: the next one goes behind it.
    const last = (this.#end = at);
    const ahead = this.#ahead;
    for (; at < end; at += reach) {
      const piece = end - at < reach ? ahead.subarray(0, end - at) : ahead;
      blocks.flash.read(piece, at);
      for (let index = piece.length - 1; index >= 0; index--)
        if (piece[index] !== 0xff) {
          this.#end = at + index + 1;
          break;
        }
    }
    // A reader takes the first blank record for the end: it must not look blank when others come behind it.
    if (this.#end > last && last + 1 < end && !blocks.mark(last + 1))
      this.#end = end;
    // Before records are added to it: what is added counts on top.
    this.count(blocks.head);
  }

  /**
   * After a start, where headers are damaged: what such a block holds goes behind the newest record, under the numbers that
   * it has. How far the numbers are is then read off all records, for only that header may have told.
   */
  #repair(): void {
    const { blocks } = this;
    const record = new LogRecord();
    for (let block = 0; block < blocks.count; block++)
      for (
        let at = blocks.start(block);
        this.read(at, blocks.end(block), record);
        at = record.at + record.size
      )
        this.#learnNumber(record);
    for (const block of blocks.damaged)
      tellFailure(() => {
        for (
          let at = blocks.start(block);
          this.read(at, blocks.end(block), record);
        ) {
          at = record.at + record.size;
          if (record.pending) this.#place(record);
        }
        blocks.retire(block);
      });
  }

  #learnNumber({ gap, seq, channel }: LogRecord): void {
    const { sequences } = this.blocks;
    if (!gap && channel < channelLimit && seq >= sequences[channel])
      sequences[channel] = seq + 1;
  }

  #begin(): void {
    const { blocks } = this;
    const before = blocks.head;
    let block = none;
    // A block that turns out bad was not free: then there is still room to be made.
    for (let tries = 0; tries < blocks.count && block === none; tries++) {
      while (blocks.free < 2) if (!this.#makeRoom(this)) break;
      block = blocks.begin();
    }
    if (block === none)
      throw new Failure("flash.write-failed", "no block can be written");
    this.#end = blocks.start(block);
    if (before !== none && blocks.pending[before] === 0) blocks.retire(before);
  }
}
