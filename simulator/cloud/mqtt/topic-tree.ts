/** A level of the tree. */
interface Level<T> {
  readonly children: Map<string, Level<T>>;
  /** What is subscribed to exactly this level, by key. */
  readonly here: Map<string, T>;
  /** What is subscribed to everything below (`…/#`), by key. */
  readonly below: Map<string, T>;
}

/**
 * Topic filters and who holds them, found by topic in one walk.
 *
 * AWS's rules, not the standard's: `a/#` matches `a/` and what is below, but not `a`; a wildcard in the first level matches
 * no topic that begins with `$`.
 */
export class TopicTree<T> {
  readonly #root: Level<T> = makeLevel();

  /** Adds `value` under `filter`; the same key under the same filter is replaced. */
  add(filter: string, key: string, value: T): void {
    let level = this.#root;
    const names = filter.split("/");
    const below = names.at(-1) === "#";
    if (below) names.pop();
    for (const name of names) {
      let next = level.children.get(name);
      if (!next) level.children.set(name, (next = makeLevel()));
      level = next;
    }
    (below ? level.below : level.here).set(key, value);
  }

  /** Removes what `add` put there, and the levels that nothing needs any more. */
  remove(filter: string, key: string): void {
    const names = filter.split("/");
    const below = names.at(-1) === "#";
    if (below) names.pop();
    this.#remove(this.#root, names, 0, below, key);
  }

  /** Calls `found` for everything whose filter matches `topic`: once for each filter. */
  match(topic: string, found: (value: T) => void): void {
    this.#match(this.#root, topic.split("/"), 0, topic.startsWith("$"), found);
  }

  /** True when nothing is subscribed. */
  get empty(): boolean {
    return isEmpty(this.#root);
  }

  #match(
    level: Level<T>,
    names: readonly string[],
    depth: number,
    reserved: boolean,
    found: (value: T) => void,
  ): void {
    if (depth === names.length) {
      for (const value of level.here.values()) found(value);
      return;
    }
    const wild = depth > 0 || !reserved;
    if (wild) for (const value of level.below.values()) found(value);
    const exact = level.children.get(names[depth]);
    if (exact) this.#match(exact, names, depth + 1, reserved, found);
    const plus = wild ? level.children.get("+") : undefined;
    if (plus) this.#match(plus, names, depth + 1, reserved, found);
  }

  #remove(
    level: Level<T>,
    names: readonly string[],
    depth: number,
    below: boolean,
    key: string,
  ): void {
    if (depth === names.length) {
      (below ? level.below : level.here).delete(key);
      return;
    }
    const name = names[depth];
    const next = level.children.get(name);
    if (!next) return;
    this.#remove(next, names, depth + 1, below, key);
    if (isEmpty(next)) level.children.delete(name);
  }
}

function makeLevel<T>(): Level<T> {
  return { children: new Map(), here: new Map(), below: new Map() };
}

function isEmpty<T>(level: Level<T>): boolean {
  return (
    level.children.size === 0 && level.here.size === 0 && level.below.size === 0
  );
}
