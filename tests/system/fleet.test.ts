import assert from "node:assert/strict";
import { test } from "node:test";
import { Fleet } from "../../simulator/fleet/fleet.js";
import {
  fleetReport,
  formatFleetReport,
} from "../../simulator/fleet/fleet-report.js";

const long = process.env.FIELDNODE_LONG !== undefined;

test("a fleet comes back to a cloud that was away, spread over time, and loses no message", async () => {
  const nodes = long ? 200 : 8;
  const fleet = new Fleet({
    nodes,
    away: 30,
    interval: 5000,
    timeScale: long ? 1 : 6,
    patience: 300,
    onProgress: () => {},
  });
  try {
    const report = await fleet.run();
    const words = formatFleetReport(report);
    assert.ok(report.all !== undefined, words);
    assert.equal(report.messages.lost, 0, words);
    assert.ok(report.messages.acknowledged >= nodes, words);
    const connects = report.histogram.reduce((sum, count) => sum + count, 0);
    assert.ok(connects >= nodes, words);
    if (!long) return;
    assert.ok(report.peak.share <= 0.15, words);
    assert.ok(report.all <= 150, words);
  } finally {
    await fleet.close();
  }
});

test("the report of a fleet counts by the second, and tells when how many were back", () => {
  const messages = { acknowledged: 50, lost: 0, duplicated: 1 };
  const connects = [0.2, 1.1, 1.9, 1.95, 4.5];
  const report = fleetReport(4, connects, [0.2, 1.1, 1.95, 4.5], messages);
  assert.deepEqual(report.histogram, [1, 3, 0, 0, 1]);
  assert.deepEqual(report.peak, { second: 1, count: 3, share: 0.75 });
  assert.equal(report.half, 1.1);
  assert.equal(report.most, 4.5);
  assert.equal(report.all, 4.5);
  const words = formatFleetReport(report);
  assert.match(words, /^ {4}1 s {5}3 {2}###$/m);
  assert.match(words, /50 acknowledged, 0 lost, 1 duplicated/);
});

test("the report of a fleet says when not all came back", () => {
  const messages = { acknowledged: 0, lost: 0, duplicated: 0 };
  const report = fleetReport(3, [2, 3], [2, 3], messages);
  assert.equal(report.half, 3);
  assert.equal(report.all, undefined);
  assert.match(formatFleetReport(report), /100 % after never/);
  assert.deepEqual(fleetReport(3, [], [], messages).histogram, []);
});
