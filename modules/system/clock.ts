import Time from "time";
import { Failure } from "./failure.js";
import { log } from "./log.js";

/** When this firmware was released, in ms since 1970: no moment in its life can be earlier. Raised with each release. */
export const releaseTime = Date.UTC(2026, 10, 1);

/** Where the clock keeps the last time it knew, over restarts and power cuts. */
export interface TimeStore {
  /** Seconds since 1970, or undefined when none was ever kept. */
  read(): number | undefined;
  write(seconds: number): void;
}

/**
 * The node's wall clock.
 *
 * After power-on an ESP32 believes that it is 1970, and then no certificate's dates can be judged. The clock therefore
 * has a floor below which it never reads: the release of the firmware, or the last time kept in flash, whichever is
 * later. Until somebody who knows sets it, `isSet` is false and `now` is the floor plus the time since the start.
 */
export class Clock {
  readonly #store: TimeStore;
  readonly #startTicks = Time.ticks;
  readonly #floor: number;
  #set = false;
  #offset = 0;
  #kept: number;

  /** @param store read once here; written by `set`, at most once an hour, so that flash lasts */
  constructor(store: TimeStore) {
    this.#store = store;
    this.#kept = (store.read() ?? 0) * 1000;
    this.#floor = Math.max(releaseTime, this.#kept);
  }

  /** Milliseconds since 1970. */
  get now(): number {
    const now = Date.now() + this.#offset;
    return this.#set || now > this.#floor
      ? now
      : this.#floor + Time.delta(this.#startTicks);
  }

  /** True once the time is known, not merely bounded. */
  get isSet(): boolean {
    return this.#set;
  }

  /**
   * Sets the clock. A time before the floor is refused: a false time server must not bring old certificates to life.
   *
   * @param now milliseconds since 1970
   * @returns whether the clock took it
   */
  set(now: number): boolean {
    if (now < this.#floor) return false;
    // The SDK sets the system's time in whole seconds; the rest is kept here.
    Time.set(Math.floor(now / 1000));
    this.#offset = now - Date.now();
    this.#set = true;
    if (now - this.#kept > 3_600_000) this.#keep(now);
    return true;
  }

  /** The time is right also where it cannot be kept: the time line tells, and it is tried again an hour later. */
  #keep(now: number): void {
    this.#kept = now;
    try {
      this.#store.write(Math.floor(now / 1000));
    } catch (error) {
      const failure = Failure.from(error, "flash.write-failed");
      log(failure.stage, String(failure));
    }
  }
}
