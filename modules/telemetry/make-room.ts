import { channelLimit } from "./block-header.js";
import { none, type FlashBlocks } from "./flash-blocks.js";
import type { FlashLog } from "./flash-log.js";
import { Gap, gapSize, LogRecord } from "./log-record.js";

/** What becomes of a channel's records when there is no room for all. */
export interface Retention {
  /**
   * `all`: the oldest ones go, and only when nothing of lower priority is left. `thin`: every second one goes, first of
   * the oldest, so that a long time is still covered, with fewer records the longer ago. `latest`: all but the newest go.
   */
  policy: "all" | "latest" | "thin";
  /** The higher, the later a channel's records go. */
  priority: number;
  /** The record is too old to be of use. */
  isExpired?: (record: LogRecord) => boolean;
}

/** How often records are thinned out at most: of 128 one is left. Each level gets its share of the blocks. */
const levels = 8;

/** Pairs of blocks that are looked at for one from which the least important goes. */
const mostTries = 16;

/**
 * Makes room in a full log: of two blocks that follow each other it makes one, with what the channels' policies keep, in
 * the same place of the order. How many records were given up is told by a record of its own, a gap, which lies in the
 * new block and is sent like any other; so the count is right whenever the power goes.
 */
export class MakeRoom {
  readonly #retentions: readonly (Retention | undefined)[];
  /** Channels in the order in which they give way. */
  readonly #givingWay: number[];
  /** Records per channel, of the two blocks: how many there are, how many of the oldest go, and what stays takes. */
  readonly #counts = new Uint16Array(channelLimit);
  readonly #skips = new Uint16Array(channelLimit);
  readonly #sizes = new Uint32Array(channelLimit);
  /** Channels of which every second record goes. */
  #halved = 0;
  /** What was given up where no block was left to tell of it: by channel. */
  readonly owed: (Gap | undefined)[] = [];

  /** @param retentions by number of channel; records of a channel without one are of no use to anybody */
  constructor(retentions: readonly (Retention | undefined)[]) {
    this.#retentions = retentions;
    this.#givingWay = [...Array(channelLimit).keys()].sort(
      (a, b) => this.#priority(a) - this.#priority(b),
    );
  }

  /** Frees a block. False when that is impossible. */
  make(log: FlashLog): boolean {
    const { blocks } = log;
    if (blocks.free === 0) return this.#giveUp(log);
    const older = this.#pick(log);
    if (older === none) return false;
    const pair = [older, blocks.following(blocks.order[older])];
    this.#plan(log, pair);
    const level = Math.max(...pair.map((block) => thinned(blocks, block)));
    for (;;) {
      const into = blocks.begin(
        blocks.order[older],
        blocks.order[blocks.following(blocks.order[pair[1]])] - 1,
        Math.min(levels - 1, level + (this.#halved ? 1 : 0)),
      );
      if (into === none) return this.#giveUp(log);
      // The two blocks have this place in the order until the new one is whole.
      const order = blocks.order[into];
      blocks.order[into] = 0;
      if (this.#copy(log, pair, into) && blocks.commit(into)) {
        for (const block of pair) blocks.retire(block);
        blocks.order[into] = order;
        blocks.generation++;
        if (blocks.pending[into] === 0) blocks.retire(into);
        return true;
      }
      blocks.reject(into);
    }
  }

  #priority(channel: number): number {
    return this.#retentions[channel]?.priority ?? -1;
  }

  /** The older one of the two blocks to make one of: the first two that give up nothing but what is of least priority. */
  #pick(log: FlashLog): number {
    const { blocks } = log;
    let best = none;
    let least = Infinity;
    let block = this.#firstToThin(blocks);
    for (let tries = 0; tries < mostTries; tries++) {
      const next =
        block === none ? none : blocks.following(blocks.order[block]);
      if (block === blocks.head || next === none || next === blocks.head) break;
      const priority = this.#plan(log, [block, next]);
      if (priority < least) {
        best = block;
        least = priority;
      }
      if (priority <= this.#lowest(blocks)) break;
      block = next;
    }
    return best;
  }

  /** The lowest priority of a channel that has records. */
  #lowest(blocks: FlashBlocks): number {
    const present = blocks.channels.reduce((all, some) => all | some, 0);
    const channel = this.#givingWay.find(
      (one) => this.#retentions[one] && present & (1 << one),
    );
    return channel === undefined ? -1 : this.#priority(channel);
  }

  /** The oldest block; where something can be thinned out, the oldest of the least thinned that have more than their share. */
  #firstToThin(blocks: FlashBlocks): number {
    const oldest = blocks.following(0);
    if (!this.#retentions.some((one) => one?.policy === "thin")) return oldest;
    for (let level = 0; level < levels; level++) {
      let count = 0;
      let first = none;
      for (
        let block = oldest;
        block !== none && block !== blocks.head;
        block = blocks.following(blocks.order[block])
      )
        if (thinned(blocks, block) === level && count++ === 0) first = block;
      if (count > Math.max(2, blocks.count / levels)) return first;
    }
    return oldest;
  }

  /**
   * Decides what goes: nothing, if all fits; else every second record; else the oldest of the lowest priority. Returns the
   * highest priority of which something goes, or -1.
   */
  #plan(log: FlashLog, pair: number[]): number {
    const { blocks } = log;
    const capacity = blocks.end(0) - blocks.start(0);
    let priority = -1;
    this.#skips.fill(0);
    this.#halved = 0;
    for (;;) {
      this.#go(log, pair, undefined);
      const size = this.#sizes.reduce((sum, one) => sum + one, 0);
      if (size <= capacity) return priority;
      priority = Math.max(priority, this.#escalate(size - capacity));
    }
  }

  /** Lets more go, of the channel that gives way first. Returns its priority. */
  #escalate(excess: number): number {
    const channel = this.#givingWay.find((one) => this.#counts[one] > 0)!;
    const bit = 1 << channel;
    if (this.#retentions[channel]?.policy === "thin" && !(this.#halved & bit))
      this.#halved |= bit;
    else {
      const kept = this.#counts[channel];
      const most = Math.ceil((excess * kept) / this.#sizes[channel]);
      this.#skips[channel] += Math.min(kept, Math.max(1, most));
    }
    return this.#priority(channel);
  }

  /** Goes over the records of two blocks and counts, or copies, what is kept. False when copying failed. */
  #go(
    log: FlashLog,
    pair: number[],
    keep: ((record: LogRecord) => boolean) | undefined,
    gaps?: (Gap | undefined)[],
  ): boolean {
    const { blocks } = log;
    const record = new LogRecord();
    const seen = new Uint16Array(channelLimit);
    let told = 0;
    this.#counts.fill(0);
    this.#sizes.fill(0);
    for (const block of pair)
      for (
        let at = blocks.start(block);
        log.read(at, blocks.end(block), record);
        at = record.at + record.size
      ) {
        const { channel } = record;
        if (!record.pending || !this.#retentions[channel]) continue;
        if (this.#isKept(log, record, seen)) {
          this.#counts[channel]++;
          this.#sizes[channel] += record.size;
          if (keep && !keep(record)) return false;
        } else if (!this.#isSuperseded(log, record)) {
          gaps?.[channel]?.add(record);
          told |= 1 << channel;
        }
      }
    for (let channel = 0; channel < channelLimit; channel++)
      if (told & (1 << channel)) this.#sizes[channel] += gapSize;
    return true;
  }

  #isKept(log: FlashLog, record: LogRecord, seen: Uint16Array): boolean {
    const { channel, gap } = record;
    if (gap || this.#isSuperseded(log, record)) return false;
    if (this.#retentions[channel]?.isExpired?.(record)) return false;
    const index = seen[channel]++;
    if (index < this.#skips[channel]) return false;
    return !(this.#halved & (1 << channel)) || (index & 1) === 1;
  }

  /** A newer record says what this one said: that is no loss. */
  #isSuperseded(log: FlashLog, record: LogRecord): boolean {
    return (
      !record.gap &&
      this.#retentions[record.channel]?.policy === "latest" &&
      record.seq + 1 < log.next(record.channel)
    );
  }

  #copy(log: FlashLog, pair: number[], into: number): boolean {
    const { blocks } = log;
    const gaps = this.#retentions.map((one) => one && new Gap());
    let end = blocks.start(into);
    const put = (record: LogRecord): boolean => {
      const done = log.put(record, end);
      end += record.size;
      return done;
    };
    return (
      this.#go(log, pair, put, gaps) &&
      gaps.every((gap, channel) => {
        if (!gap || gap.count === 0) return true;
        const record = new LogRecord();
        gap.encode(record, channel);
        record.encode();
        return put(record);
      })
    );
  }

  /** No block is left to copy into: the records of the oldest block go that can still be written to, all of them. */
  #giveUp(log: FlashLog): boolean {
    const { blocks } = log;
    let block = blocks.following(0);
    while (
      block !== none &&
      block !== blocks.head &&
      !blocks.markRetired(block)
    )
      block = blocks.following(blocks.order[block]);
    if (block === none || block === blocks.head) return false;
    const record = new LogRecord();
    for (
      let at = blocks.start(block);
      log.read(at, blocks.end(block), record);
      at = record.at + record.size
    )
      if (record.pending && this.#retentions[record.channel])
        (this.owed[record.channel] ??= new Gap()).add(record);
    blocks.retire(block);
    blocks.generation++;
    return true;
  }
}

/** How often a block was thinned out. One that turned out bad counts as never. */
function thinned(blocks: FlashBlocks, block: number): number {
  const level = blocks.level[block];
  return level < levels ? level : 0;
}
