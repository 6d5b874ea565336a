import assert from "node:assert/strict";
import { createHash, type webcrypto } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import x509 from "../../simulator/cloud/x509.js";
import { authority, chainPem, device, type Credential } from "./pki.js";
import { makeFlash, runSubject, testHost, type Outcome } from "./subject.js";

/** What a disk makes of what was not synchronised when the power failed: see tests/unit/natives/power-cut.c. */
const disks = ["kept", "torn", "lost"];
/** The long form also cuts each write after each of its bytes. */
const everyByte = process.env.FIELDNODE_LONG !== undefined;

const work = mkdtempSync(join(tmpdir(), "fieldnode-power-"));
after(() => rmSync(work, { recursive: true }));

let root: Credential;
let next: Credential;
/** Flash folders of a node at each step of its change from one identity to another. */
let provisioned: string, generated: string, stored: string, activated: string;
let certificate: string, oldOne: string, newOne: string;

const run = (
  flash: string,
  steps: string[],
  environment: Record<string, string> = {},
): Promise<Outcome> =>
  runSubject(
    flash,
    { steps },
    "tests/unit/identity/subject-identity",
    [],
    undefined,
    environment,
    testHost,
  );

let copies = 0;
function copy(flash: string): string {
  const made = join(work, `${copies++}`);
  cpSync(flash, made, { recursive: true });
  return made;
}

async function step(flash: string, ...steps: string[]): Promise<string> {
  const made = copy(flash);
  const outcome = await run(made, steps);
  assert.deepEqual(
    outcome.events.filter((one) => one.code !== undefined),
    [],
  );
  return made;
}

const fingerprint = (credential: Credential): string =>
  createHash("sha256")
    .update(Buffer.from(credential.certificate.rawData))
    .digest("hex");

before(async () => {
  const clients = await authority({ name: "clients" });
  root = await authority({ name: "root" });
  next = await authority({ name: "next root" });
  const first = await device(clients);
  oldOne = fingerprint(first);
  const flash = await makeFlash({ trust: [root], identity: first });
  provisioned = copy(flash);
  rmSync(flash, { recursive: true });
  generated = await step(provisioned, "generate");
  const csr = (await run(generated, ["csr CN=node"])).events[0].text!;
  const second = await device(clients, {
    publicKey: (await new x509.Pkcs10CertificateRequest(
      csr,
    ).publicKey.export()) as webcrypto.CryptoKey,
  });
  newOne = fingerprint(second);
  certificate = chainPem(second);
  stored = await step(generated, `store ${certificate}`);
  activated = await step(stored, "activate");
});

/** Where the power can fail: before each operation on the flash, within each write, and right after the step. */
async function cutsOf(flash: string, what: string): Promise<string[]> {
  const whole = await run(copy(flash), [what], { FIELDNODE_POWER_CUT: "0" });
  assert.equal(whole.events[0].code, undefined);
  const total = Number(/operations: (\d+)/.exec(whole.stderr)![1]);
  assert.ok(total >= 5, whole.stderr);
  const cuts = Array.from({ length: total + 1 }, (_, index) => `${index + 1}`);
  for (const [, at, length] of whole.stderr.matchAll(
    /write: operation (\d+), (\d+) bytes/g,
  )) {
    const all = Array.from({ length: Number(length) }, (_, index) => index + 1);
    for (const bytes of everyByte ? all : [all[all.length >> 1]])
      cuts.push(`${at}.${bytes}`);
  }
  return cuts.flatMap((cut) => disks.map((disk) => `${cut},${disk}`));
}

/**
 * Does the step with the power failing at each of its moments in turn, each time with flash in the same state, and then
 * switches the node on again for the steps that judge it. What a step has done must last, from the moment it returns.
 */
async function withCuts(
  flash: string,
  what: string,
  judge: string[],
  verdict: (
    outcome: (string | undefined)[],
    done: boolean,
    say: string,
  ) => void,
): Promise<void> {
  const cuts = await cutsOf(flash, what);
  const worker = async () => {
    for (let cut = cuts.shift(); cut !== undefined; cut = cuts.shift()) {
      const node = copy(flash);
      const broken = await run(node, [what], { FIELDNODE_POWER_CUT: cut });
      const done = broken.exitCode === 0;
      assert.ok(done || broken.exitCode === 77, `${cut}: ${broken.stderr}`);
      const again = await run(node, judge);
      assert.equal(again.exitCode, 0, again.stderr);
      verdict(
        again.events.map(({ code, text }) => code ?? text),
        done,
        `${what.slice(0, 20)}, power cut ${cut}`,
      );
      // Nothing piles up: what a cut left behind is one file, which the next write takes.
      assert.ok(readdirSync(join(node, "identity")).length <= 8);
      rmSync(node, { recursive: true });
    }
  };
  await Promise.all([worker(), worker()]);
}

const oneOf = (value: unknown, allowed: unknown[], say: string): void =>
  assert.ok(allowed.includes(value), `${String(value)}: ${say}`);

test("a power cut while a key is made leaves the active identity, and the key can be made again", async () => {
  await withCuts(
    provisioned,
    "generate",
    ["open", "pending", "generate", "csr CN=node", "open"],
    ([open, pending, generate, csr, still], done, say) => {
      assert.equal(open, oldOne, say);
      oneOf(
        pending,
        ["identity.no-certificate", ...(done ? [] : ["identity.no-key"])],
        say,
      );
      assert.equal(generate, undefined, say);
      assert.match(csr!, /BEGIN CERTIFICATE REQUEST/, say);
      assert.equal(still, oldOne, say);
    },
  );
});

test("a power cut while a key takes the place of the identity from before never mixes the two", async () => {
  await withCuts(
    activated,
    "generate",
    ["open", "pending", "generate", "open"],
    ([open, pending, generate, still], done, say) => {
      assert.equal(open, newOne, say);
      oneOf(
        pending,
        ["identity.no-certificate", ...(done ? [] : [oldOne])],
        say,
      );
      assert.equal(generate, undefined, say);
      assert.equal(still, newOne, say);
    },
  );
});

test("a power cut while a certificate is stored leaves none or all of it, and it can be stored again", async () => {
  await withCuts(
    generated,
    `store ${certificate}`,
    ["open", "pending", `store ${certificate}`, "activate", "open"],
    ([open, pending, store, activate, now], done, say) => {
      assert.equal(open, oldOne, say);
      oneOf(
        pending,
        [newOne, ...(done ? [] : ["identity.no-certificate"])],
        say,
      );
      assert.equal(store, undefined, say);
      assert.equal(activate, undefined, say);
      assert.equal(now, newOne, say);
    },
  );
});

test("a power cut while slots are changed leaves the old identity or the new one, whole", async () => {
  for (const [flash, what, from, to] of [
    [stored, "activate", oldOne, newOne],
    [activated, "rollBack", newOne, oldOne],
  ] as const)
    await withCuts(
      flash,
      what,
      ["open", "pending"],
      ([open, pending], done, say) => {
        oneOf(open, [to, ...(done ? [] : [from])], say);
        assert.equal(pending, open === from ? to : from, say);
      },
    );
});

test("a power cut while roots are stored leaves the old ones or the new ones", async () => {
  for (const [what, after] of [
    [`addTrust ${chainPem(next)}`, 2],
    [`setTrust ${chainPem(root)}${chainPem(next)}`, 2],
  ] as const)
    await withCuts(
      provisioned,
      what,
      ["trust", "open"],
      ([count, open], done, say) => {
        oneOf(count, [after, ...(done ? [] : [1])], say);
        assert.equal(open, oldOne, say);
      },
    );
});
