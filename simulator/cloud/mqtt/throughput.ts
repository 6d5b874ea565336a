/** A connection's bytes a second, in one direction: a second's worth at once, and what comes beyond it is delayed. */
export class Throughput {
  readonly #rate: number;
  #left: number;
  #last = performance.now();

  /** @param rate bytes a second; 0 does not limit */
  constructor(rate: number) {
    this.#rate = rate;
    this.#left = rate;
  }

  /** Takes bytes that passed. @returns milliseconds that the next ones have to wait */
  take(bytes: number): number {
    if (this.#rate === 0) return 0;
    const now = performance.now();
    const since = (now - this.#last) / 1000;
    this.#last = now;
    this.#left = Math.min(this.#rate, this.#left + since * this.#rate) - bytes;
    return this.#left >= 0 ? 0 : (-this.#left / this.#rate) * 1000;
  }
}
