/** A bucket of tokens: `capacity` at once, refilled at `rate` a second. A rate of 0 does not limit. */
export class RateLimit {
  readonly #rate: number;
  readonly #capacity: number;
  #tokens: number;
  #last = performance.now();

  constructor(rate: number, capacity: number = rate) {
    this.#rate = rate;
    this.#capacity = capacity;
    this.#tokens = capacity;
  }

  /** Takes one token. @returns false when there is none */
  take(): boolean {
    if (this.#rate === 0) return true;
    const now = performance.now();
    this.#tokens = Math.min(
      this.#capacity,
      this.#tokens + ((now - this.#last) / 1000) * this.#rate,
    );
    this.#last = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** True when the bucket is as full as when it was new: nothing needs to be remembered of it. */
  get idle(): boolean {
    const waited = (performance.now() - this.#last) / 1000;
    return this.#tokens + waited * this.#rate >= this.#capacity;
  }
}
