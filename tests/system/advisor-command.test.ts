import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { advise } from "../../simulator/advisor/advisor.js";
import { CommandSubject } from "../../simulator/advisor/subjects/command-subject.js";
import { suite } from "../../simulator/advisor/suite.js";
import { main } from "../../simulator/commands/advisor.js";

const connectCase = suite.filter(({ number }) => number === "M1");

test("a device program that ends at once fails, with its exit code and what it said", async () => {
  const [result] = await advise({
    subject: new CommandSubject("echo no network to {endpoint} >&2; exit 3"),
    cases: connectCase,
  });
  assert.equal(result.status, "FAIL");
  assert.equal(
    result.reason,
    "CONNECT: not seen before the device ended with code 3.",
  );
  assert.ok(
    result.evidence.some(({ what }) =>
      /^says: no network to localhost:\d+$/.test(what),
    ),
  );
});

test("a device command with a place that there is not, or none, is refused", () => {
  assert.throws(() => new CommandSubject("node {endpoint} {secret}"), {
    message: /there is no \{secret\}; there are \{endpoint\}, \{host\}/,
  });
  assert.throws(() => new CommandSubject("node --port 8883"), {
    message: /says nowhere what to connect to/,
  });
});

test("a wrong flag of the advisor is one line that says what is possible", async () => {
  const wrong: [string[], RegExp][] = [
    [["--case", "M99"], /There is no case "M99"\. Cases: T1, T2,/],
    [["--case", "S1"], /S1 \(Shadow_Publish_Reported_State\) is not yet/],
    [["--mqtt", "4"], /--mqtt is 5 or 3\.1\.1/],
    [["--node", "x {endpoint}", "--mqtt", "5"], /--node says it itself/],
    [["--node", "x"], /--node: it says nowhere/],
  ];
  for (const [argv, message] of wrong)
    await assert.rejects(main(argv), { exitCode: 2, message });
});

test("the JSON of a run has Device Advisor's shape, and the evidence beside it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "fieldnode-advisor-test-"));
  try {
    const file = join(folder, "run.json");
    const code = await main([
      ...["--case", "m1,p", "--json", file],
      ...["--node", "exit 4; echo {endpoint}"],
    ]);
    assert.equal(code, 1);
    const run = JSON.parse(readFileSync(file, "utf8")) as {
      status: string;
      testResult: {
        groups: { groupName: string; tests: Record<string, unknown>[] }[];
      };
      notYetApplicable: { id: string }[];
    };
    assert.equal(run.status, "FAIL");
    const [mqtt, policies] = run.testResult.groups;
    assert.equal(mqtt.groupName, "MQTT");
    const [{ testCaseDefinitionName, status, failure, evidence }] = mqtt.tests;
    assert.equal(testCaseDefinitionName, "MQTT_Connect");
    assert.equal(status, "FAIL");
    assert.match(String(failure), /ended with code 4/);
    assert.ok(Array.isArray(evidence));
    assert.equal(policies.tests[0].status, "PASS");
    assert.deepEqual(
      run.notYetApplicable.map(({ id }) => id),
      [
        "Shadow_Publish_Reported_State",
        "Shadow_Update_Reported_State",
        "Job_Execution",
      ],
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
