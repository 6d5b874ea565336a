import Time from "time";

/**
 * What may go at once, and how much more each second. IoT Core drops, without a word, what a connection publishes above 100
 * messages a second, both directions together, and slows it above 512 KB a second (AWS General Reference). Burst and rate
 * together stay below that in any second, and the largest message, 128 KB, fits into the burst.
 */
const messages = { burst: 20, rate: 80 };
const bytes = { burst: 131_072, rate: 393_216 };

/** Keeps a connection below the rates of IoT Core: what is too fast waits instead of getting lost. */
export class Pace {
  #messages = messages.burst;
  #bytes = bytes.burst;
  #ticks = Time.ticks;

  /**
   * Tells how many milliseconds a message has to wait. 0: it may go now, and is counted.
   *
   * @param byteLength of its payload, up to 128 KB
   */
  next(byteLength: number): number {
    this.#refill();
    const wait = Math.max(
      (1 - this.#messages) / messages.rate,
      (byteLength - this.#bytes) / bytes.rate,
    );
    if (wait > 0) return Math.ceil(wait * 1000);
    this.#messages--;
    this.#bytes -= byteLength;
    return 0;
  }

  /** Counts a message that came in. */
  received(byteLength: number): void {
    this.#refill();
    this.#messages = Math.max(this.#messages - 1, -messages.burst);
    this.#bytes = Math.max(this.#bytes - byteLength, -bytes.burst);
  }

  #refill(): void {
    const since = Time.delta(this.#ticks);
    if (since === 0) return;
    this.#ticks = Time.ticks;
    // Ticks have 32 bits: after 25 days without a message the time since then seems negative.
    const seconds = since > 0 ? since / 1000 : 1;
    this.#messages = Math.min(
      messages.burst,
      this.#messages + seconds * messages.rate,
    );
    this.#bytes = Math.min(bytes.burst, this.#bytes + seconds * bytes.rate);
  }
}
