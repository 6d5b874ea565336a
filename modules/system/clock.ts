import Time from "time";
import { Drift } from "./drift.js";
import { tellFailure } from "./storage.js";
import type { NumberStore } from "./stored-number.js";

/** When this firmware was released, in ms since 1970: no moment in its life can be earlier. Raised with each release. */
export const releaseTime = Date.UTC(2026, 10, 1);

/** The system's own wall clock, in ms since 1970: right in its pace, within its crystal's error, from power-on. */
export interface SystemTime {
  readonly now: number;
  /** @param seconds since 1970 */
  set(seconds: number): void;
}

/** What a clock needs. */
export interface ClockOptions {
  /** The latest time that was surely past, in seconds since 1970; read once, written at most once an hour. */
  time: NumberStore;
  /** The crystal's error, as Drift stores it. */
  drift: NumberStore;
  /** The system's clock was set in a life before. It goes on over sleep and restarts until the power goes. */
  wasSet?: boolean;
  system?: SystemTime;
}

const keepEvery = 3_600_000;

const systemTime: SystemTime = {
  get now() {
    return Date.now();
  },
  set: (seconds) => Time.set(seconds),
};

/**
 * The node's wall clock.
 *
 * After power-on an ESP32 believes that it is 1970, and then no certificate's dates can be judged. The clock therefore
 * has a floor below which it never reads: the release of the firmware, the last time kept in flash, or the beginning of a
 * server certificate that was accepted, whichever is latest. Until somebody who knows sets it, `isSet` is false and `now`
 * is the floor plus the time since it was laid.
 *
 * A time server is asked without proof of who answers. What it says is therefore kept in flash only after a server with a
 * certificate has been verified by it (`confirm`): an answer of a century ahead is undone by the next right one, and does
 * not lock the node out for good.
 */
export class Clock {
  /** The clock was set, and `steady` went by so many ms forward, or backward where negative. */
  onStep: ((milliseconds: number) => void) | undefined;

  /** The system's time went on from the life before; else it began anew, at the floor. */
  readonly wentOn: boolean;
  readonly #system: SystemTime;
  readonly #store: NumberStore;
  readonly #drift: Drift;
  #floor: number;
  #kept: number;
  #set = false;
  /** The clock read `#time` when the system's clock read `#systemTime`. */
  #time: number;
  #systemTime: number;

  /** Reads both stores. Throws their Failures. */
  constructor({
    time,
    drift,
    wasSet = false,
    system = systemTime,
  }: ClockOptions) {
    this.#system = system;
    this.#store = time;
    this.#drift = new Drift(drift);
    this.#kept = (time.read() ?? 0) * 1000;
    this.#floor = Math.max(releaseTime, this.#kept);
    // From here on it goes on until the power goes, so that lives before it is set can be put right together.
    this.wentOn = system.now >= this.#floor;
    if (!this.wentOn) system.set(Math.ceil(this.#floor / 1000));
    this.#systemTime = system.now;
    // A system that kept its time over a sleep knows more than the floor.
    this.#time = Math.max(this.#floor, this.#systemTime);
    this.#set = wasSet && this.wentOn;
  }

  /** Milliseconds since 1970. */
  get now(): number {
    const elapsed = this.#system.now - this.#systemTime;
    return this.#time + this.#drift.correct(elapsed);
  }

  /**
   * For what is measured: `now` where the clock is set. Before, it is the system's time, which no certificate moves: when
   * the clock is set, `onStep` tells what it should have been.
   */
  get steady(): number {
    return this.#set ? this.now : this.#system.now;
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
    const step = now - this.steady;
    if (this.#set)
      this.#drift.learn(this.#system.now - this.#systemTime, now - this.#time);
    // The SDK sets the system's time in whole seconds; the rest is kept here.
    this.#system.set(Math.floor(now / 1000));
    this.#lay(now);
    this.#set = true;
    this.onStep?.(step);
    return true;
  }

  /**
   * A server has proved itself by a certificate whose dates hold at the clock's present time: that time may be kept, and
   * it cannot be earlier than the certificate.
   *
   * @param notBefore when the certificate begins, in ms since 1970
   */
  confirm(notBefore: number): void {
    if (this.now < notBefore) this.#lay(notBefore);
    this.#floor = Math.max(this.#floor, notBefore);
    if (this.now - this.#kept > keepEvery) this.#keep(this.now);
  }

  /** From here on the clock counts from `now`. */
  #lay(now: number): void {
    this.#time = now;
    this.#systemTime = this.#system.now;
  }

  /** The time is right also where it cannot be kept; that is tried again an hour later. */
  #keep(now: number): void {
    this.#kept = now;
    this.#floor = Math.max(this.#floor, now);
    tellFailure(() => this.#store.write(Math.floor(now / 1000)));
  }
}
