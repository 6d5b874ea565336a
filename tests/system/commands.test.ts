import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { root } from "../../simulator/commands/project.js";
import { anyPorts } from "./cloud-command.js";

/** What a command printed and how it ended. */
interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs an npm command as a user does; `onOutput` sees what it has printed so far and may interrupt it. */
function command(
  args: string[],
  onOutput?: (output: string, interrupt: () => void) => void,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [join(root, "simulator", "setup", "run.mjs"), ...args],
      { cwd: folder, stdio: ["ignore", "pipe", "pipe"] },
    );
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      onOutput?.(stdout, () => child.kill("SIGINT"));
    });
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** A failure that a person can put right: one line, no stack trace, an exit code that is not 0. */
function assertClearLine({ code, stderr }: Outcome, words: RegExp): void {
  assert.notEqual(code, 0);
  assert.match(stderr, words);
  assert.equal(stderr.trim().split("\n").length, 1, stderr);
  assert.doesNotMatch(stderr, /\n\s+at /);
}

let folder: string;
const at = (name: string): string => join(folder, name);

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "fieldnode-commands-"));
  const made = await command([
    ...["provision", "--thing", "node-1"],
    ...["--state", at("cloud"), "--out", at("node-1")],
  ]);
  assert.equal(made.code, 0, made.stderr);
  const other = await command([
    ...["provision", "--thing", "node-2"],
    ...["--state", at("cloud"), "--out", at("node-2")],
  ]);
  assert.equal(other.code, 0, other.stderr);
});
after(() => rmSync(folder, { recursive: true, force: true }));

const nodeFlags = (
  changes: Record<string, string | undefined> = {},
): string[] =>
  Object.entries<string | undefined>({
    endpoint: "localhost:1",
    thing: "node-1",
    cert: at("node-1/device.cert.pem"),
    key: at("node-1/device.key.pem"),
    trust: at("node-1/root-ca.pem"),
    flash: at("flash"),
    ...changes,
  }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  );

test("start shows a node that delivers, and provisions it only once", async () => {
  for (const seq of [1, 3]) {
    const { code, stdout, stderr } = await command([
      ...["start", "--state", at("state"), "--count", "2", "--interval", "50"],
    ]);
    assert.equal(code, 0, stdout + stderr);
    assert.equal(/provisioned fence-post-1/.test(stdout), seq === 1);
    for (const words of [
      /node .* wifi +joined/,
      /node .* time +\d{4}-/,
      /node .* dns +\S+\.localhost is 127\.0\.0\.1/,
      /node .* tcp /,
      /node .* tls +TLS 1\.[23], \S+, .*CN=/,
      /node .* mqtt +connected as fence-post-1/,
      new RegExp(`node .* publish +seq ${seq} acknowledged`),
      /cloud +publish /,
    ])
      assert.match(stdout, words);
  }
});

test("Ctrl-C ends cloud and node cleanly", async () => {
  let interrupted = false;
  const { code, stdout, stderr } = await command(
    ["start", "--state", at("state")],
    (output, interrupt) => {
      if (interrupted || !output.includes("acknowledged")) return;
      interrupted = true;
      interrupt();
    },
  );
  assert.equal(code, 0, stderr);
  assert.match(stdout, /cloud +stopped/);
});

test("node delivers to a cloud of its own and ends with 0 after the count", async () => {
  let run: Promise<Outcome> | undefined;
  const cloud = await command(
    ["cloud", ...anyPorts, "--state", at("cloud")],
    (output, interrupt) => {
      const endpoint = /endpoint +(\S+)/.exec(output)?.[1];
      const port = /port +(\d+)/.exec(output)?.[1];
      if (endpoint === undefined || port === undefined || run) return;
      run = command([
        "node",
        ...nodeFlags({
          endpoint: `${endpoint}:${port}`,
          count: "2",
          interval: "50",
        }),
      ]).finally(interrupt);
    },
  );
  const { code, stdout, stderr } = await run!;
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /seq 2 acknowledged/);
  assert.equal(cloud.code, 0, cloud.stderr);
});

test("a failure that does not heal ends a counted run with another code", async () => {
  const { code, stdout } = await command([
    "node",
    ...nodeFlags({ endpoint: "localhost:1", trust: undefined, count: "1" }),
  ]);
  assert.equal(code, 2, stdout);
  assert.match(stdout, /\[identity\.no-trust\]/);
  assert.doesNotMatch(stdout, /\n\s+at /);
});

for (const [what, changes, words] of [
  [
    "a certificate file that is not there",
    { cert: "nowhere.pem" },
    /--cert nowhere\.pem: there is no such file/,
  ],
  [
    "a key file that is not there",
    { key: "nowhere.pem" },
    /--key nowhere\.pem: there is no such file/,
  ],
  [
    "a root file that is not there",
    { trust: "nowhere.pem" },
    /--trust nowhere\.pem: there is no such file/,
  ],
  ["an endpoint that is none", { endpoint: "not a host" }, /--endpoint/],
  [
    "a flash folder that is a file",
    { flash: process.execPath },
    /flash .* cannot be written \(ENOTDIR\).*--flash/,
  ],
  ["an interval that is no number", { interval: "soon" }, /--interval/],
  ["another protocol", { mqtt: "6" }, /--mqtt is 5 or 3\.1\.1/],
  ["a thing without a name", { thing: undefined }, /--thing/],
] as const)
  test(`${what} is told in one line`, async () => {
    assertClearLine(await command(["node", ...nodeFlags(changes)]), words);
  });

test("a key that belongs to another certificate is told in one line", async () => {
  assertClearLine(
    await command(["node", ...nodeFlags({ key: at("node-2/device.key.pem") })]),
    /does not belong to the certificate/,
  );
});

test("a PEM file of garbage is told in one line", async () => {
  writeFileSync(
    at("garbage.pem"),
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
  );
  assertClearLine(
    await command(["node", ...nodeFlags({ cert: at("garbage.pem") })]),
    /not a certificate/,
  );
  writeFileSync(at("garbage.pem"), "nothing of the kind");
  assertClearLine(
    await command(["node", ...nodeFlags({ key: at("garbage.pem") })]),
    /not a private key/,
  );
});

test("a misspelt flag is told in one line, with the one that was meant", async () => {
  assertClearLine(
    await command(["node", "--endpiont", "localhost"]),
    /--endpiont.*--endpoint/,
  );
  assertClearLine(
    await command(["cloud", "--prot", "0", "--state", at("cloud")]),
    /--prot.*--port/,
  );
  assertClearLine(
    await command(["provision", "--thin", "x"]),
    /--thin.*--thing/,
  );
});

test("a port that does not exist is told in one line", async () => {
  for (const name of ["start", "cloud"])
    assertClearLine(
      await command([name, "--port", "65536", "--state", at("cloud")]),
      /--port is at most 65535/,
    );
});

test("a port in use is told in one line", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => taken.once("listening", resolve));
  const { port } = taken.address() as AddressInfo;
  const outcome = await command([
    ...["cloud", "--port", String(port), "--https-port", "0"],
    ...["--api-port", "0", "--state", at("cloud")],
  ]);
  taken.close();
  assertClearLine(outcome, /in use/);
});

test("damaged flash is told in one line, and left as it is", async () => {
  await command(["node", ...nodeFlags({ count: "1", trust: undefined })]);
  const key = at("flash/identity/key0");
  const bytes = readFileSync(key);
  bytes[20] ^= 1;
  writeFileSync(key, bytes);
  const { code, stdout } = await deviceAlone();
  assert.equal(code, 2, stdout);
  assert.match(stdout, /\[flash\.corrupt\]/);
  assert.deepEqual(readFileSync(key), bytes);
});

for (const file of ["identity/key0", "fieldnode.kv"])
  test(`flash that cannot be read is told in one line (${file})`, async () => {
    await command(["node", ...nodeFlags({ count: "1", trust: undefined })]);
    // A link to itself: that is unreadable for root too.
    rmSync(at(`flash/${file}`), { force: true });
    symlinkSync(at(`flash/${file}`), at(`flash/${file}`));
    const { code, stdout } = await deviceAlone();
    rmSync(at(`flash/${file}`));
    assert.equal(code, 2, stdout);
    assert.match(stdout, /^[^\n]*\[flash\.unreadable\]\n$/);
  });

/** The device program with what `npm run node` left in its flash, which the command would write anew. */
function deviceAlone(): Promise<Outcome> {
  const flash = at("flash");
  assert.ok(existsSync(join(flash, "config.json")));
  return new Promise((resolve) => {
    const child = spawn(join(root, "build/device/release/fieldnode"), [
      ...["--flash", flash, "--config", join(flash, "config.json"), "main"],
    ]);
    let stdout = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.on("close", (code) => resolve({ code, stdout, stderr: "" }));
  });
}
