import { createHash, randomUUID } from "node:crypto";
import type { CaseResult } from "./advisor.js";
import { notYetApplicable } from "./suite.js";
import type { Group } from "./test-case.js";
import type { Status } from "./verdict.js";

/** Name and version of what the cases are modelled on. */
const definition = "Fieldnode advisor, after AWS IoT Device Advisor";

/** The order of Device Advisor's status of a whole run: the worst of its cases. */
const severity: readonly Status[] = [
  "PASS",
  "PASS_WITH_WARNINGS",
  "FAIL",
  "ERROR",
];

/** The worst of several. */
export function worst(statuses: readonly Status[]): Status {
  const ranks = statuses.map((status) => severity.indexOf(status));
  return severity[Math.max(0, ...ranks)];
}

/** A result as a line of the table. */
export function formatResult({ testCase, status, reason }: CaseResult): string {
  const { number, id } = testCase;
  return `${status.padEnd(18)}  ${number.padEnd(3)}  ${id}\n${" ".repeat(25)}${reason}`;
}

/** What happened in a case, line by line. */
export function formatEvidence({ evidence }: CaseResult): string {
  return evidence
    .map(
      ({ time, from, connection, what }) =>
        `${time.toFixed(3).padStart(12)} s  ${(connection === undefined ? "" : `#${connection}`).padEnd(4)}  ${from.padEnd(7)}  ${what}`,
    )
    .join("\n");
}

/** The table's end: what the node is not ready for yet, and the sum. */
export function formatSummary(results: readonly CaseResult[]): string {
  const later = notYetApplicable
    .map(({ number, id }) => `not yet applicable  ${number}   ${id}`)
    .join("\n");
  const counts = severity
    .map((status) => ({
      status,
      count: results.filter((one) => one.status === status).length,
    }))
    .filter(({ count }) => count > 0)
    .map(({ status, count }) => `${count} ${status}`);
  return `${later}\n\n${counts.join(", ")}`;
}

/**
 * The run in the shape of Device Advisor's `GetSuiteRun` (API model `iotdeviceadvisor`, 2020-09-18), so that a run of the real
 * service can be laid beside it. The scenarios of the long duration test are its `testScenarios`. Added to that shape:
 * `systemMessage` of every case, `evidence`, `summary`, and `notYetApplicable`.
 */
export function suiteRun(subject: string, results: readonly CaseResult[]) {
  const groups = [...new Set(results.map(({ testCase }) => testCase.group))];
  const times = results.flatMap(({ startTime, endTime }) => [
    startTime.getTime(),
    endTime.getTime(),
  ]);
  return {
    suiteDefinitionId: idOf(definition),
    suiteDefinitionVersion: "1",
    suiteDefinitionName: definition,
    suiteRunId: randomUUID().replaceAll("-", "").slice(0, 12),
    primaryDevice: { thingArn: subject },
    status: worst(results.map(({ status }) => status)),
    startTime: new Date(Math.min(...times)).toISOString(),
    endTime: new Date(Math.max(...times)).toISOString(),
    testResult: { groups: groups.map((group) => groupResult(group, results)) },
    notYetApplicable,
  };
}

function groupResult(group: Group, all: readonly CaseResult[]) {
  const results = all.filter(({ testCase }) => testCase.group === group);
  const scenarios = results.filter(({ testCase }) => testCase.scenario);
  return {
    groupId: idOf(group),
    groupName: group,
    tests: [
      ...results
        .filter(({ testCase }) => !testCase.scenario)
        .map((result) => ({
          testCaseRunId: idOf(`${result.testCase.id} run`),
          testCaseDefinitionId: idOf(result.testCase.id),
          testCaseDefinitionName: result.testCase.id,
          ...outcome(result),
        })),
      ...(scenarios.length > 0 ? [longDuration(scenarios)] : []),
    ],
  };
}

function longDuration(results: readonly CaseResult[]) {
  return {
    testCaseRunId: idOf("MQTT_Long_Duration run"),
    testCaseDefinitionId: idOf("MQTT_Long_Duration"),
    testCaseDefinitionName: "MQTT_Long_Duration",
    status: worst(results.map(({ status }) => status)),
    testScenarios: results.map((result) => ({
      testCaseScenarioId: result.testCase.id,
      testCaseScenarioType: result.testCase.scenario,
      ...outcome(result),
      summary: result.summary,
    })),
  };
}

function outcome(result: CaseResult) {
  const { status, reason, startTime, endTime, scale, evidence } = result;
  return {
    status,
    startTime: startTime.toISOString(),
    endTime: endTime.toISOString(),
    ...(status === "PASS_WITH_WARNINGS" && { warnings: reason }),
    ...((status === "FAIL" || status === "ERROR") && { failure: reason }),
    systemMessage: reason,
    timeScale: scale,
    evidence,
  };
}

/** Twelve letters and digits, as Device Advisor's ids have them, the same for the same text. */
const idOf = (text: string): string =>
  createHash("sha256").update(text).digest("hex").slice(0, 12);
