/** Why the node started. `sleep`: it woke from deep sleep. `other`: a reason that says nothing to an owner. */
export type ResetReason =
  | "power-on"
  | "external"
  | "software"
  | "panic"
  | "watchdog"
  | "sleep"
  | "brownout"
  | "other";

/** What ended a deep sleep. */
export type WakeCause = "timer" | "pin";

/** How long to sleep, and what else wakes the node. */
export interface SleepOptions {
  milliseconds: number;
  /** A pin that can wake this chip, and the level at which it does. */
  pin?: { number: number; level: 0 | 1 };
}

/** Bytes that `retained` can hold. */
export const retainedLimit = 1024;

/**
 * Power, resets and sleep of the chip. `embedded:x-fieldnode/power` is such a class on each machine; the SDK has none for
 * the ESP32.
 */
export interface Power {
  readonly resetReason: ResetReason;
  /** Set after a deep sleep alone. */
  readonly wakeCause: WakeCause | undefined;
  /** The smallest number of bytes that the native heap ever had free in this life; undefined where nobody counts. */
  readonly heapLow: number | undefined;
  /**
   * A text that outlives deep sleep and every reset but a loss of power; undefined where there is none. Writing one
   * longer than `retainedLimit` bytes throws a RangeError.
   */
  retained: string | undefined;
  /** Starts the node anew, at once. */
  restart(): void;
  /**
   * Ends this life and starts the node anew later. What is not in flash, and not `retained`, is gone.
   *
   * @throws RangeError where the pin cannot wake this chip
   */
  sleep(options: SleepOptions): void;
}
