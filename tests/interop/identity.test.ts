import assert from "node:assert/strict";
import { randomBytes, X509Certificate } from "node:crypto";
import {
  chmodSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { root as project } from "../../simulator/commands/project.js";
import { OpensslServer } from "./openssl-server.js";
import { authority, device, server, type Credential } from "./pki.js";
import { makeFlash, runSubject, type Flash } from "./subject.js";

let root: Credential;
let clients: Credential;
let node: Credential;
before(async () => {
  root = await authority({ name: "root" });
  clients = await authority({ name: "clients" });
  node = await device(clients);
});

test("says what is wrong with an identity, one reason each", async () => {
  const der = Buffer.from(node.certificate.rawData);
  const cases: [Flash, string][] = [
    [{}, "identity.no-trust"],
    [{ trust: Buffer.from("nonsense") }, "identity.bad-trust"],
    [{ trust: [root] }, "identity.no-key"],
    [
      { trust: [root], key: Buffer.from("-----BEGIN"), certificate: der },
      "identity.bad-key",
    ],
    [
      { trust: [root], identity: node, certificate: randomBytes(300) },
      "identity.bad-certificate",
    ],
    [
      { trust: [root], identity: await device(clients), certificate: der },
      "identity.mismatch",
    ],
    [
      {
        trust: [root],
        identity: await device(clients, { kind: "RSA-2048" }),
        certificate: der,
      },
      "identity.mismatch",
    ],
  ];
  for (const [flash, code] of cases) {
    const outcome = await runSubject(flash, { port: 1, identity: true });
    assert.equal(outcome.find("failure")?.code, code, JSON.stringify(outcome));
    assert.equal(outcome.exitCode, 0, outcome.stderr);
  }
});

test("tells flash that is damaged, cut short or unreadable", async () => {
  for (const [name, change, code] of [
    ["key0", (bytes: Buffer) => ((bytes[40] ^= 1), bytes), "flash.corrupt"],
    ["cert0", (bytes: Buffer) => bytes.subarray(0, 50), "flash.corrupt"],
    ["trust", (bytes: Buffer) => bytes.subarray(0, 5), "flash.corrupt"],
    ["active", () => Buffer.from("FNIDxxxx"), "flash.corrupt"],
  ] as const) {
    const flash = await makeFlash({ trust: [root], identity: node });
    const path = join(flash, "identity", name);
    const there = readdirSync(join(flash, "identity")).includes(name);
    writeFileSync(path, change(there ? readFileSync(path) : Buffer.alloc(0)));
    const outcome = await runSubject(flash, { port: 1, identity: true });
    rmSync(flash, { recursive: true });
    assert.equal(outcome.find("failure")?.code, code, name);
  }
  if (process.getuid?.() === 0) return; // nothing is unreadable for root
  const flash = await makeFlash({ trust: [root], identity: node });
  chmodSync(join(flash, "identity", "key0"), 0);
  const outcome = await runSubject(flash, { port: 1, identity: true });
  rmSync(flash, { recursive: true });
  assert.equal(outcome.find("failure")?.code, "flash.unreadable");
});

test("Amazon's roots in the firmware are those of certs/", () => {
  const source = readFileSync(
    join(project, "modules/identity/amazon-roots.c"),
    "latin1",
  );
  const compiled = Buffer.from(
    [...source.matchAll(/0x([0-9a-f]{2})\b/g)].map((one) =>
      parseInt(one[1], 16),
    ),
  );
  const files = ["amazon-root-ca-1.pem", "amazon-root-ca-3.pem"].map(
    (name) => new X509Certificate(readFileSync(join(project, "certs", name))),
  );
  assert.deepEqual(
    files.map((one) => one.subject.split("\n").at(-1)),
    ["CN=Amazon Root CA 1", "CN=Amazon Root CA 3"],
  );
  assert.ok(compiled.equals(Buffer.concat(files.map((one) => one.raw))));
});

test("leaves nothing allocated and touches no memory that is not its own (valgrind)", async () => {
  const peer = await OpensslServer.start(await server(root), {
    clients,
    more: ["-rev"],
  });
  const outcome = await runSubject(
    { trust: [root], identity: node },
    {
      port: peer.port,
      identity: true,
      request: "field\n",
      download: 6,
      rounds: 3,
    },
    "tests/unit/secure-socket/subject-client",
    [
      "valgrind",
      "-q",
      "--error-exitcode=9",
      "--leak-check=full",
      "--show-leak-kinds=all",
      "--errors-for-leak-kinds=all",
    ],
  );
  await peer.stop();
  assert.equal(
    outcome.events.filter((one) => one.event === "read").length,
    3,
    outcome.stderr,
  );
  assert.equal(outcome.exitCode, 0, outcome.stderr);
});
