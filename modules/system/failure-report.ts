import Timer from "timer";
import { Failure } from "./failure.js";
import { log, startTimeLine } from "./log.js";

/** How long a run goes on after the failure that ends it, in ms: an alert to the server is then on its way. */
const farewell = 50;

/**
 * Begins the time line and puts a node together. A Failure on the way, such as a missing identity, is told to the time
 * line and ends the node.
 */
export function start(compose: () => void): void {
  startTimeLine();
  try {
    compose();
  } catch (error) {
    if (error instanceof Failure) tell(error);
    throw error;
  }
}

/**
 * Tells a failure to the time line. In a trial, a run with a `count`, one that does not heal by itself ends the run: the
 * node is closed, the failure is thrown, and the device ends with it. In the field a node never gives up.
 *
 * @param close closes everything that the node has open
 */
export function report(
  failure: Failure,
  { count }: { count: number },
  close: () => void,
): void {
  tell(failure);
  if (count === 0 || failure.heals) return;
  close();
  Timer.set(() => {
    throw failure;
  }, farewell);
}

function tell(failure: Failure): void {
  log(failure.stage, String(failure));
  failure.told = true;
}
