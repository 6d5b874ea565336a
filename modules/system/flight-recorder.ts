import { readKey, tellFailure, writeKey, type StoredKey } from "./storage.js";

/** A record as it is stored: its place in the order of all, then the JSON text. */
const stored = /^(\d+) (.*)$/s;

/**
 * The last records of what happened to the node, kept in flash over resets and power cuts, each as a JSON object.
 *
 * A ring: the newest takes the place of the oldest. A record of 200 bytes takes 8 of the 126 entries of an NVS page, so one
 * a minute for ten years erases each of five pages some 65,000 times of the 100,000 that flash endures. Flash that fails
 * is told on the time line, and costs the node no more than its memory.
 */
export class FlightRecorder {
  readonly #path: string;
  readonly #capacity: number;
  /** The number of the current record; undefined before anything was written since the start. */
  #number: number | undefined;
  #begun = true;

  /**
   * @param path the namespace in flash, used for nothing else
   * @param capacity most records
   */
  constructor(path: string, capacity = 32) {
    this.#path = path;
    this.#capacity = capacity;
  }

  /** The next `write` begins a new record. */
  begin(): void {
    this.#begun = true;
  }

  /** Keeps a record, in place of what was kept of it since `begin`. */
  write(record: object): void {
    tellFailure(() => {
      this.#number ??= this.#last();
      if (this.#begun) this.#number++;
      this.#begun = false;
      writeKey(
        this.#key(this.#number % this.#capacity),
        `${this.#number} ${JSON.stringify(record)}`,
      );
    });
  }

  /** The records as JSON texts, the oldest first. */
  read(): string[] {
    const found: [number, string][] = [];
    tellFailure(() => {
      for (let place = 0; place < this.#capacity; place++) {
        const entry = stored.exec(this.#entry(place));
        if (entry) found.push([Number(entry[1]), entry[2]]);
      }
    });
    return found.sort(([a], [b]) => a - b).map(([, text]) => text);
  }

  /** The number of the last record before the start. */
  #last(): number {
    let last = 0;
    for (let place = 0; place < this.#capacity; place++)
      last = Math.max(last, parseInt(this.#entry(place)) || 0);
    return last;
  }

  #entry(place: number): string {
    return (readKey(this.#key(place)) as string | undefined) ?? "";
  }

  #key(place: number): StoredKey {
    return { path: this.#path, key: String(place), format: "string" };
  }
}
