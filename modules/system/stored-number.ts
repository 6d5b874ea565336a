import { readKey, writeKey, type StoredKey } from "./storage.js";

/** Where a whole number from 0 to 2^32 - 1 is kept over restarts and power cuts. */
export interface NumberStore {
  /** The number, or undefined when none was ever stored. */
  read(): number | undefined;
  write(value: number): void;
}

/** A whole number from 0 to 2^32 - 1 in flash, in a key-value namespace (NVS on the ESP32: names of up to 15 characters). */
export class StoredNumber implements NumberStore {
  readonly #key: StoredKey;

  constructor(path: string, key: string) {
    this.#key = { path, key, format: "uint32" };
  }

  /** The number, or undefined when none was ever stored. Throws a Failure `flash.unreadable`. */
  read(): number | undefined {
    return readKey(this.#key) as number | undefined;
  }

  /** Stores the number; on return it is in flash. Throws a Failure `flash.write-failed`, and then the old one stands. */
  write(value: number): void {
    writeKey(this.#key, value);
  }
}
