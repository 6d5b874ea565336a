/**
 * The SDK's `time`: the node's wall clock and its ticks. Setting the clock sets the node's own (see the option --clock),
 * never the desktop's. `Date` reads the same clock.
 */
export default class Time {
  /** Minutes from UTC and seconds of daylight saving, as last set. The simulated node keeps its clock in UTC. */
  static timezone = 0;
  static dst = 0;

  /** Sets the wall clock to whole seconds since 1970. */
  static set(seconds: number): void {
    native<(seconds: number) => void>("xs_time_set").call(this, seconds);
  }

  /** Milliseconds that run evenly from the start, as a signed 32-bit number that wraps: compare with `delta` only. */
  static get ticks(): number {
    return native<() => number>("xs_time_ticks").call(this);
  }

  /** Milliseconds from one reading of `ticks` to another, or to now; right also across the wrap. */
  static delta(start: number, end = Time.ticks): number {
    return (end - start) | 0;
  }

  /** Microseconds that run evenly from the start. */
  static get microseconds(): number {
    return native<() => number>("xs_time_microseconds").call(this);
  }
}
