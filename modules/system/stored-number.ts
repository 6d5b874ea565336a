import KeyValueStorage from "embedded:storage/key-value";
import { Failure } from "./failure.js";
import type { FailureCode } from "./failures.js";
import { log } from "./log.js";

/** Where a whole number from 0 to 2^32 - 1 is kept over restarts and power cuts. */
export interface NumberStore {
  /** The number, or undefined when none was ever stored. */
  read(): number | undefined;
  write(value: number): void;
}

/** A whole number from 0 to 2^32 - 1 in flash, in a key-value namespace (NVS on the ESP32: names of up to 15 characters). */
export class StoredNumber implements NumberStore {
  readonly #path: string;
  readonly #key: string;

  constructor(path: string, key: string) {
    this.#path = path;
    this.#key = key;
  }

  /** The number, or undefined when none was ever stored. Throws a Failure `flash.unreadable`. */
  read(): number | undefined {
    return this.#use("flash.unreadable", (storage) =>
      storage.read(this.#key),
    ) as number | undefined;
  }

  /** Stores the number; on return it is in flash. Throws a Failure `flash.write-failed`, and then the old one stands. */
  write(value: number): void {
    this.#use("flash.write-failed", (storage) =>
      storage.write(this.#key, value),
    );
  }

  #use<T>(
    otherwise: FailureCode,
    use: (storage: ReturnType<typeof KeyValueStorage.open>) => T,
  ): T {
    try {
      const storage = KeyValueStorage.open({
        path: this.#path,
        mode: "r+",
        format: "uint32",
      });
      try {
        return use(storage);
      } finally {
        storage.close();
      }
    } catch (error) {
      throw Failure.from(error, otherwise);
    }
  }
}

/** Stores a number that the node can go on without: where flash fails, the time line tells, and that is all. */
export function keep(store: NumberStore, value: number): void {
  try {
    store.write(value);
  } catch (error) {
    const failure = Failure.from(error, "flash.write-failed");
    log(failure.stage, String(failure));
  }
}
