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

/** Waits of which half are below this, in seconds, are none. */
const nothing = 0.5;

/** How far waits may lie from what a rule without jitter makes of them: a part of the wait, of linear ones of the step. */
const closeness = { constant: 0.1, linear: 0.15, exponential: 0.1 };

/**
 * What lies beside a rule is at most this part of what the rule explains. On a busy machine the noise is so large that any
 * waits would lie near enough to any rule.
 */
const unexplained = 1 / 3;

/** A backoff that grows by less than this from wait to wait is taken for constant. */
const leastRatio = 1.1;

/** The waits after the third are at least so many times as long as the first three: the backoff grows. */
const growth = 2;

/**
 * Tells how the waits between the end of one connection and the start of the next grow.
 *
 * AWS does not publish its classifier; this one is stricter. Waits that a rule without jitter explains are not random. Random
 * ones have to grow as well: with full jitter from 1 s to 120 s the waits after the third are about 30 times as long as the
 * first three, and of 200,000 runs of ten waits each was seen as growing. Of ten waits that are random without growth,
 * 8 of 100 are taken for growing ones.
 *
 * @param waits seconds, in order; at least `fewestWaits`
 * @param noise seconds that a wait may have been measured wrong
 */
export function classifyBackoff(waits: readonly number[], noise = 0): Backoff {
  const middle = median(waits);
  if (middle < nothing)
    return { kind: "none", why: `half of the waits are below ${nothing} s` };
  const constant = () => middle;
  if (
    fits(waits, constant, closeness.constant * middle, noise) &&
    beside(waits, constant) <= unexplained * middle * waits.length
  )
    return {
      kind: "constant",
      why: `all waits are about ${middle.toFixed(1)} s`,
    };
  // A limit that was reached is not part of how they grew.
  const growing = withoutLimit(waits, noise);
  if (growing.length > 2) {
    const line = lineThrough(growing);
    if (
      line.slope > 0 &&
      fits(growing, line.at, closeness.linear * line.slope, noise) &&
      explains(growing, line.at)
    )
      return {
        kind: "linear",
        why: `each wait is ${line.slope.toFixed(1)} s longer than the one before`,
      };
    const curve = lineThrough(growing.map((wait) => Math.log(wait)));
    const ratio = Math.exp(curve.slope);
    const at = (index: number) => Math.exp(curve.at(index));
    if (
      ratio > leastRatio &&
      fits(growing, at, (index) => closeness.exponential * at(index), noise) &&
      explains(growing, at)
    )
      return {
        kind: "exponential",
        why: `each wait is ${ratio.toFixed(2)} times as long as the one before, without jitter`,
      };
  }
  const ratio = mean(waits.slice(3)) / mean(waits.slice(0, 3));
  const words = `the waits after the third are ${ratio.toFixed(1)} times as long as the first three`;
  return ratio >= growth
    ? { kind: "exponential with jitter", why: `random, and ${words}` }
    : { kind: "jitter without growth", why: `random, but ${words}` };
}

/** Whether every value is as near to a rule as `closeness` and the noise allow. */
function fits(
  values: readonly number[],
  rule: (index: number) => number,
  closeness: number | ((index: number) => number),
  noise: number,
): boolean {
  return values.every((value, index) => {
    const near = typeof closeness === "number" ? closeness : closeness(index);
    return Math.abs(value - rule(index)) <= near + noise;
  });
}

/** Whether a rule leaves little of the values' differences. */
function explains(
  values: readonly number[],
  rule: (index: number) => number,
): boolean {
  const middle = median(values);
  return beside(values, rule) <= unexplained * beside(values, () => middle);
}

/** How far values lie from a rule, all together. */
const beside = (
  values: readonly number[],
  rule: (index: number) => number,
): number =>
  values.reduce((sum, value, index) => sum + Math.abs(value - rule(index)), 0);

/** Without the waits at the end that are all the same as the last. */
function withoutLimit(waits: readonly number[], noise: number): number[] {
  const limit = waits[waits.length - 1];
  let count = waits.length;
  while (
    count > 1 &&
    Math.abs(waits[count - 2] - limit) <= 0.02 * limit + noise / 2
  )
    count--;
  return waits.slice(0, count);
}

/** The line through values, by the medians of slopes and distances (Theil and Sen), which one outlier does not bend. */
function lineThrough(values: readonly number[]): {
  slope: number;
  at: (index: number) => number;
} {
  const slopes: number[] = [];
  for (let i = 0; i < values.length; i++)
    for (let j = i + 1; j < values.length; j++)
      slopes.push((values[j] - values[i]) / (j - i));
  const slope = median(slopes);
  const start = median(values.map((value, index) => value - slope * index));
  return { slope, at: (index) => start + slope * index };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[half]
    : (sorted[half - 1] + sorted[half]) / 2;
}
