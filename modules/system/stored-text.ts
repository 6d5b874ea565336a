import { readKey, writeKey, type StoredKey } from "./storage.js";

/** Where a short text is kept over restarts and power cuts. */
export interface TextStore {
  /** The text, or undefined when none was ever stored. */
  read(): string | undefined;
  write(value: string): void;
}

/** A text of up to 3999 bytes in flash, in a key-value namespace (NVS on the ESP32: names of up to 15 characters). */
export class StoredText implements TextStore {
  readonly #key: StoredKey;

  constructor(path: string, key: string) {
    this.#key = { path, key, format: "string" };
  }

  /** The text, or undefined when none was ever stored. Throws a Failure `flash.unreadable`. */
  read(): string | undefined {
    return readKey(this.#key) as string | undefined;
  }

  /** Stores the text; on return it is in flash. Throws a Failure `flash.write-failed`, and then the old one stands. */
  write(value: string): void {
    writeKey(this.#key, value);
  }
}
