import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { root } from "../../simulator/commands/project.js";
import { AccessPoint } from "../../simulator/device/access-point/access-point.js";

const program = join(root, "build", "device", "release", "fieldnode");
let folder = "";

before(() => (folder = mkdtempSync(join(tmpdir(), "fieldnode-access-point-"))));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Lets a node join, look names up and ask for the time; what it prints. */
async function node(
  accessPoint: AccessPoint,
  names: string[],
): Promise<Map<string, string>> {
  const file = join(folder, "config.json");
  writeFileSync(file, JSON.stringify({ ...accessPoint.settings, names }));
  const { stdout } = await promisify(execFile)(program, [
    ...["--config", file],
    ...accessPoint.deviceOptions,
    "tests/unit/device/programs/network",
  ]);
  return new Map(
    stdout
      .trim()
      .split("\n")
      .map((line) => line.split(": ") as [string, string]),
  );
}

test("a node that joins finds names and the time", async () => {
  const accessPoint = await new AccessPoint({
    names: { "known.example": "198.51.100.4" },
  }).open();
  try {
    const names = ["a1-ats.iot.localhost", "known.example", "nowhere.invalid"];
    const said = await node(accessPoint, names);
    assert.equal(said.get("a1-ats.iot.localhost"), "127.0.0.1");
    assert.equal(said.get("known.example"), "198.51.100.4");
    assert.equal(said.get("nowhere.invalid"), "unknown");
    const wrong = Math.abs(Number(said.get("time")) - Date.now());
    assert.ok(wrong < 5000, `the node's time is ${wrong} ms off`);
  } finally {
    accessPoint.close();
  }
});

test("where time runs faster, the time server's runs as fast", async () => {
  const opened = Date.now();
  const accessPoint = await new AccessPoint({ timeScale: 100 }).open();
  try {
    const said = await node(accessPoint, []);
    const passed = Date.now() - opened;
    const ahead = Number(said.get("time")) - opened;
    assert.ok(
      ahead > 5 * passed && ahead <= 100 * passed,
      `${ahead} ms ahead after ${passed} ms`,
    );
  } finally {
    accessPoint.close();
  }
});

test("a time server that is wrong makes the node wrong by as much", async () => {
  const hour = 3_600_000;
  const accessPoint = await new AccessPoint({ timeOffset: -hour }).open();
  try {
    const said = await node(accessPoint, []);
    const wrong = Math.abs(Number(said.get("time")) - (Date.now() - hour));
    assert.ok(wrong < 5000, `the node's time is ${wrong} ms off`);
  } finally {
    accessPoint.close();
  }
});
