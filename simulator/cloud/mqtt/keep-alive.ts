/** Watches that a client says something in time. One timer: it looks when the last packet came and sleeps for the rest. */
export class KeepAlive {
  readonly #limit: number;
  readonly #onSilence: () => void;
  #heard = Date.now();
  #timer: NodeJS.Timeout;

  /**
   * @param limit milliseconds of silence that are allowed
   * @param onSilence is called once when they are over
   */
  constructor(limit: number, onSilence: () => void) {
    this.#limit = limit;
    this.#onSilence = onSilence;
    this.#timer = setTimeout(() => this.#look(), limit);
  }

  /** The client said something. */
  heard(): void {
    this.#heard = Date.now();
  }

  /** Ends the watch. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #look(): void {
    const wait = this.#heard + this.#limit - Date.now();
    if (wait > 0) this.#timer = setTimeout(() => this.#look(), wait);
    else this.#onSilence();
  }
}
