import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, before, test } from "node:test";
import { root } from "../../simulator/commands/project.js";

let folder = "";
before(() => (folder = mkdtempSync(join(tmpdir(), "fieldnode-lock-"))));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program that has `withLock` and the lock's `file`; what it printed. */
function program(body: string): Promise<string> {
  const lock = pathToFileURL(join(root, "simulator", "setup", "lock.mjs")).href;
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [
      "--input-type=module",
      "--eval",
      `import { writeFileSync } from "node:fs";
      import { withLock } from ${JSON.stringify(lock)};
      const file = ${JSON.stringify(join(folder, "lock"))};
      ${body}`,
    ]);
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("close", () => resolve(output));
  });
}

test("two set-ups at once go one after the other", async () => {
  const log = join(folder, "log");
  const work = `import { appendFileSync } from "node:fs";
  const log = (word) => appendFileSync(${JSON.stringify(log)}, word);
  await withLock(file, async () => {
    log(" begin");
    await new Promise((done) => setTimeout(done, 300));
    log(" end");
  });`;
  await Promise.all([program(work), program(work)]);
  assert.equal(readFileSync(log, "utf8"), " begin end begin end");
  assert.ok(!existsSync(join(folder, "lock")));
});

test("the lock of a set-up that was killed is taken over, also when its process number is ours again", async () => {
  // No process has a number as large as this.
  writeFileSync(join(folder, "lock"), "99999999");
  const work = `await withLock(file, async () => console.log("done"));`;
  assert.equal(await program(work), "done\n");
  assert.equal(
    await program(`writeFileSync(file, String(process.pid)); ${work}`),
    "done\n",
  );
});
