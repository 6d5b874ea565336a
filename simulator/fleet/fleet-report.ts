/** Connections of a fleet after the cloud's return: seconds from it, in order. */
export type Returns = readonly number[];

/** What became of the messages. */
export interface Messages {
  /** Samples that the nodes know to be in the cloud. */
  readonly acknowledged: number;
  /** Those of them that never came out of it. */
  readonly lost: number;
  /** Samples that came more than once. */
  readonly duplicated: number;
}

/** What a fleet did after its cloud had been away. */
export interface FleetReport {
  readonly nodes: number;
  /** CONNECTs in each second since the return. */
  readonly histogram: readonly number[];
  /** The busiest second: its CONNECTs, and what part of the fleet they are. */
  readonly peak: {
    readonly second: number;
    readonly count: number;
    readonly share: number;
  };
  /** Seconds until so much of the fleet was back; undefined when it was not. */
  readonly half: number | undefined;
  readonly most: number | undefined;
  readonly all: number | undefined;
  readonly messages: Messages;
}

/**
 * @param nodes size of the fleet
 * @param connects each CONNECT that was accepted, in seconds since the return
 * @param firsts the first of each node
 */
export function fleetReport(
  nodes: number,
  connects: Returns,
  firsts: Returns,
  messages: Messages,
): FleetReport {
  const last = Math.floor(Math.max(0, ...connects));
  const histogram = Array.from(
    { length: connects.length === 0 ? 0 : last + 1 },
    () => 0,
  );
  for (const time of connects) histogram[Math.floor(time)]++;
  const count = Math.max(0, ...histogram);
  const sorted = [...firsts].sort((a, b) => a - b);
  const after = (share: number) => sorted.at(Math.ceil(nodes * share) - 1);
  return {
    nodes,
    histogram,
    peak: { second: histogram.indexOf(count), count, share: count / nodes },
    half: after(0.5),
    most: after(0.9),
    all: sorted.length < nodes ? undefined : after(1),
    messages,
  };
}

/** The report for people. */
export function formatFleetReport(report: FleetReport): string {
  const { nodes, histogram, peak, half, most, all, messages } = report;
  const bars = histogram.map(
    (count, second) =>
      `${String(second).padStart(5)} s  ${String(count).padStart(4)}  ${"#".repeat(count)}`,
  );
  const time = (value: number | undefined) =>
    value === undefined ? "never" : `${value.toFixed(1)} s`;
  return [
    "CONNECTs a second since the cloud's return",
    ...bars,
    `peak       ${peak.count} in second ${peak.second}, ${(peak.share * 100).toFixed(1)} % of ${nodes} nodes`,
    `back       50 % after ${time(half)}, 90 % after ${time(most)}, 100 % after ${time(all)}`,
    `messages   ${messages.acknowledged} acknowledged, ${messages.lost} lost, ${messages.duplicated} duplicated`,
  ].join("\n");
}
