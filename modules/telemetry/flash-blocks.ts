import { Failure } from "../system/failure.js";
import {
  BlockHeader,
  channelLimit,
  committedAt,
  headerLength,
  retiredAt,
} from "./block-header.js";
import type { FlashPartition } from "./flash-partition.js";

/** `pending` of a block whose records were not counted since the start. */
export const uncounted = 0xffff;

/** `level` of a block that did not hold what was written to it. */
const bad = 0xff;

/** What is written over a mark of a header, or over a record's state. */
const zero = new Uint8Array(1);

/** No block. */
export const none = -1;

/**
 * The blocks of a partition and their order.
 *
 * Blocks are begun in turn, so that all wear alike. What is known of each is in a few bytes of memory, whatever number of
 * records it holds: its place in the log's order (0: free), how many of its records are still needed, of which channels,
 * and how often it was thinned out.
 */
export class FlashBlocks {
  readonly flash: FlashPartition;
  /** Bytes of a block. */
  readonly length: number;
  readonly count: number;
  readonly order: Uint32Array;
  readonly pending: Uint16Array;
  readonly channels: Uint8Array;
  readonly level: Uint8Array;
  /** The next sequence number of each channel. */
  readonly sequences = new Uint32Array(channelLimit).fill(1);
  /** Counts how often blocks were made one: what lay in them has moved. */
  generation = 0;
  /** The block that is written to. */
  head = none;
  /** Blocks that were in use and whose headers do not say any more where they belong. They are not free. */
  readonly damaged: number[] = [];
  readonly #header = new BlockHeader();
  readonly #serials: Uint32Array;
  /** Places of records that are released, in blocks in which the mark that says so did not stay. */
  readonly #unmarked = new Set<number>();
  readonly #byte = new Uint8Array(1);
  #turn = 0;
  #serial = 0;

  /** Reads the headers. A partition that was never used, or holds something else, is an empty one. */
  constructor(flash: FlashPartition) {
    const { blockLength, blocks } = flash.status();
    if (blocks < 4 || blockLength < 256)
      throw new Failure(
        "flash.unreadable",
        `the log needs 4 blocks of 256 bytes, the partition has ${blocks} of ${blockLength}`,
      );
    this.flash = flash;
    this.length = blockLength;
    this.count = blocks;
    this.order = new Uint32Array(blocks);
    this.pending = new Uint16Array(blocks).fill(uncounted);
    this.channels = new Uint8Array(blocks).fill(0xff);
    this.level = new Uint8Array(blocks);
    this.#serials = new Uint32Array(blocks);
    this.#mount();
  }

  /** Blocks that can be begun. */
  get free(): number {
    let free = 0;
    for (let block = 0; block < this.count; block++)
      if (this.order[block] === 0 && this.level[block] !== bad) free++;
    return free;
  }

  /** How often each block was begun, on average, in the partition's life. */
  get turns(): number {
    return this.#serial / this.count;
  }

  /** Where a block's records begin. */
  start(block: number): number {
    return block * this.length + headerLength;
  }

  /** Where a block ends. */
  end(block: number): number {
    return (block + 1) * this.length;
  }

  /** The block that a place in the partition belongs to. */
  blockOf(at: number): number {
    return Math.floor(at / this.length);
  }

  /** The block with the lowest place in the order above `order`, or `none`. */
  following(order: number): number {
    let found = none;
    for (let block = 0; block < this.count; block++) {
      const one = this.order[block];
      if (one > order && (found === none || one < this.order[found]))
        found = block;
    }
    return found;
  }

  /** The block with the highest place in the order up to `order`, or `none`. */
  covering(order: number): number {
    let found = none;
    for (let block = 0; block < this.count; block++) {
      const one = this.order[block];
      if (
        one > 0 &&
        one <= order &&
        (found === none || one > this.order[found])
      )
        found = block;
    }
    return found;
  }

  /**
   * Begins the next free block that holds what is written to it.
   *
   * @param first place in the order; 0 for the next one, as a new head
   * @param last as `first`, or the last place for which the block stands: it is then not valid before `commit`
   * @returns the block, or `none` when there is none
   */
  begin(first = 0, last = first, level = 0): number {
    for (let tries = 0; tries < this.count; tries++) {
      const block = (this.#turn + tries) % this.count;
      if (this.order[block] !== 0 || this.level[block] === bad) continue;
      const header = this.#header;
      header.serial = this.#serial + 1;
      header.first = first || this.#highest() + 1;
      header.last = last || header.first;
      header.level = level;
      header.committed = header.first === header.last;
      if (!this.#write(block)) {
        this.level[block] = bad;
        continue;
      }
      this.#serial++;
      this.#turn = (block + 1) % this.count;
      this.order[block] = header.first;
      this.#serials[block] = header.serial;
      this.pending[block] = this.channels[block] = 0;
      this.level[block] = level;
      if (first === 0) this.head = block;
      return block;
    }
    return none;
  }

  /** Makes a block valid that stands for others, which are thereby gone. False when the mark did not stay. */
  commit(block: number): boolean {
    return this.mark(block * this.length + committedAt);
  }

  /** Nothing of a block is needed any more: it becomes free. Not for the head, which tells how far the numbers are. */
  retire(block: number): void {
    this.markRetired(block);
    for (const at of this.#unmarked)
      if (this.blockOf(at) === block) this.#unmarked.delete(at);
    this.order[block] = 0;
    this.pending[block] = this.channels[block] = 0;
  }

  /** Says in flash that nothing of a block is needed any more. False when the mark did not stay. */
  markRetired(block: number): boolean {
    return this.mark(block * this.length + retiredAt);
  }

  /** A block did not hold what was written to it: once free, it is not used again before a restart. */
  reject(block: number): void {
    this.level[block] = bad;
  }

  /** The record at a place is needed no longer. Where the flash does not take that, it is known until a restart. */
  release(at: number): void {
    if (!this.mark(at)) this.#unmarked.add(at);
  }

  /** The record at a place is released, though the flash does not say so. */
  isReleased(at: number): boolean {
    return this.#unmarked.has(at);
  }

  /** Writes a zero over a byte that was 0xFF. False when it did not stay. */
  mark(at: number): boolean {
    try {
      this.flash.write(zero, at);
      this.flash.read(this.#byte, at);
      return this.#byte[0] === 0;
    } catch {
      return false;
    }
  }

  #highest(): number {
    let highest = 0;
    for (const order of this.order) if (order > highest) highest = order;
    return highest;
  }

  /** Erases a block and writes the header. False when it does not read as it was written. */
  #write(block: number): boolean {
    const { flash } = this;
    const header = this.#header;
    const at = block * this.length;
    try {
      header.encode(this.sequences);
      const written = header.bytes.slice();
      flash.eraseBlock(block, block + 1);
      flash.write(header.bytes, at);
      flash.read(header.bytes, at);
      return written.every((byte, index) => byte === header.bytes[index]);
    } catch {
      return false;
    }
  }

  #mount(): void {
    const header = this.#header;
    const lasts = new Uint32Array(this.count);
    let newest = 0;
    for (let block = 0; block < this.count; block++) {
      this.flash.read(header.bytes, block * this.length);
      if (!header.decode()) {
        if (header.isDamaged) this.damaged.push(block);
        continue;
      }
      if (!header.committed) continue;
      this.#serials[block] = header.serial;
      this.level[block] = header.level;
      if (header.serial > this.#serial) {
        this.#serial = header.serial;
        this.#turn = (block + 1) % this.count;
      }
      for (let channel = 0; channel < channelLimit; channel++)
        this.sequences[channel] = Math.max(
          this.sequences[channel],
          header.sequence(channel),
        );
      if (header.retired) continue;
      if (header.first > newest) {
        newest = header.first;
        this.head = block;
      }
      this.order[block] = header.first;
      lasts[block] = header.last;
    }
    this.#dropReplaced(lasts);
    for (const block of this.damaged) this.order[block] = this.#highest() + 1;
  }

  /** A power cut may have come between a block that stands for others and their end. */
  #dropReplaced(lasts: Uint32Array): void {
    const { order, count } = this;
    for (let by = 0; by < count; by++) {
      if (lasts[by] <= order[by]) continue;
      for (let block = 0; block < count; block++)
        if (
          block !== by &&
          order[block] >= order[by] &&
          lasts[block] <= lasts[by] &&
          this.#serials[block] < this.#serials[by]
        )
          this.retire(block);
    }
  }
}
