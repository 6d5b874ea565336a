import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { root } from "../../simulator/commands/project.js";
import { AccessPoint } from "../../simulator/device/access-point/access-point.js";
import { Field } from "./field.js";

let field: Field;
beforeEach(async () => {
  field = new Field();
  await field.startCloud();
});
afterEach(() => field.close());

test("connecting, ten publishes and closing touch no wrong memory and leave none behind (valgrind)", async () => {
  await field.provision();
  const accessPoint = await new AccessPoint().open();
  // A first run leaves settings in the flash folder for the run under valgrind.
  const first = await field.startNode({ count: 10, interval: 20 });
  assert.equal(await first.ended, 0, first.lines.join("\n"));

  const flash = field.flashOf("node-1");
  const { code, output } = await new Promise<{
    code: number | null;
    output: string;
  }>((resolve, reject) => {
    const child = spawn("valgrind", [
      ...["--quiet", "--error-exitcode=9", "--leak-check=full"],
      // Nothing at all: what is still pointed to at the end was not freed either.
      ...["--show-leak-kinds=all", "--errors-for-leak-kinds=all"],
      join(root, "build", "device", "release", "fieldnode"),
      ...["--flash", flash, "--config", join(flash, "config.json")],
      ...accessPoint.deviceOptions,
      "main",
    ]);
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
  accessPoint.close();
  assert.equal(code, 0, output);
  assert.match(output, /seq 20 acknowledged/);
});
