import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Endpoint } from "./endpoint/endpoint.js";
import { ServerCredentials } from "./endpoint/server-credentials.js";
import type { Subject } from "./subjects/subject.js";
import type { TestCase } from "./test-case.js";
import { Timeline, type Evidence } from "./timeline.js";
import { Trial } from "./trial.js";
import { fail, NotSeen, type Verdict } from "./verdict.js";

/** How a suite is run. */
export interface AdvisorOptions {
  readonly subject: Subject;
  readonly cases: readonly TestCase[];
  /** Long forms of cases that have one. */
  readonly long?: boolean;
  /** Every case in real time, also where the subject's time can run faster. */
  readonly realTime?: boolean;
  /** Cases at a time; 6 unless given. Most of a case's time is waiting. */
  readonly width?: number;
  /** Certificates for the subject's host, where they are used for more than one run. */
  readonly credentials?: ServerCredentials;
  /** Is told of each case as soon as it is done. */
  readonly onResult?: (result: CaseResult) => void;
}

/** What became of a case. */
export interface CaseResult extends Verdict {
  readonly testCase: TestCase;
  readonly startTime: Date;
  readonly endTime: Date;
  /** How many times faster than the machine's the device's time ran. */
  readonly scale: number;
  /** Seconds of the device's time that the machine was late at most. */
  readonly lateness: number;
  readonly evidence: readonly Evidence[];
  /** Facts for the summary of long duration tests. */
  readonly summary: CaseSummary;
}

/** What Device Advisor's summary log of a long duration test tells. */
export interface CaseSummary {
  readonly connections: number;
  readonly keepAlive?: number;
  readonly persistent?: boolean;
  readonly publishedTopics: readonly string[];
  readonly subscribedFilters: readonly string[];
}

/** Name of the device's thing. */
const thing = "advisor-node";

/**
 * In scaled time a machine that is busy makes a device look slow. A verdict other than PASS counts only if the machine was
 * never late by more than so many of the device's seconds, or the case's own tolerance; otherwise the case is run again
 * with its time running slower.
 */
const lateness = 1;

/** So much slower it runs then. */
const slowdown = 4;

/** Puts a device through cases: each with a fresh device and an endpoint of its own, several at a time. */
export async function advise(options: AdvisorOptions): Promise<CaseResult[]> {
  const { subject, cases, width = 6, onResult } = options;
  const folder = mkdtempSync(join(tmpdir(), "fieldnode-advisor-"));
  const { credentials = new ServerCredentials(subject.host) } = options;
  const results = new Map<TestCase, CaseResult>();
  // The longest first, so that no long one is left at the end.
  const waiting = [...cases].sort((a, b) => cost(b) - cost(a));
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const result = await judge(next, options, credentials, folder);
      results.set(next, result);
      onResult?.(result);
    }
  };
  const clean = () => rmSync(folder, { recursive: true, force: true });
  process.on("exit", clean);
  try {
    await writeFiles(folder, credentials);
    // RSA keys take a while: none is to be made while a case's time runs.
    for (const { certificate = "good" } of cases)
      await credentials.of(certificate);
    await Promise.all(Array.from({ length: width }, work));
  } finally {
    process.off("exit", clean);
    clean();
  }
  return cases.map((one) => results.get(one)!);
}

const cost = ({ timeout, scale }: TestCase): number => timeout / scale;

async function writeFiles(
  folder: string,
  credentials: ServerCredentials,
): Promise<void> {
  const { key, cert } = await credentials.device();
  for (const [name, text] of [
    ["key", key],
    ["cert", cert],
    ["trust", await credentials.root()],
  ] as const)
    writeFileSync(fileOf(folder, name), text, { mode: 0o600 });
}

const fileOf = (folder: string, name: "key" | "cert" | "trust"): string =>
  join(folder, `${name}.pem`);

async function judge(
  testCase: TestCase,
  options: AdvisorOptions,
  credentials: ServerCredentials,
  folder: string,
): Promise<CaseResult> {
  const scaled = options.subject.scalable && options.realTime !== true;
  for (let scale = scaled ? testCase.scale : 1; ;) {
    const result = await run(testCase, scale, options, credentials, folder);
    const late = result.lateness > (testCase.tolerance ?? lateness);
    if (result.status === "PASS" || scale === 1 || !late) return result;
    scale = Math.max(1, Math.floor(scale / slowdown));
  }
}

async function run(
  testCase: TestCase,
  scale: number,
  { subject, long = false }: AdvisorOptions,
  credentials: ServerCredentials,
  folder: string,
): Promise<CaseResult> {
  const startTime = new Date();
  const credential = await credentials.of(testCase.certificate ?? "good");
  const timeline = new Timeline(scale);
  const endpoint = new Endpoint(subject.host, credential, timeline);
  const trial = new Trial(endpoint, timeline, testCase.timeout, long);
  const own = mkdtempSync(join(folder, `${testCase.number}-`));
  await endpoint.open();
  const device = await subject.start({
    host: subject.host,
    port: endpoint.port,
    key: fileOf(folder, "key"),
    cert: fileOf(folder, "cert"),
    trust: fileOf(folder, "trust"),
    thing,
    scale,
    folder: own,
    onLine: (line) => timeline.add({ from: "device", what: `says: ${line}` }),
  });
  void device.ended.then((how) => timeline.end(`before the device ${how}`));
  try {
    return {
      ...(await verdictOf(testCase, trial)),
      testCase,
      startTime,
      endTime: new Date(),
      scale,
      lateness: timeline.lateness,
      evidence: timeline.evidence,
      summary: summaryOf(endpoint),
    };
  } finally {
    await device.stop();
    await endpoint.close();
    timeline.close();
  }
}

async function verdictOf(testCase: TestCase, trial: Trial): Promise<Verdict> {
  try {
    return await testCase.run(trial);
  } catch (error) {
    if (error instanceof NotSeen) return fail(`${error.message}.`);
    return {
      status: "ERROR",
      reason: `The advisor itself failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    };
  }
}

function summaryOf({ connections }: Endpoint): CaseSummary {
  const connect = connections.find((one) => one.connect)?.connect?.packet;
  const topics = connections.flatMap((one) =>
    one.all("publish").map(({ packet }) => packet.topic),
  );
  const filters = connections.flatMap((one) =>
    one
      .all("subscribe")
      .flatMap(({ packet }) => packet.subscriptions.map(({ topic }) => topic)),
  );
  return {
    connections: connections.length,
    ...(connect && {
      keepAlive: connect.keepalive ?? 0,
      persistent: connect.clean === false,
    }),
    publishedTopics: [...new Set(topics)],
    subscribedFilters: [...new Set(filters)],
  };
}
