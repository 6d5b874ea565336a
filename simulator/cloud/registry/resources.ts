import type { Store } from "../store.js";
import { ServiceError } from "../service-error.js";

/** Kinds of resource that are kept as one record each. */
export type ResourceKind =
  | "thing-type"
  | "thing-group"
  | "billing-group"
  | "ca-certificate"
  | "job-template"
  | "tags";

/** The records of one kind of resource, by name. What they mean is their owner's. */
export class Resources<T> {
  readonly #store: Store;
  readonly #kind: ResourceKind;
  /** How messages call one of them: `Thing type`. */
  readonly #noun: string;

  constructor(store: Store, kind: ResourceKind, noun: string) {
    this.#store = store;
    this.#kind = kind;
    this.#noun = noun;
  }

  /** The record of this name, if there is one. */
  find(name: string): T | undefined {
    return this.#store.resources.get([this.#kind, name]) as T | undefined;
  }

  /** @throws ServiceError ResourceNotFoundException */
  describe(name: string): T {
    const found = this.find(name);
    if (found === undefined)
      throw new ServiceError(
        "ResourceNotFoundException",
        `${this.#noun} ${name} not found`,
      );
    return found;
  }

  /** Keeps a record; one of the same name is replaced. */
  put(name: string, record: T): T {
    this.#store.transaction(() => {
      this.#store.resources.putSync([this.#kind, name], record);
      this.#store.touchRegistry();
    });
    return record;
  }

  /** Removes a record; one that is not there stays so. */
  remove(name: string): void {
    this.#store.transaction(() => {
      this.#store.resources.removeSync([this.#kind, name]);
      this.#store.touchRegistry();
    });
  }

  /** All records, by name. */
  list(): T[] {
    const range = this.#store.resources.getRange({
      start: [this.#kind, ""],
      end: [`${this.#kind}\u0000`, ""],
    });
    return [...range].map(({ value }) => value as T);
  }
}
