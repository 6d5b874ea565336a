import assert from "node:assert/strict";
import type { webcrypto } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { main as runNode } from "../../simulator/commands/node.js";
import x509 from "../../simulator/cloud/x509.js";
import { TlsMosquitto } from "./mosquitto-tls.js";
import { authority, chainPem, device, keyPem, server } from "./pki.js";
import type { Credential } from "./pki.js";
import { runSubject } from "./subject.js";

/** A node that changed over to an identity of its own making, and the commands that flash and start it. */
const folder = mkdtempSync(join(tmpdir(), "fieldnode-rotation-"));
let root: Credential;
let broker: TlsMosquitto;
before(async () => {
  root = await authority();
  const own = await server(root, { names: ["broker.localhost"] });
  broker = await TlsMosquitto.start([own], root, [
    "use_identity_as_username true",
  ]);
});
after(async () => {
  await broker.stop();
  rmSync(folder, { recursive: true });
});

const flash = join(folder, "flash");

/** `npm run node` with these files, until a sample has arrived. */
async function start(credential: Credential): Promise<number> {
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  return runNode([
    ...["--endpoint", `broker.localhost:${broker.ports[0]}`],
    ...["--thing", "node-1", "--flash", flash, "--count", "1"],
    ...["--cert", file("cert.pem", chainPem(credential))],
    ...["--key", file("key.pem", await keyPem(credential))],
    ...["--trust", file("root.pem", chainPem(root))],
  ]);
}

/** As whom mosquitto knew the clients that connected, in their order. */
const names = (): string[] =>
  [...broker.log.matchAll(/as node-1 .*u'([^']*)'/g)].map(([, name]) => name);

/** What the node does to its identity, in a run of its own. */
async function does(...steps: string[]): Promise<string> {
  const outcome = await runSubject(
    flash,
    { steps },
    "tests/unit/identity/subject-identity",
  );
  assert.equal(outcome.events.length, steps.length, outcome.stderr);
  assert.ok(!outcome.find("code"), JSON.stringify(outcome));
  return outcome.events.at(-1)!.text ?? "";
}

test("a node that changed its identity keeps it when it is started again, until it is given another", async () => {
  mkdirSync(flash);
  const first = await device(root, { name: "first" });
  assert.equal(await start(first), 0);
  const csr = await does("generate", "csr CN=second");
  const request = new x509.Pkcs10CertificateRequest(csr);
  const second = await device(root, {
    name: "second",
    publicKey: (await request.publicKey.export()) as webcrypto.CryptoKey,
  });
  await does(`store ${chainPem(second)}`, "activate");
  assert.equal(await start(first), 0);
  assert.equal(await start(await device(root, { name: "third" })), 0);
  assert.deepEqual(names(), ["first", "second", "third"]);
});
