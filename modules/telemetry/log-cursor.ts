import { none, type FlashBlocks } from "./flash-blocks.js";

/** A place between two records of the log, from which one goes on to the newest. */
export class LogCursor {
  /** The block's place in the order; 0 before the first one. */
  order = 0;
  /** Place in the partition. */
  at = 0;
  #generation = 0;

  /** Goes to the oldest record, or to the place where the next one will be appended. */
  move(blocks: FlashBlocks, block: number, at: number): void {
    this.order = block === none ? 0 : blocks.order[block];
    this.at = at;
    this.#generation = blocks.generation;
  }

  /** Back to the oldest record. */
  rewind(): void {
    this.order = this.at = 0;
  }

  /** The block that the cursor is in, or the next one where that one is gone; where what it held has moved, from its start. */
  resolve(blocks: FlashBlocks): number {
    if (this.order === 0) return this.enter(blocks, blocks.following(0));
    const block = blocks.covering(this.order);
    if (block === none || this.#generation !== blocks.generation)
      return this.enter(
        blocks,
        block === none ? blocks.following(this.order) : block,
      );
    return blocks.order[block] === this.order
      ? block
      : this.enter(blocks, blocks.following(this.order));
  }

  /** Goes to the start of a block, and returns it. */
  enter(blocks: FlashBlocks, block: number): number {
    if (block !== none) this.move(blocks, block, blocks.start(block));
    return block;
  }
}
