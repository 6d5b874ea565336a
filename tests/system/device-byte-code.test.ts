import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { promisify } from "node:util";
import { root } from "../../simulator/commands/project.js";

let folder = "";
let program = "";

/** A device of the test's own: what it keeps of its modules lies beside the program. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fieldnode-byte-code-"));
  mkdirSync(join(folder, "js"));
  mkdirSync(join(folder, "device"));
  program = join(folder, "device", "fieldnode");
  const built = join(root, "build", "device", "release", "fieldnode");
  copyFileSync(built, program);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = (): string => execFileSync(program, ["main"], { encoding: "utf8" });

const module = (name: string): string => join(folder, "js", `${name}.js`);
const kept = (name: string): string =>
  join(folder, "device", "parsed", `${name}.js`);

/** FNV-1a, of all that follows an entry's key and check. */
function check(bytes: Buffer): bigint {
  let sum = 0xcbf29ce484222325n;
  for (const byte of bytes)
    sum = BigInt.asUintN(64, (sum ^ BigInt(byte)) * 0x100000001b3n);
  return sum;
}

test("a module that was parsed before runs from its byte code", () => {
  writeFileSync(module("main"), 'trace("one");');
  assert.equal(run(), "one");
  const entry = readFileSync(kept("main"));
  entry.write("two", entry.indexOf("one"));
  entry.writeBigUInt64LE(check(entry.subarray(16)), 8);
  writeFileSync(kept("main"), entry);
  assert.equal(run(), "two");
});

test("byte code of another text, of another place or of another build of the device is parsed anew", () => {
  const then = new Date(1_700_000_000_000);
  const write = (text: string): void => {
    writeFileSync(module("main"), text);
    utimesSync(module("main"), then, then);
  };
  write('trace("one");');
  assert.equal(run(), "one");
  write('trace("two");');
  assert.equal(run(), "two", "same size, same date");

  const before = readFileSync(kept("main"));
  utimesSync(program, then, then);
  assert.equal(run(), "two");
  assert.notDeepEqual(readFileSync(kept("main")), before, "another build");

  writeFileSync(module("other"), 'trace("other");');
  writeFileSync(module("main"), 'import "./other.js";');
  assert.equal(run(), "other");
  copyFileSync(kept("main"), kept("other"));
  assert.equal(run(), "other", "the entry of another module");
});

test("byte code that is cut off, longer or damaged in any byte does not run", () => {
  writeFileSync(module("main"), 'trace("one");');
  assert.equal(run(), "one");
  const whole = readFileSync(kept("main"));
  const runsWith = (entry: Buffer, what: string): void => {
    writeFileSync(kept("main"), entry);
    assert.equal(run(), "one", what);
    assert.deepEqual(readFileSync(kept("main")), whole, `${what}: mended`);
  };
  for (let length = 0; length < whole.length; length++)
    runsWith(whole.subarray(0, length), `cut at ${length}`);
  for (let at = 0; at < whole.length; at++) {
    const damaged = Buffer.from(whole);
    damaged[at] ^= 1 << (at % 8);
    runsWith(damaged, `byte ${at}`);
  }
  runsWith(Buffer.concat([whole, Buffer.alloc(1)]), "one byte more");
});

test("a module with natives runs from its byte code, and a mistake is told as before", () => {
  const clock = join(root, "build/device/js/simulator/device/modules/time.js");
  copyFileSync(clock, module("time-module"));
  writeFileSync(
    module("main"),
    'import Time from "./time-module.js"; trace(typeof Time.ticks);',
  );
  assert.equal(run(), "number");
  assert.equal(run(), "number");
  writeFileSync(module("main"), "trace(;");
  for (let i = 0; i < 2; i++) assert.throws(run, /main\.js:1/);
  assert.equal(existsSync(kept("main")), true, "of the text before");
});

test("devices that start at the same time keep whole byte code, and nothing besides", async () => {
  writeFileSync(module("main"), `trace("${"long ".repeat(1000)}");`.repeat(10));
  const start = promisify(execFile);
  for (let round = 0; round < 5; round++) {
    rmSync(join(folder, "device", "parsed"), { recursive: true, force: true });
    const outputs = await Promise.all(
      Array.from({ length: 8 }, () => start(program, ["main"])),
    );
    for (const { stdout } of outputs) assert.equal(stdout.length, 50_000);
  }
  const size = statSync(kept("main")).size;
  assert.ok(size > 50_000 && size < 51_000, `${size}`);
  assert.deepEqual(readdirSync(join(folder, "device", "parsed")), ["main.js"]);
});

test("a device whose folder cannot be written runs all the same", () => {
  writeFileSync(module("main"), 'trace("one");');
  writeFileSync(join(folder, "device", "parsed"), "a file, not a folder");
  assert.equal(run(), "one");
  assert.equal(run(), "one");
});
