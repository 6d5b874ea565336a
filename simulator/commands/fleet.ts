import { Fleet } from "../fleet/fleet.js";
import { formatFleetReport } from "../fleet/fleet-report.js";
import { parseFlags, usage, UsageError, type Flags } from "./command-line.js";

const flags = {
  nodes: {
    type: "number",
    value: "N",
    help: "size of the fleet, 200 unless given",
  },
  away: {
    type: "number",
    value: "SECONDS",
    help: "how long the cloud is away, 30 unless given",
  },
  interval: {
    type: "number",
    value: "MS",
    help: "milliseconds between a node's samples, 10000 unless given",
  },
  "time-scale": {
    type: "number",
    value: "N",
    help: "the nodes' time runs so many times as fast, 1 unless given",
  },
  help: { type: "boolean", help: "prints this" },
} as const satisfies Flags;

/** Seconds after which a node that is not back is given up. */
const patience = 300;

/**
 * `npm run fleet`: many nodes against a local cloud that goes away and comes back; prints how they return. Returns 1 when not
 * all of them did, or a message was lost.
 */
export async function main(argv: string[]): Promise<number> {
  const given = parseFlags(argv, flags);
  if (given.help) {
    console.log(usage("fleet", "A fleet whose cloud goes and comes.", flags));
    return 0;
  }
  const { nodes = 200, away = 30, interval = 10_000 } = given;
  const timeScale = given["time-scale"] ?? 1;
  if (nodes < 1 || nodes > 1000)
    throw new UsageError(`--nodes is 1 to 1000, not ${nodes}.`);
  if (interval < 10)
    throw new UsageError(`--interval is at least 10, not ${interval}.`);
  if (timeScale < 1 || timeScale > 100)
    throw new UsageError(`--time-scale is 1 to 100, not ${timeScale}.`);
  process.once("SIGINT", () => process.exit(130));
  process.once("SIGTERM", () => process.exit(143));
  const fleet = new Fleet({
    nodes,
    away,
    interval,
    timeScale,
    patience,
    onProgress: (words) => console.log(words),
  });
  try {
    const report = await fleet.run();
    console.log(formatFleetReport(report));
    return report.all !== undefined && report.messages.lost === 0 ? 0 : 1;
  } finally {
    await fleet.close();
  }
}
