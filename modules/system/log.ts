import Time from "time";

let start: number | undefined;

/** Begins the time line. To be called first: a module's own code does not run at the start where it is preloaded. */
export function startTimeLine(): void {
  start = Time.ticks;
}

/**
 * Writes one line of the node's time line to its console: seconds since the start, the step, what happened.
 *
 * @param step one word, as in `Failure.stage`
 */
export function log(step: string, text: string): void {
  const milliseconds = Time.delta((start ??= Time.ticks));
  trace(
    `${(milliseconds / 1000).toFixed(3).padStart(9)} s  ${step.padEnd(9)} ${text}\n`,
  );
}
