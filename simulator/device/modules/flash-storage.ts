/** What bytes can be given in: a buffer, or a view of a part of one. */
type ByteBuffer = ArrayBufferLike | ArrayBufferView;

/** Options of `open`. */
export interface FlashOpenOptions {
  /** The partition's label, as in partitions.csv. */
  path: string;
  /** "r" to read only. "r+" by default. */
  mode?: "r" | "r+";
}

/** What a partition is like. Sizes in bytes. */
export interface FlashStatus {
  size: number;
  blockLength: number;
  blocks: number;
}

/** Data partitions of partitions.csv that a desktop has as well, and their sizes. */
export const partitions: Readonly<Record<string, number>> = {
  outbox: 0x80000,
};

/**
 * A flash partition (ECMA-419, flash storage), which on a desktop is a file of the flash folder. It obeys what NOR flash
 * obeys: erasing sets a block of 4 KB to ones, writing can only turn ones into zeros, and a power cut may end either in
 * its middle. Got from `open`, not made by `new`.
 */
export class Flash extends Native("xs_flash_storage_destructor") {
  // Only `open` below knows how a partition comes to life.
  private constructor() {
    super();
  }

  /** For the module's `open`. */
  static open(path: string, size: number, readOnly: boolean): Flash {
    const flash = new Flash();
    flash.#open(path, size, readOnly);
    return flash;
  }

  /** Nothing can be read or written any more. Closing again does nothing. */
  close(): void {
    native<() => void>("xs_flash_storage_close").call(this);
  }

  /** Erases the blocks from `start` up to, not including, `end`; one block when `end` is left out. */
  eraseBlock(start: number, end?: number): void {
    this.#erase(start, end ?? start + 1);
  }

  /** The bytes from an offset on: so many in a new buffer, or as many as a given buffer holds. */
  read(byteLength: number, byteOffset: number): ArrayBuffer;
  read(buffer: ByteBuffer, byteOffset: number): number;
  read(
    into: number | ByteBuffer,
    byteOffset: number,
  ): ArrayBuffer | number | undefined {
    if (typeof into !== "number") return this.#read(into, byteOffset);
    const buffer = new ArrayBuffer(into);
    this.#read(buffer, byteOffset);
    return buffer;
  }

  /** Turns ones into zeros where the buffer has zeros; on return it is in flash. */
  write(buffer: ByteBuffer, byteOffset: number): void {
    native<(buffer: ByteBuffer, byteOffset: number) => void>(
      "xs_flash_storage_write",
    ).call(this, buffer, byteOffset);
  }

  status(): FlashStatus {
    const size = this.#size();
    return { size, blockLength: 4096, blocks: size / 4096 };
  }

  /** How bytes are given: "buffer" and nothing else. */
  get format(): "buffer" {
    return "buffer";
  }

  #open(path: string, size: number, readOnly: boolean): void {
    native<(path: string, size: number, readOnly: boolean) => void>(
      "xs_flash_storage_open",
    ).call(this, path, size, readOnly);
  }

  #read(buffer: ByteBuffer, byteOffset: number): number {
    return native<(buffer: ByteBuffer, byteOffset: number) => number>(
      "xs_flash_storage_read",
    ).call(this, buffer, byteOffset);
  }

  #erase(start: number, end: number): void {
    native<(start: number, end: number) => void>("xs_flash_storage_erase").call(
      this,
      start,
      end,
    );
  }

  #size(): number {
    return native<() => number>("xs_flash_storage_get_size").call(this);
  }
}

/** The SDK's `embedded:storage/flash`: on an ESP32 a partition, here a file `LABEL.flash` in the flash folder. */
const FlashStorage = {
  /** Opens a partition; its file is made, erased, when it is not there. A file's own size is the partition's. */
  open({ path, mode = "r+" }: FlashOpenOptions): Flash {
    if (!Object.hasOwn(partitions, path))
      throw new Error(`Flash: there is no partition ${path}`);
    return Flash.open(`${path}.flash`, partitions[path], mode === "r");
  },

  /** The partitions' labels. */
  [Symbol.iterator](): IterableIterator<string> {
    return Object.keys(partitions)[Symbol.iterator]();
  },
};

export default FlashStorage;
