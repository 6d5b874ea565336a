/** How the waits of a device grow from one attempt to the next. */
export type BackoffKind =
  | "constant"
  | "linear"
  | "exponential"
  | "exponential with jitter"
  | "jitter without growth"
  | "none";

/** What was found, with the figures behind it. */
export interface Backoff {
  readonly kind: BackoffKind;
  readonly why: string;
}

/** Fewer waits than this tell nothing: AWS takes five. */
export const fewestWaits = 5;

/** Waits of which the longest is below this, in seconds, are none. */
const nothing = 0.5;

/** A device that waits the same again and again: how far apart its waits may lie, relative to their mean. */
const constantSpread = 0.1;

/** How far the steps of a linear backoff may lie apart, relative to their mean. */
const linearSpread = 0.15;

/** How far the ratios of an exponential backoff may lie from their mean. */
const exponentialSpread = 0.1;

/** The waits after the third are at least so many times as long as the first three: the backoff grows. */
const growth = 2;

/**
 * Tells how the waits between the end of one connection and the start of the next grow.
 *
 * AWS does not publish its classifier; this one is stricter. Random waits have to grow as well: with full jitter from 1 s
 * to 120 s the waits after the third are 58 times as long on average, and that they are not even twice as long happens
 * once in a million runs of ten; waits that are random without growth pass for growing in some 8 of 100 runs of ten.
 *
 * @param waits seconds, in order; at least `fewestWaits`
 */
export function classifyBackoff(waits: readonly number[]): Backoff {
  if (Math.max(...waits) < nothing)
    return { kind: "none", why: `no wait is longer than ${nothing} s` };
  if (spread(waits) < constantSpread)
    return {
      kind: "constant",
      why: `all waits are ${mean(waits).toFixed(1)} s, give or take ${percent(spread(waits))}`,
    };
  // A limit that was reached is not part of how they grew.
  const growing = withoutLimit(waits);
  if (growing.length > 2) {
    const steps = pairs(growing, (a, b) => b - a);
    if (mean(steps) > 0 && spread(steps) < linearSpread)
      return {
        kind: "linear",
        why: `each wait is ${mean(steps).toFixed(1)} s longer than the one before`,
      };
    const ratios = pairs(growing, (a, b) => b / a);
    const usual = mean(ratios);
    if (usual > 1.1 && ratios.every((one) => near(one, usual)))
      return {
        kind: "exponential",
        why: `each wait is ${usual.toFixed(2)} times as long as the one before, without jitter`,
      };
  }
  const ratio = mean(waits.slice(3)) / mean(waits.slice(0, 3));
  const words = `the waits after the third are ${ratio.toFixed(1)} times as long as the first three`;
  return ratio >= growth
    ? { kind: "exponential with jitter", why: `random, and ${words}` }
    : { kind: "jitter without growth", why: `random, but ${words}` };
}

/** Without the waits at the end that are all the same as the longest. */
function withoutLimit(waits: readonly number[]): number[] {
  const limit = waits[waits.length - 1];
  let count = waits.length;
  while (count > 1 && Math.abs(waits[count - 2] - limit) <= 0.02 * limit)
    count--;
  return waits.slice(0, count);
}

const near = (value: number, usual: number): boolean =>
  Math.abs(value / usual - 1) <= exponentialSpread;

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Standard deviation, relative to the mean. */
function spread(values: readonly number[]): number {
  const middle = mean(values);
  const variance = mean(values.map((value) => (value - middle) ** 2));
  return Math.sqrt(variance) / Math.abs(middle);
}

const pairs = (
  values: readonly number[],
  relate: (a: number, b: number) => number,
): number[] =>
  values.slice(1).map((value, index) => relate(values[index], value));

const percent = (part: number): string => `${(part * 100).toFixed(0)} %`;
