import KeyValueStorage from "embedded:storage/key-value";

/** A whole number from 0 to 2^32 - 1 in flash, in a key-value namespace (NVS on the ESP32: names of up to 15 characters). */
export class StoredNumber {
  readonly #path: string;
  readonly #key: string;

  constructor(path: string, key: string) {
    this.#path = path;
    this.#key = key;
  }

  /** The number, or undefined when none was ever stored. Throws when the flash cannot be read. */
  read(): number | undefined {
    return this.#open("r+", (storage) => storage.read(this.#key)) as
      number | undefined;
  }

  /** Stores the number; on return it is in flash. Throws when it cannot be written, and then the old one stands. */
  write(value: number): void {
    this.#open("r+", (storage) => storage.write(this.#key, value));
  }

  #open<T>(
    mode: "r" | "r+",
    use: (storage: ReturnType<typeof KeyValueStorage.open>) => T,
  ): T {
    const storage = KeyValueStorage.open({
      path: this.#path,
      mode,
      format: "uint32",
    });
    try {
      return use(storage);
    } finally {
      storage.close();
    }
  }
}
