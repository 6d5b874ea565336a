import { closeSync, openSync, readFileSync, readSync } from "node:fs";

/** A piece of a process's memory and where it lies there. */
interface Piece {
  from: number;
  bytes: Buffer;
}

/** The mark before the table of tests/unit/natives/heap-map.c. */
const mark = Buffer.from("map of the heap ".repeat(2), "latin1");

/** All writable memory of a process at one moment: its JavaScript heap, the TLS library's, stacks, everything. */
export class ProcessMemory {
  readonly #pieces: Piece[];

  constructor(pid: number) {
    const file = openSync(`/proc/${pid}/mem`, "r");
    this.#pieces = readFileSync(`/proc/${pid}/maps`, "latin1")
      .split("\n")
      .filter((line) => /^\S+ rw/.test(line) && !line.includes("[vvar]"))
      .map((line) => {
        const [from, to] = line
          .split(" ")[0]
          .split("-")
          .map((end) => parseInt(end, 16)) as [number, number];
        const piece = Buffer.alloc(to - from);
        const length = readSync(file, piece, 0, piece.length, from);
        return { from, bytes: piece.subarray(0, length) };
      });
    closeSync(file);
  }

  /** How many times the bytes are there. */
  count(bytes: Buffer): number {
    return this.#pieces.reduce(
      (sum, piece) => sum + occurrences(piece.bytes, bytes).length,
      0,
    );
  }

  /** What of XS's heap there is: its chunks and slots. The process must be `testHost`. */
  get heap(): Buffer {
    const tables = this.#pieces.flatMap(({ bytes }) =>
      occurrences(bytes, mark).map((at) => bytes.subarray(at + mark.length)),
    );
    if (tables.length !== 1)
      throw new Error(`${tables.length} maps of the heap are in memory`);
    const [table] = tables;
    const count = Number(table.readBigUInt64LE(0));
    return Buffer.concat(
      Array.from({ length: count }, (_, index) =>
        this.#at(
          Number(table.readBigUInt64LE(8 + index * 16)),
          Number(table.readBigUInt64LE(16 + index * 16)),
        ),
      ),
    );
  }

  #at(address: number, length: number): Buffer {
    const piece = this.#pieces.find(
      ({ from, bytes }) =>
        address >= from && address + length <= from + bytes.length,
    );
    if (!piece) throw new Error("a block of the heap is not in memory");
    const at = address - piece.from;
    return piece.bytes.subarray(at, at + length);
  }
}

/** Where the bytes are in the memory. */
function occurrences(memory: Buffer, bytes: Buffer): number[] {
  const found: number[] = [];
  for (
    let at = memory.indexOf(bytes);
    at >= 0;
    at = memory.indexOf(bytes, at + 1)
  )
    found.push(at);
  return found;
}
