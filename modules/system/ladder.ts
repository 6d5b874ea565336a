import Time from "time";
import Timer from "timer";
import { log } from "./log.js";
import { tellFailure } from "./storage.js";
import type { NumberStore } from "./stored-number.js";

/** Something to be tried when the cloud stays out of reach. */
export interface Rung {
  /** What it does, for the time line. */
  name: string;
  /** How long after the rung before, or after the loss, it is tried, in ms. */
  after: number;
  climb: () => void;
}

/** What a ladder needs. */
export interface LadderOptions {
  /** The mild ones first. */
  rungs: Rung[];
  /** The last resort: a new start of the node. */
  restart: () => void;
  /** How many restarts in a row have not helped. */
  restarts: NumberStore;
  /** How long after the last rung the first restart comes, in ms; an hour when absent. */
  restartAfter?: number;
}

/** The longest wait between two restarts, in ms. */
const longestWait = 24 * 3_600_000;

/**
 * What a node does when the cloud stays out of reach: one rung after the other, each harder than the one before, and at
 * last a restart of its own. Each restart that did not help doubles the wait until the next, up to a day, so that a node
 * without a network never does nothing but restart. It begins to climb at once, because a node starts out of reach.
 */
export class Ladder {
  readonly #options: Required<LadderOptions>;
  #restarts: number;
  #rung = 0;
  #timer: Timer | undefined;
  #lostAt = 0;
  #isReached = false;

  constructor(options: LadderOptions) {
    this.#options = { restartAfter: 3_600_000, ...options };
    this.#restarts = tellFailure(() => options.restarts.read()) ?? 0;
    this.#begin();
  }

  /** The cloud was reached: down from the ladder. */
  reached(): void {
    this.#isReached = true;
    this.#stop();
    if (this.#restarts > 0) this.#count(0);
  }

  /** The cloud was lost. While it already was, nothing changes. */
  lost(): void {
    if (!this.#isReached) return;
    this.#isReached = false;
    this.#begin();
  }

  /** Nothing is tried any more. */
  close(): void {
    this.#stop();
  }

  #begin(): void {
    this.#rung = 0;
    this.#lostAt = Time.ticks;
    this.#wait();
  }

  #wait(): void {
    const { rungs, restartAfter } = this.#options;
    const rung = rungs.at(this.#rung);
    if (rung === undefined) {
      const wait = Math.min(restartAfter * 2 ** this.#restarts, longestWait);
      this.#timer = Timer.set(() => this.#restart(), wait);
      return;
    }
    this.#timer = Timer.set(() => {
      this.#tell(rung.name);
      this.#rung++;
      this.#wait();
      rung.climb();
    }, rung.after);
  }

  #restart(): void {
    this.#tell("restart the node");
    this.#count(this.#restarts + 1);
    this.#wait();
    this.#options.restart();
  }

  #tell(what: string): void {
    const minutes = Math.round(Time.delta(this.#lostAt) / 60_000);
    log("wifi", `the cloud is out of reach for ${minutes} min: ${what}`);
  }

  #count(restarts: number): void {
    this.#restarts = restarts;
    tellFailure(() => this.#options.restarts.write(restarts));
  }

  #stop(): void {
    Timer.clear(this.#timer);
    this.#timer = undefined;
  }
}
