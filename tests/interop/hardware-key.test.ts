import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { OpensslServer } from "./openssl-server.js";
import {
  authority,
  chainPem,
  device,
  keyObject,
  keyPem,
  server,
  type Credential,
  type Kind,
} from "./pki.js";
import { secretForms } from "./private-key-forms.js";
import { ProcessMemory } from "./process-memory.js";
import {
  hasTls13,
  host,
  mbedtlsMajor,
  runSubject,
  testHost,
  type Outcome,
} from "./subject.js";

const chips = mkdtempSync(join(tmpdir(), "fieldnode-chip-"));
let root: Credential;
let clients: Credential;
let peer: OpensslServer;
before(async () => {
  root = await authority({ name: "root" });
  clients = await authority({ name: "clients" });
  peer = await OpensslServer.start(await server(root), {
    clients,
    more: ["-rev"],
  });
});
after(async () => {
  await peer.stop();
  rmSync(chips, { recursive: true });
});

/** Puts a key into the stand-in for a chip (tests/unit/natives/software-key.c) and gives its name. */
async function chip(credential: Credential): Promise<string> {
  const { kind } = credential;
  const file = join(chips, `${kind}.pem`);
  writeFileSync(file, await keyPem(credential), { mode: 0o600 });
  return `hardware:${kind.startsWith("P-") ? "ec" : "rsa"} ${kind.slice(kind.indexOf("-") + 1)} ${file}`;
}

/** A node whose flash has the name of a key, not the key. */
const connect = (
  name: string,
  credential: Credential,
  program = testHost,
  watch?: (event: string, pid: number) => void,
): Promise<Outcome> =>
  runSubject(
    {
      trust: [root],
      key: Buffer.from(name),
      certificate: Buffer.from(chainPem(credential)),
    },
    {
      port: peer.port,
      identity: true,
      request: "field\n",
      download: 6,
      hold: 1000,
    },
    undefined,
    [],
    ({ event }, pid) => watch?.(event, pid),
    {},
    program,
  );

/** There a key in hardware is one of PSA's, whose driver is part of the library's build. */
const options = {
  skip: mbedtlsMajor >= 4 && "mbedTLS 4 does not sign by a function of ours",
};

for (const kind of ["P-256", "P-384", "RSA-2048"] satisfies Kind[])
  test(
    `a key ${kind} in hardware signs the handshake, and the node's memory never has it`,
    options,
    async () => {
      const node = await device(clients, { kind });
      let memory: ProcessMemory | undefined;
      const outcome = await connect(
        await chip(node),
        node,
        testHost,
        (event, pid) => {
          if (event === "open") memory = new ProcessMemory(pid);
        },
      );
      assert.equal(
        outcome.find("read")?.text,
        "dleif\n",
        JSON.stringify(outcome),
      );
      assert.equal(
        outcome.find("open")?.peer?.version,
        // RSA by a callback has no PSS, which TLS 1.3 demands.
        hasTls13 && kind !== "RSA-2048" ? "1.3" : "1.2",
      );
      for (const { name, bytes } of secretForms(await keyObject(node)))
        assert.equal(memory!.count(bytes), 0, name);
    },
  );

test(
  "says so when the chip has another key, is not there, or has no driver",
  options,
  async () => {
    const node = await device(clients);
    const other = await device(clients);
    const name = await chip(other);
    const cases: [Outcome, string][] = [
      [await connect(name, node), "identity.mismatch"],
      [
        await connect(name, await device(clients, { kind: "RSA-2048" })),
        "identity.mismatch",
      ],
      [
        await connect("hardware:ec 256 /nowhere", node),
        "identity.hardware-key",
      ],
      [await connect("hardware:", node), "identity.bad-key"],
      [await connect(name, other, host), "identity.hardware-key"],
      [await connect(name, other), "none"],
    ];
    for (const [outcome, code] of cases) {
      assert.equal(
        outcome.find("failure")?.code ?? "none",
        code,
        JSON.stringify(outcome),
      );
      assert.equal(outcome.exitCode, 0, outcome.stderr);
    }
  },
);

test("a chip that does not sign is found when the identity is opened", async () => {
  const node = await device(clients);
  const file = join(chips, "broken.pem");
  writeFileSync(file, "not a key");
  const outcome = await connect(`hardware:ec 256 ${file}`, node);
  assert.equal(outcome.find("failure")?.code, "identity.hardware-key");
  assert.equal(outcome.exitCode, 0, outcome.stderr);
});
