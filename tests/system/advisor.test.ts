import assert from "node:assert/strict";
import { test } from "node:test";
import { advise } from "../../simulator/advisor/advisor.js";
import {
  formatEvidence,
  formatResult,
  suiteRun,
} from "../../simulator/advisor/report.js";
import { NodeSubject } from "../../simulator/advisor/subjects/node-subject.js";
import { suite } from "../../simulator/advisor/suite.js";

const long = process.env.FIELDNODE_LONG !== undefined;

/** Runs of the whole suite: ten in a row show that it passes by right, not by luck. */
const runs = long ? 10 : 1;

for (const mqtt of long ? (["5", "3.1.1"] as const) : (["5"] as const))
  for (let run = 1; run <= runs; run++)
    test(`our node passes every case of Device Advisor, without warnings (MQTT ${mqtt}, run ${run})`, async () => {
      const subject = new NodeSubject(mqtt);
      const results = await advise({ subject, cases: suite, width: 8, long });
      for (const result of results)
        assert.equal(
          result.status,
          "PASS",
          `${formatResult(result)}\n${formatEvidence(result)}`,
        );
      const report = suiteRun(subject.name, results);
      assert.equal(report.status, "PASS");
      const { groups } = report.testResult;
      assert.deepEqual(
        groups.map(({ tests }) => tests.length),
        [7, 13, 1, 1],
      );
      const durationTest = groups[3].tests[0];
      assert.ok("testScenarios" in durationTest);
      assert.equal(durationTest.testScenarios.length, 13);
      assert.ok(
        durationTest.testScenarios.every(({ evidence }) => evidence.length > 0),
      );
    });
