import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../simulator/commands/project.js";

const program = join(root, "build", "device", "release", "fieldnode");
const tests = readdirSync(join(root, "tests", "unit", "device"))
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => name.slice(0, -".ts".length));

const skip =
  spawnSync("valgrind", ["--version"]).status === 0
    ? false
    : "valgrind is not installed";

for (const name of tests)
  test(`${name} is clean under valgrind`, { skip }, async () => {
    const flash = mkdtempSync(join(tmpdir(), "fieldnode-memory-"));
    const { code, output } = await underValgrind([
      ...["--flash", flash, "--clock", "desktop"],
      `tests/unit/device/${name}`,
    ]);
    rmSync(flash, { recursive: true, force: true });
    assert.equal(code, 0, output);
  });

/** Exit code 9 stands for an error or a leak that valgrind found. */
function underValgrind(
  args: string[],
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      "valgrind",
      ["-q", "--error-exitcode=9", "--leak-check=full", program, ...args],
      (_, stdout, stderr) =>
        resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
  });
}
