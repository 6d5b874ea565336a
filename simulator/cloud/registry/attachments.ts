import type { Store } from "../store.js";

/** Relations of the registry, each kept in both directions. */
type Relation = "thing-principal" | "policy-target" | "group-thing";

/** Bytes of two names together: more than any two that can be attached, and less than a key of the store may have. */
const nameLimit = 1_024;

/** What is attached to what. Names only: whether they exist is the registry's question. */
export class Attachments {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Attaches; the same again replaces `detail`. */
  add(relation: Relation, from: string, to: string, detail: string): void {
    this.#store.transaction(() => {
      this.#store.links.putSync([relation, "of", from, to], detail);
      this.#store.links.putSync([relation, "by", to, from], detail);
      this.#store.touchRegistry();
    });
  }

  /** Detaches; what is not attached stays so. */
  remove(relation: Relation, from: string, to: string): void {
    if (Buffer.byteLength(from + to) > nameLimit) return;
    this.#store.transaction(() => {
      this.#store.links.removeSync([relation, "of", from, to]);
      this.#store.links.removeSync([relation, "by", to, from]);
      this.#store.touchRegistry();
    });
  }

  /** What is attached to `from`, with the detail of each attachment. */
  of(relation: Relation, from: string): Map<string, string> {
    return this.#read([relation, "of", from]);
  }

  /** What `to` is attached to, with the detail of each attachment. */
  by(relation: Relation, to: string): Map<string, string> {
    return this.#read([relation, "by", to]);
  }

  #read(prefix: string[]): Map<string, string> {
    const found = new Map<string, string>();
    const range = this.#store.links.getRange({
      start: prefix,
      end: [...prefix.slice(0, -1), `${prefix.at(-1) ?? ""}\u0001`],
    });
    for (const { key, value } of range)
      if (
        Array.isArray(key) &&
        key.length === prefix.length + 1 &&
        prefix.every((part, index) => part === key[index])
      )
        found.set(String(key.at(-1)), value as string);
    return found;
  }
}
