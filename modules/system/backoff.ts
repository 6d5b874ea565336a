/** How a wait grows from one failed attempt to the next. Times in milliseconds. */
export interface BackoffOptions {
  /** Upper bound of the first wait. */
  base?: number;
  /** Upper bound of every wait. */
  limit?: number;
  /** A number from 0 up to, not including, 1. */
  random?: () => number;
}

/**
 * Waits that grow exponentially and are wholly random below their bound ("full jitter"), so that a fleet that lost its
 * server together does not come back together (AWS Architecture Blog, "Exponential Backoff And Jitter"). The defaults,
 * 1 s to 120 s, are what AWS's own device SDKs use towards IoT Core.
 */
export class Backoff {
  readonly #base: number;
  readonly #limit: number;
  readonly #random: () => number;
  #attempts = 0;

  constructor({
    base = 1000,
    limit = 120_000,
    random = Math.random,
  }: BackoffOptions = {}) {
    this.#base = base;
    this.#limit = limit;
    this.#random = random;
  }

  /** Failed attempts since the last reset. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Counts one more failed attempt and tells how many milliseconds to wait before the next. */
  next(): number {
    const bound = Math.min(
      this.#limit,
      this.#base * 2 ** Math.min(this.#attempts, 30),
    );
    this.#attempts++;
    return Math.round(this.#random() * bound);
  }

  /** The other side has proved healthy: start from the shortest wait again. */
  reset(): void {
    this.#attempts = 0;
  }
}
