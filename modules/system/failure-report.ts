import Timer from "timer";
import type { Failure } from "./failure.js";
import { log } from "./log.js";

/** How long a run goes on after the failure that ends it, in ms: an alert to the server is then on its way. */
const farewell = 50;

/**
 * Tells a failure to the time line. In a trial, a run with a `count`, one that does not heal by itself ends the run: it
 * is thrown, and the device ends with it. In the field a node never gives up.
 */
export function report(failure: Failure, { count }: { count: number }): void {
  if (count === 0 || failure.heals) log(failure.stage, String(failure));
  else
    Timer.set(() => {
      throw failure;
    }, farewell);
}
