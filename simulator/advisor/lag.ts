/** How often it looks, in ms. */
const interval = 20;

/** Measures how late this process comes to its work: the longest time, in ms, that a timer fired after its moment. */
export class Lag {
  readonly #timer: NodeJS.Timeout;
  #last = performance.now();
  #longest = 0;

  constructor() {
    this.#timer = setInterval(() => this.#look(), interval);
    this.#timer.unref();
  }

  /** The longest so far, in ms. */
  get longest(): number {
    this.#look();
    return this.#longest;
  }

  /** Stops measuring. */
  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    this.#longest = Math.max(this.#longest, now - this.#last - interval);
    this.#last = now;
  }
}
