import { writeFileSync } from "node:fs";
import { advise } from "../advisor/advisor.js";
import {
  formatEvidence,
  formatResult,
  formatSummary,
  suiteRun,
  worst,
} from "../advisor/report.js";
import { CommandSubject } from "../advisor/subjects/command-subject.js";
import { NodeSubject } from "../advisor/subjects/node-subject.js";
import type { Subject } from "../advisor/subjects/subject.js";
import { notYetApplicable, suite } from "../advisor/suite.js";
import type { TestCase } from "../advisor/test-case.js";
import { parseFlags, usage, UsageError, type Flags } from "./command-line.js";
import { ExpectedError } from "./expected-error.js";

const flags = {
  case: {
    type: "string",
    value: "M3,M5",
    help: "only these cases, or families of them (T, M, L, P); all unless given",
  },
  node: {
    type: "string",
    value: '"COMMAND"',
    help: "a device of your own: a command for the shell with {endpoint} or {host} and {port}, {cert}, {key}, {trust}, {thing}",
  },
  mqtt: {
    type: "string",
    value: "3.1.1|5",
    help: "what our own node speaks, 5 unless given",
  },
  long: { type: "boolean", help: "long forms: the server is gone for 2 hours" },
  "real-time": {
    type: "boolean",
    help: "no scaled time for our own node either; takes hours",
  },
  json: {
    type: "string",
    value: "FILE",
    help: "writes the run there in the shape of Device Advisor's GetSuiteRun, with all evidence",
  },
  help: { type: "boolean", help: "prints this" },
} as const satisfies Flags;

/**
 * `npm run advisor`: AWS IoT Device Advisor's cases on this desk, for our own node or any device program. Prints a line for
 * each case and, where it was not passed, what happened. Returns 1 when a case failed.
 */
export async function main(argv: string[]): Promise<number> {
  const given = parseFlags(argv, flags);
  if (given.help) {
    console.log(usage("advisor", "Device Advisor on a desk.", flags));
    return 0;
  }
  const subject = subjectOf(given);
  // Ends with what belongs to it: devices and files go at the exit.
  process.once("SIGINT", () => process.exit(130));
  process.once("SIGTERM", () => process.exit(143));
  const results = await advise({
    subject,
    cases: casesOf(given.case),
    long: given.long ?? false,
    realTime: given["real-time"] ?? false,
    onResult: (result) => {
      console.log(formatResult(result));
      if (result.status !== "PASS") console.log(formatEvidence(result));
    },
  });
  console.log(formatSummary(results));
  if (given.json !== undefined)
    write(given.json, suiteRun(subject.name, results));
  const status = worst(results.map((result) => result.status));
  return status === "FAIL" || status === "ERROR" ? 1 : 0;
}

function subjectOf(given: {
  node?: string | undefined;
  mqtt?: string | undefined;
}): Subject {
  const { node, mqtt } = given;
  if (mqtt !== undefined && mqtt !== "5" && mqtt !== "3.1.1")
    throw new UsageError(`--mqtt is 5 or 3.1.1, not "${mqtt}".`);
  if (node === undefined) return new NodeSubject(mqtt);
  if (mqtt !== undefined)
    throw new UsageError("--mqtt is for our own node; --node says it itself.");
  try {
    return new CommandSubject(node);
  } catch (error) {
    if (error instanceof RangeError)
      throw new UsageError(`--node: ${error.message}.`);
    throw error;
  }
}

/** The cases of a list such as `M3,T`. */
function casesOf(names: string | undefined): readonly TestCase[] {
  if (names === undefined) return suite;
  const wanted = names
    .toUpperCase()
    .split(",")
    .map((name) => name.trim());
  for (const name of wanted) {
    const later = notYetApplicable.find(({ number }) => number === name);
    if (later)
      throw new UsageError(
        `${later.number} (${later.id}) is not yet applicable: the node does not do that yet.`,
      );
    if (!suite.some(({ number }) => belongs(number, name)))
      throw new UsageError(
        `There is no case "${name}". Cases: ${suite.map(({ number }) => number).join(", ")}.`,
      );
  }
  return suite.filter(({ number }) =>
    wanted.some((name) => belongs(number, name)),
  );
}

const belongs = (number: string, name: string): boolean =>
  number === name || (name.length === 1 && number.startsWith(name));

function write(file: string, run: unknown): void {
  try {
    writeFileSync(file, `${JSON.stringify(run, undefined, 2)}\n`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ExpectedError(
      `--json ${file} cannot be written (${code ?? String(error)}).`,
    );
  }
}
