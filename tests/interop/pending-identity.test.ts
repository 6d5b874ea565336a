import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, type webcrypto } from "node:crypto";
import { rmSync } from "node:fs";
import { after, before, test } from "node:test";
import x509 from "../../simulator/cloud/x509.js";
import { NodeServer } from "./node-server.js";
import { authority, chainPem, device, server, type Credential } from "./pki.js";
import {
  makeFlash,
  runSubject,
  type Outcome,
  type SubjectEvent,
} from "./subject.js";

let root: Credential;
let clients: Credential;
let first: Credential;
const flashes: string[] = [];
before(async () => {
  root = await authority({ name: "root" });
  clients = await authority({ name: "clients" });
  first = await device(clients, { name: "first" });
});
after(() => flashes.forEach((one) => rmSync(one, { recursive: true })));

/** A node's flash that is switched on and off again by each `run`. */
async function flash(identity?: Credential): Promise<string> {
  const made = await makeFlash({
    trust: [root],
    ...(identity && { identity }),
  });
  flashes.push(made);
  return made;
}

/** Switches a node on, which does these steps; what came of the last one. */
async function run(
  flash: string,
  ...steps: string[]
): Promise<SubjectEvent & { all: SubjectEvent[] }> {
  const outcome = await runSubject(
    flash,
    { steps },
    "tests/unit/identity/subject-identity",
  );
  assert.equal(outcome.exitCode, 0, outcome.stderr);
  assert.equal(outcome.events.length, steps.length, outcome.stderr);
  return { ...outcome.events.at(-1)!, all: outcome.events };
}

const fingerprint = (credential: Credential): string =>
  createHash("sha256")
    .update(Buffer.from(credential.certificate.rawData))
    .digest("hex");

/** Answers a certificate request as an authority does, once OpenSSL has found its signature to be by its own key. */
async function answer(csr: string, issuer = clients): Promise<Credential> {
  const verified = execFileSync(
    "openssl",
    ["req", "-verify", "-noout", "-text"],
    { input: csr, encoding: "utf8", stdio: ["pipe", "pipe", "ignore"] },
  );
  assert.match(verified, /ASN1 OID: prime256v1/);
  const request = new x509.Pkcs10CertificateRequest(csr);
  return device(issuer, {
    name: "second",
    publicKey: (await request.publicKey.export()) as webcrypto.CryptoKey,
  });
}

test("makes a key, asks for a certificate, stores it, changes to it and back: each step lasts over a restart", async () => {
  const node = await flash(first);
  const old = fingerprint(first);
  assert.equal((await run(node, "generate")).code, undefined);
  const { text: csr } = await run(node, "csr CN=greenhouse-1,O=Example");
  assert.match(csr!, /^-----BEGIN CERTIFICATE REQUEST-----\n/);
  const request = new x509.Pkcs10CertificateRequest(csr!);
  assert.match(request.subject, /CN=greenhouse-1, O=Example|O=Example, CN=/);

  const made = await answer(csr!);
  const stored = await run(node, `store ${chainPem(made)}`, "open", "pending");
  assert.deepEqual(
    stored.all.map(({ code, text }) => code ?? text),
    [undefined, old, fingerprint(made)],
  );
  await run(node, "activate");
  assert.equal((await run(node, "open")).text, fingerprint(made));
  await run(node, "rollBack");
  assert.equal((await run(node, "open")).text, old);
  await run(node, "activate");
  assert.equal((await run(node, "open")).text, fingerprint(made));
});

test("the new identity connects", async () => {
  const node = await flash();
  const { text: csr } = await run(node, "generate", "csr CN=node");
  const made = await answer(csr!);
  await run(node, `storeBytes ${chainPem(made)}`, "activate");
  const peer = await NodeServer.start(
    await server(root),
    (socket) => socket.end(`hello ${socket.getPeerX509Certificate()?.subject}`),
    { requestCert: true, ca: chainPem(clients) },
  );
  const outcome: Outcome = await runSubject(node, {
    port: peer.port,
    identity: true,
    download: 15,
  });
  await peer.stop();
  assert.equal(outcome.find("read")?.text, "hello CN=second", outcome.stderr);
});

test("refuses what would leave it without a whole identity, and stays as it is", async () => {
  const node = await flash(first);
  const codes = async (...steps: string[]) =>
    (await run(node, ...steps)).all.map(({ code }) => code);
  const pem = chainPem(first);
  assert.deepEqual(
    await codes("activate", "rollBack", "csr CN=node", `store ${pem}`),
    [
      "identity.no-pending",
      "identity.no-previous",
      "identity.no-pending",
      "identity.no-pending",
    ],
  );
  assert.deepEqual(
    await codes("generate", "activate", "pending", `store ${pem}`, "activate"),
    [
      undefined,
      "identity.no-certificate",
      "identity.no-certificate",
      "identity.mismatch",
      "identity.no-certificate",
    ],
  );
  const csr = (await run(node, "csr CN=node")).text!;
  const made = chainPem(await answer(csr));
  assert.deepEqual(
    await codes(
      "store nonsense",
      "store -----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
      "store ",
      "csr nonsense",
      `store ${made}`,
      "activate",
    ),
    [
      "identity.bad-certificate",
      "identity.bad-certificate",
      "identity.bad-certificate",
      "config.invalid",
      undefined,
      undefined,
    ],
  );
  // What lies in the pending slot now is the identity from before: nothing may be done to it but to return.
  assert.deepEqual(await codes("activate", "csr CN=node", `store ${made}`), [
    "identity.no-pending",
    "identity.no-pending",
    "identity.no-pending",
  ]);
  // A newer key takes its place; then there is no way back any more.
  assert.deepEqual(await codes("generate", "rollBack", "open"), [
    undefined,
    "identity.no-previous",
    undefined,
  ]);
});

test("tells that its own certificate has expired, by the node's clock", async () => {
  const node = await flash(await device(clients, { until: 10 }));
  const day = 86_400_000;
  assert.equal((await run(node, `expiry ${Date.now() + 9 * day}`)).text, "");
  assert.match(
    (await run(node, `expiry ${Date.now() + 11 * day}`)).text!,
    /own certificate has expired.*\(on \d{4}-\d\d-\d\d\).*\[identity\.expired\]$/,
  );
});

test("each key it makes is another one", async () => {
  const node = await flash(first);
  const keys = new Set<string>();
  for (let i = 0; i < 4; i++) {
    const { text } = await run(node, "generate", "csr CN=node");
    keys.add(
      Buffer.from(
        new x509.Pkcs10CertificateRequest(text!).publicKey.rawData,
      ).toString("hex"),
    );
  }
  assert.equal(keys.size, 4);
});

test("roots are changed side by side: old, both, new", async () => {
  const next = await authority({ name: "next root", kind: "RSA-2048" });
  const node = await flash(first);
  const tries = async () => {
    const results: string[] = [];
    for (const issuer of [root, next]) {
      const peer = await NodeServer.start(await server(issuer), (socket) =>
        socket.end("hello"),
      );
      const outcome = await runSubject(node, { port: peer.port, download: 5 });
      await peer.stop();
      results.push(
        outcome.find("failure")?.code ?? outcome.find("read")!.text!,
      );
    }
    return results;
  };
  assert.deepEqual(await tries(), ["hello", "tls.unknown-root"]);
  await run(node, `addTrust ${chainPem(next)}`);
  assert.deepEqual(await tries(), ["hello", "hello"]);
  // The same root again is not kept twice.
  assert.equal(
    (await run(node, `addTrust ${chainPem(next)}`, "trust")).text,
    2,
  );
  await run(node, `setTrust ${chainPem(next)}`);
  assert.deepEqual(await tries(), ["tls.unknown-root", "hello"]);
});

test("takes only authorities as roots, and keeps those it has", async () => {
  const node = await flash();
  const leaf = await server(root);
  for (const step of ["setTrust", "addTrust"])
    for (const bad of [chainPem(leaf), "nonsense", ""]) {
      const result = await run(node, `${step} ${bad}`, "trust");
      assert.equal(result.all[0].code, "identity.bad-trust", bad);
      assert.equal(result.text, 1);
    }
  assert.match(
    (await run(node, `setTrust ${chainPem(leaf)}`)).detail!,
    /CN=server\.test is no certificate authority/,
  );
});
