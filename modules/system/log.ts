import Time from "time";

const start = Time.ticks;

/**
 * Writes one line of the node's time line to its console: seconds since the start, the step, what happened.
 *
 * @param step one word, as in `Failure.stage`
 */
export function log(step: string, text: string): void {
  const milliseconds = Time.delta(start);
  trace(
    `${(milliseconds / 1000).toFixed(3).padStart(9)} s  ${step.padEnd(9)} ${text}\n`,
  );
}
