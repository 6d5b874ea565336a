import { Failure } from "../system/failure.js";
import type { Sample } from "./sample.js";

/** What an outbox needs. */
export interface OutboxOptions {
  /** Sends one sample; resolves when the cloud has it, rejects with a Failure. */
  send: (sample: Sample) => Promise<void>;
  /** The cloud has the sample. */
  onSent: (sample: Sample) => void;
  /** The sample could not be sent; it stays first in line if the failure heals, and is given up if not. */
  onFailed: (sample: Sample, failure: Failure) => void;
  /** There is no room for the sample any more. */
  onDropped: (sample: Sample) => void;
  /** Samples kept while they cannot be sent. The oldest is given up for the newest when there are more. */
  capacity?: number;
}

/**
 * Keeps samples until the cloud has them, and sends them one after another in the order they were taken.
 *
 * In memory: what is in it is lost with the power. `pause` and `resume` follow the connection, so that nothing is tried
 * while there is none.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #capacity: number;
  readonly #waiting: Sample[] = [];
  #sending = false;
  #paused = true;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#capacity = options.capacity ?? 64;
  }

  /** Samples that the cloud has not acknowledged yet. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Takes a sample into the line. */
  add(sample: Sample): void {
    if (this.#waiting.length === this.#capacity) {
      // The first one may be on its way: the second is the oldest that surely is not.
      const [dropped] = this.#waiting.splice(this.#sending ? 1 : 0, 1);
      this.#options.onDropped(dropped);
    }
    this.#waiting.push(sample);
    this.#next();
  }

  /** There is a connection. */
  resume(): void {
    this.#paused = false;
    this.#next();
  }

  /** There is no connection. */
  pause(): void {
    this.#paused = true;
  }

  #next(): void {
    const sample = this.#waiting.at(0);
    if (this.#sending || this.#paused || sample === undefined) return;
    this.#sending = true;
    this.#options.send(sample).then(
      () => {
        this.#done();
        this.#options.onSent(sample);
      },
      (error: unknown) => {
        const failure = Failure.from(error, "mqtt.closed");
        if (failure.heals) this.#sending = false;
        else this.#done();
        this.#options.onFailed(sample, failure);
      },
    );
  }

  #done(): void {
    this.#sending = false;
    this.#waiting.shift();
    this.#next();
  }
}
