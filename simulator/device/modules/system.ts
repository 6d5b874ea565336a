import Timer from "timer";

/** The SDK's `embedded:io/system`, as far as a node without a screen needs it. Times in ms. */
export default class System {
  static setTimeout: typeof Timer.set = (callback, interval, repeat) =>
    Timer.set(callback, interval, repeat);
  static clearTimeout: typeof Timer.clear = (timer) => Timer.clear(timer);
  static setInterval: typeof Timer.repeat = (callback, interval) =>
    Timer.repeat(callback, interval);
  static clearInterval: typeof Timer.clear = (timer) => Timer.clear(timer);

  /** Switches the node off and on: the program starts anew, with the same command line and what is in its flash. */
  static restart(): void {
    native<() => void>("xs_system_restart").call(this);
  }
}
