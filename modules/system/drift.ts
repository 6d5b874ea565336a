import { tellFailure } from "./storage.js";
import type { NumberStore } from "./stored-number.js";

/** Two settings of the clock must lie this far apart, in ms: the error of a time server's answer, some 50 ms, then counts little. */
const learnAfter = 3_600_000;

/** A larger error, in parts per million, is no crystal's (an ESP32's has 10 to 40): somebody moved the time. */
const largestRate = 200;

/** What is stored is never negative: tenths of a part per million, this added. */
const zero = 10_000;

/**
 * How much faster the true time runs than the node's crystal, learnt from one setting of the clock to the next and kept in
 * flash: a node whose time server is out of reach for a month is then wrong by seconds, not by a minute and a half.
 */
export class Drift {
  readonly #store: NumberStore;
  /** Parts per million; 0 until two settings have told. */
  #rate: number;
  #isLearnt: boolean;

  /** Reads the store. Throws its Failure. */
  constructor(store: NumberStore) {
    this.#store = store;
    const stored = store.read();
    this.#isLearnt = stored !== undefined;
    this.#rate = stored === undefined ? 0 : (stored - zero) / 10;
    if (Math.abs(this.#rate) > largestRate) this.#rate = 0;
  }

  /** Parts per million by which the true time runs faster. */
  get rate(): number {
    return this.#rate;
  }

  /** The true milliseconds that pass while the crystal counts `elapsed`. */
  correct(elapsed: number): number {
    return elapsed + Math.round((elapsed * this.#rate) / 1_000_000);
  }

  /** The crystal counted `elapsed` ms while `truth` ms went by. Later measurements weigh as much as all before them. */
  learn(elapsed: number, truth: number): void {
    if (elapsed < learnAfter) return;
    const measured = ((truth - elapsed) / elapsed) * 1_000_000;
    if (Math.abs(measured) > largestRate) return;
    const rate = this.#isLearnt ? (this.#rate + measured) / 2 : measured;
    const isNews = Math.round(rate * 10) !== Math.round(this.#rate * 10);
    this.#isLearnt = true;
    this.#rate = rate;
    // What cannot be kept still counts until the node restarts.
    if (isNews)
      tellFailure(() => this.#store.write(zero + Math.round(rate * 10)));
  }
}
