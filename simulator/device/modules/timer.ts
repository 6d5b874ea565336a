/** Called when a timer is due, with the timer itself. */
export type TimerCallback = (timer: Timer) => void;

/**
 * The SDK's `timer`: calls back once or again and again, in milliseconds.
 *
 * A timer that is set lives by itself, nobody has to hold on to it; one that has fired for the last time or was cleared
 * stays a harmless object, so that clearing it once more does nothing.
 */
export default class Timer extends Native("xs_timer_destructor") {
  // Callers set, repeat or schedule; only these know how a timer comes to life.
  private constructor() {
    super();
  }

  /**
   * Calls back after `interval` ms (0: as soon as the event loop comes round), then every `repeat` ms if that is given.
   */
  static set(
    callback: TimerCallback,
    interval?: number,
    repeat?: number,
  ): Timer {
    return native<
      (callback: TimerCallback, interval?: number, repeat?: number) => Timer
    >("xs_timer_set").call(this, callback, interval, repeat);
  }

  /** Calls back every `interval` ms until cleared. */
  static repeat(callback: TimerCallback, interval: number): Timer {
    return Timer.set(callback, interval, interval);
  }

  /** Moves a timer to `interval` ms from now, then every `repeat` ms. Without an interval the timer rests. */
  static schedule(timer: Timer, interval?: number, repeat?: number): void {
    native<(timer: Timer, interval?: number, repeat?: number) => void>(
      "xs_timer_schedule",
    ).call(this, timer, interval, repeat);
  }

  /** Stops a timer for good. */
  static clear(timer: Timer | undefined | null): void {
    native<(timer: Timer | undefined | null) => void>("xs_timer_clear").call(
      this,
      timer,
    );
  }

  /** Does nothing for so many milliseconds, and lets nothing else happen either. */
  static delay(milliseconds: number): void {
    native<(milliseconds: number) => void>("xs_timer_delay").call(
      this,
      milliseconds,
    );
  }
}
