import type { FlashPartition } from "../../../modules/telemetry/flash-partition.js";

/**
 * NOR flash in memory, with blocks as small as a test wants. It counts what is done to it, and can lose its power in the
 * middle of a write or an erasure, lose single blocks, and flip bits.
 */
export class ModelFlash implements FlashPartition {
  readonly bytes: Uint8Array;
  readonly blockLength: number;
  /** Bytes that can still be written or erased before the power goes; from then on everything throws. */
  untilCut = Infinity;
  /** Blocks that throw, and blocks that silently lose a bit of every byte. */
  readonly broken = new Set<number>();
  readonly leaking = new Set<number>();
  /** When set: every byte that changed, in order. */
  journal: { at: number; byte: number }[] | undefined;
  writes = 0;
  reads = 0;
  written = 0;
  readonly erasures: number[];

  constructor(blocks: number, blockLength: number, bytes?: Uint8Array) {
    this.blockLength = blockLength;
    this.bytes = bytes ?? new Uint8Array(blocks * blockLength).fill(0xff);
    this.erasures = Array<number>(blocks).fill(0);
  }

  status(): { size: number; blockLength: number; blocks: number } {
    return {
      size: this.bytes.length,
      blockLength: this.blockLength,
      blocks: this.erasures.length,
    };
  }

  read(buffer: Uint8Array, byteOffset: number): void {
    this.reads++;
    if (byteOffset + buffer.length > this.bytes.length)
      throw new RangeError(`read behind the end: ${byteOffset}`);
    buffer.set(this.bytes.subarray(byteOffset, byteOffset + buffer.length));
  }

  write(buffer: Uint8Array, byteOffset: number): void {
    this.writes++;
    const block = Math.floor(byteOffset / this.blockLength);
    if (this.broken.has(block)) throw new Error("write failed");
    const leak = this.leaking.has(block) ? 0xfe : 0xff;
    for (let index = 0; index < buffer.length; index++) {
      this.#spend();
      this.written++;
      this.#set(
        byteOffset + index,
        this.bytes[byteOffset + index] & buffer[index] & leak,
      );
    }
  }

  eraseBlock(start: number, end: number): void {
    for (let block = start; block < end; block++) {
      if (this.broken.has(block)) throw new Error("erase failed");
      this.erasures[block]++;
      const from = block * this.blockLength;
      // From the end: a header that is still whole stands before records that are gone.
      for (let at = from + this.blockLength - 1; at >= from; at--) {
        this.#spend();
        this.#set(at, 0xff);
      }
    }
  }

  close(): void {
    this.untilCut = 0;
  }

  /** The same flash with the power on again. */
  restart(): ModelFlash {
    const flash = new ModelFlash(
      this.erasures.length,
      this.blockLength,
      this.bytes,
    );
    for (const block of this.broken) flash.broken.add(block);
    for (const block of this.leaking) flash.leaking.add(block);
    return flash;
  }

  /** Another flash with the same content. */
  copy(): ModelFlash {
    return new ModelFlash(
      this.erasures.length,
      this.blockLength,
      this.bytes.slice(),
    );
  }

  #set(at: number, byte: number): void {
    this.bytes[at] = byte;
    this.journal?.push({ at, byte });
  }

  #spend(): void {
    if (this.untilCut-- <= 0) throw new Error("power cut");
  }
}
