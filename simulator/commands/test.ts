import { spawn } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { run } from "node:test";
import { parseArgs } from "node:util";
import { root } from "./project.js";

/** What a run of tests has come to. */
interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * `npm test [-- PATTERN]`: lint, then every unit test on XS, then every test on Node whose path contains PATTERN.
 * `npm run test:long` runs the long forms. What stands on TLS runs a second time, on another version of mbedTLS. The last
 * line is `N passed, N failed`.
 *
 * @param leftOut what could not be prepared on this machine, and why
 */
export async function main(
  argv: string[],
  leftOut: Map<string, string>,
): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    options: { long: { type: "boolean", default: false } },
    allowPositionals: true,
  });
  const pattern = positionals[0] ?? "";
  if (values.long) process.env.FIELDNODE_LONG = "1";
  const tally: Tally = { passed: 0, failed: 0, skipped: 0 };

  if (pattern === "") await lintAndFormat(tally);
  await unitTests(tally, "On XS", release, unitFiles(pattern));
  await nodeTests(tally, "On Node", nodeFiles(pattern));
  await otherLibraries(tally, pattern, leftOut);

  const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : "";
  console.log(`\n${tally.passed} passed, ${tally.failed} failed${skipped}`);
  return tally.failed === 0 && tally.passed > 0 ? 0 : 1;
}

/** Type errors have already stopped the build; what is left is ESLint and Prettier. */
async function lintAndFormat(tally: Tally): Promise<void> {
  console.log("Lint");
  const { code, output } = await execute(process.execPath, [
    join(root, "simulator", "setup", "run.mjs"),
    "lint",
  ]);
  report(tally, code === 0, "ESLint and Prettier find nothing", output);
}

const builds = join(root, "build", "device");
const release = join(builds, "release", "fieldnode");

const unitFiles = (pattern: string): string[] =>
  compiled("build/device/js", "tests/unit").filter((file) =>
    file.includes(pattern),
  );

/** Each file of unit tests is a process of its own on XS; two at a time. */
async function unitTests(
  tally: Tally,
  title: string,
  device: string,
  files: string[],
): Promise<void> {
  if (files.length > 0) console.log(`\n${title}`);
  await inParallel(2, files, async (file) => {
    const flash = mkdtempSync(join(tmpdir(), "fieldnode-test-"));
    const { code, output } = await execute(device, [
      "--flash",
      flash,
      "--clock",
      "desktop",
      file,
    ]);
    rmSync(flash, { recursive: true, force: true });
    const lines = output.split("\n");
    const passed = lines.filter((line) => line.startsWith("ok ")).length;
    const failed = lines.filter((line) => line.startsWith("not ok ")).length;
    tally.passed += passed;
    tally.failed += failed;
    console.log(
      `${file}: ${passed} passed${failed > 0 ? `, ${failed} failed` : ""}`,
    );
    if (failed > 0) console.log(output);
    else if (code !== 0 || passed === 0)
      report(
        tally,
        false,
        `${file} ends with code ${code} after ${passed} tests`,
        output,
      );
  });
}

/** Tests that start programs: the node, the cloud, and peers that are not ours. */
const nodeFiles = (pattern: string): string[] =>
  ["tests/system", "tests/interop"]
    .flatMap((folder) => compiled("build/node", folder))
    .filter((file) => file.includes(pattern))
    .map((file) => join(root, "build", "node", `${file}.js`));

/**
 * What stands on TLS, with the device built on another mbedTLS than the system's: the unit tests of the two rooms that
 * know the library, and the tests that run a subject against real peers.
 */
async function otherLibraries(
  tally: Tally,
  pattern: string,
  leftOut: Map<string, string>,
): Promise<void> {
  const units = unitFiles(pattern).filter((file) =>
    /^tests\/unit\/(identity|secure-socket)\//.test(file),
  );
  const files = nodeFiles(pattern).filter((file) =>
    readFileSync(file, "utf8").includes('"./subject.js"'),
  );
  if (units.length + files.length === 0) return;
  const step = "device-mbedtls-";
  for (const [name, reason] of leftOut)
    if (name.startsWith(step)) {
      tally.skipped++;
      const version = name.slice(step.length);
      console.log(`\nskipped the tests on mbedTLS ${version}: ${reason}`);
    }
  for (const folder of readdirSync(builds)) {
    if (!folder.startsWith("mbedtls-") || leftOut.has(`device-${folder}`))
      continue;
    const version = folder.slice("mbedtls-".length);
    const device = join(builds, folder, "fieldnode");
    process.env.FIELDNODE_HOST = device;
    await unitTests(tally, `On XS, mbedTLS ${version}`, device, units);
    await nodeTests(tally, `On Node, mbedTLS ${version}`, files);
    delete process.env.FIELDNODE_HOST;
  }
}

async function nodeTests(
  tally: Tally,
  title: string,
  files: string[],
): Promise<void> {
  if (files.length === 0) return;
  console.log(`\n${title}`);
  // For a whole file. Long forms take up to an hour on a machine of their own; short ones must end on a busy one.
  const timeout = process.env.FIELDNODE_LONG ? 7_200_000 : 480_000;
  const stream = run({ files, concurrency: 2, timeout });
  stream.on("test:pass", ({ name, nesting, details, skip, file }) => {
    if (details.type === "suite" || isWholeFile(name, file)) return;
    if (skip === undefined) {
      tally.passed++;
      console.log(`${"  ".repeat(nesting)}ok ${name}`);
    } else {
      tally.skipped++;
      console.log(`${"  ".repeat(nesting)}skipped ${name}: ${skip}`);
    }
  });
  stream.on("test:fail", ({ name, nesting, details, file }) => {
    if (details.type === "suite") return;
    tally.failed++;
    const cause: unknown = details.error.cause;
    const words =
      cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    console.log(
      `${"  ".repeat(nesting)}not ok ${name} (${relative(root, file ?? "")})\n${words}`,
    );
  });
  stream.on("test:stderr", ({ message }) => process.stderr.write(message));
  for await (const _ of stream);
}

/** Node reports a file as a test of its own; it is not one of ours. */
const isWholeFile = (name: string, file: string | undefined): boolean =>
  file !== undefined && name === file;

/** Specifiers of the compiled tests below `folder` whose source is still there. */
function compiled(out: string, folder: string): string[] {
  const base = join(root, out);
  if (!existsSync(join(base, folder))) return [];
  return readdirSync(join(base, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.js"))
    .map((file) => join(folder, file.slice(0, -".js".length)))
    .filter((file) => existsSync(join(root, `${file}.ts`)))
    .sort();
}

async function inParallel<T>(
  width: number,
  items: T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = [...items];
  const worker = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift())
      await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

function execute(
  command: string,
  args: string[],
): Promise<{ code: number | NodeJS.Signals | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const collect = (chunk: Buffer) => (output += chunk.toString());
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", reject);
    child.on("close", (code, signal) =>
      resolve({ code: code ?? signal, output }),
    );
  });
}

function report(tally: Tally, ok: boolean, name: string, output: string): void {
  if (ok) tally.passed++;
  else tally.failed++;
  console.log(`${ok ? "ok" : "not ok"} ${name}`);
  if (!ok) console.log(output);
}
