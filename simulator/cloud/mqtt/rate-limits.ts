import { RateLimit } from "./rate-limit.js";

/** A rate limit for each of many names; one that has not been used for long enough takes no memory. */
export class RateLimits {
  readonly #limits = new Map<string, RateLimit>();
  readonly #rate: number;
  readonly #capacity: number;

  /** @param rate uses a second of one name, 0 for any number @param capacity uses at once */
  constructor(rate: number, capacity: number) {
    this.#rate = rate;
    this.#capacity = capacity;
  }

  /** Takes one use of `name`. @returns false when there is none left for now */
  take(name: string): boolean {
    if (this.#rate === 0) return true;
    for (const [other, limit] of this.#limits) {
      if (!limit.idle) break;
      this.#limits.delete(other);
    }
    const limit =
      this.#limits.get(name) ?? new RateLimit(this.#rate, this.#capacity);
    // Last used is last in order: the idle ones are found first.
    this.#limits.delete(name);
    this.#limits.set(name, limit);
    return limit.take();
  }
}
