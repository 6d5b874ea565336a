import type { Failure } from "./failure.js";
import { log } from "./log.js";

/**
 * Tells a failure to the time line. In a trial, a run with a `count`, one that does not heal by itself ends the run: it
 * is thrown, and the device ends with it. In the field a node never gives up.
 */
export function report(failure: Failure, { count }: { count: number }): void {
  if (count > 0 && !failure.heals) throw failure;
  log(failure.stage, String(failure));
}
