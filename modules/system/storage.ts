import KeyValueStorage, {
  type StorageFormat,
} from "embedded:storage/key-value";
import { Failure } from "./failure.js";
import type { FailureCode } from "./failures.js";
import { log } from "./log.js";

type Storage = ReturnType<typeof KeyValueStorage.open>;

/** A value in flash: of a key, in a key-value namespace (NVS on the ESP32: names of up to 15 characters). */
export interface StoredKey {
  path: string;
  key: string;
  format: StorageFormat;
}

/** Reads a key; undefined when it was never written. Throws a Failure `flash.unreadable`. */
export function readKey({ path, key, format }: StoredKey): unknown {
  return use(path, format, "flash.unreadable", (storage) => storage.read(key));
}

/** Writes a key; on return it is in flash. Throws a Failure `flash.write-failed`, and then the old value stands. */
export function writeKey(
  { path, key, format }: StoredKey,
  value: number | string,
): void {
  use(path, format, "flash.write-failed", (storage) =>
    storage.write(key, value),
  );
}

/** Does what the node can go on without: where flash fails, the time line tells, and undefined comes back. */
export function tellFailure<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    const failure = Failure.from(error, "flash.write-failed");
    log(failure.stage, String(failure));
    return undefined;
  }
}

function use<T>(
  path: string,
  format: StorageFormat,
  otherwise: FailureCode,
  act: (storage: Storage) => T,
): T {
  try {
    const storage = KeyValueStorage.open({ path, mode: "r+", format });
    try {
      return act(storage);
    } finally {
      storage.close();
    }
  } catch (error) {
    throw Failure.from(error, otherwise);
  }
}
