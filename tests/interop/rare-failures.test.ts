import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { NodeServer, proxy } from "./node-server.js";
import { OpensslServer } from "./openssl-server.js";
import {
  authority,
  chainPem,
  device,
  keyPem,
  server,
  type Credential,
} from "./pki.js";
import { contentType, plainRecord, recordsOf } from "./server-records.js";
import {
  hasTls13,
  mbedtlsMajor,
  runSubject,
  testHost,
  type Outcome,
} from "./subject.js";

/** Failures that it takes odd machines and odd servers to see. */
let root: Credential;
let clients: Credential;
let peer: Credential;
let node: Credential;
before(async () => {
  root = await authority({ name: "root" });
  clients = await authority({ name: "clients" });
  peer = await server(root);
  node = await device(clients);
});

const versions = hasTls13
  ? (["TLSv1.2", "TLSv1.3"] as const)
  : (["TLSv1.2"] as const);

/** The one failure that the subject ended with; the process itself ended well. */
function codeOf(outcome: Outcome): string | undefined {
  const failures = outcome.events.filter(({ event }) => event === "failure");
  assert.equal(failures.length, 1, JSON.stringify(outcome));
  assert.equal(outcome.exitCode, 0, outcome.stderr);
  return failures[0].code;
}

for (const version of versions)
  test(
    `says that it cannot sign when the chip with its key falls silent in the handshake (${version})`,
    { skip: mbedtlsMajor >= 4 && "mbedTLS 4 signs by drivers of PSA alone" },
    async () => {
      const chip = mkdtempSync(join(tmpdir(), "fieldnode-chip-"));
      const key = join(chip, "key.pem");
      writeFileSync(key, await keyPem(node), { mode: 0o600 });
      const made = await NodeServer.start(peer, undefined, {
        requestCert: true,
        ca: chainPem(clients),
        minVersion: version,
        maxVersion: version,
      });
      // The node has opened its identity, and has to sign after what the server says now.
      const wire = await proxy(made.port, (bytes) => {
        rmSync(key, { force: true });
        return [bytes];
      });
      const outcome = await runSubject(
        {
          trust: [root],
          key: Buffer.from(`hardware:ec 256 ${key}`),
          certificate: Buffer.from(chainPem(node)),
        },
        { port: wire.port, identity: true },
        undefined,
        [],
        undefined,
        {},
        testHost,
      );
      const alerts = await made.failures();
      await wire.stop();
      await made.stop();
      rmSync(chip, { recursive: true });
      assert.equal(codeOf(outcome), "tls.cannot-sign");
      assert.match(alerts, /alert/);
    },
  );

test("says that it has no random numbers, and sends nothing", async () => {
  let connections = 0;
  const made = await NodeServer.start(peer, () => connections++);
  const outcome = await runSubject(
    { trust: [root], identity: node },
    { port: made.port, identity: true },
    undefined,
    [],
    undefined,
    { FIELDNODE_NO_RANDOMNESS: "1" },
    testHost,
  );
  await made.stop();
  assert.equal(codeOf(outcome), "tls.no-randomness");
  assert.equal(connections, 0);
});

test(
  "says that it does not do what a server asks for: a change of keys in an open session (TLS 1.3)",
  {
    skip: !hasTls13 && "the TLS library at hand has no TLS 1.3",
  },
  async () => {
    const made = await OpensslServer.start(peer, { more: ["-tls1_3"] });
    const outcome = await runSubject(
      { trust: [root] },
      { port: made.port },
      undefined,
      [],
      ({ event }) => event === "open" && made.type("K"),
    );
    await made.stop();
    assert.equal(codeOf(outcome), "tls.unsupported");
  },
);

test("takes a message of the handshake in several records, or says that its library does not (TLS 1.2)", async () => {
  const made = await OpensslServer.start(peer, {
    more: ["-tls1_2", "-rev", "-max_send_frag", "512"],
  });
  const outcome = await runSubject(
    { trust: [root] },
    { port: made.port, request: "field\n", download: 6 },
  );
  await made.stop();
  if (mbedtlsMajor === 2) assert.equal(codeOf(outcome), "tls.unsupported");
  else
    assert.equal(
      outcome.find("read")?.text,
      "dleif\n",
      JSON.stringify(outcome),
    );
});

/** A server of TLS 1.2 behind a proxy that puts the records of its first flight otherwise. */
async function rewritten(
  rewrite: (record: { type: number; content: Buffer }) => Buffer[],
): Promise<Outcome> {
  const deep = await authority({ issuer: root, name: "deep", padding: 3000 });
  const made = await NodeServer.start(
    await server(deep),
    (socket) => socket.end("hello"),
    { maxVersion: "TLSv1.2" },
  );
  const wire = await proxy(made.port, (bytes, offset) =>
    offset > 0 ? [bytes] : recordsOf(bytes).flatMap(rewrite),
  );
  const outcome = await runSubject({ trust: [root] }, { port: wire.port });
  await wire.stop();
  await made.stop();
  return outcome;
}

test("takes certificates that come in hundreds of records, or says that its library does not (TLS 1.2)", async () => {
  const size = 16;
  const outcome = await rewritten(({ type, content }) =>
    Array.from({ length: Math.ceil(content.length / size) }, (_, at) =>
      plainRecord(type, content.subarray(at * size, (at + 1) * size)),
    ),
  );
  if (mbedtlsMajor === 2) assert.equal(codeOf(outcome), "tls.unsupported");
  else
    assert.equal(outcome.find("read")?.text, "hello", JSON.stringify(outcome));
});

test("ends a handshake whose message grows over records without an end", async () => {
  const { handshake } = contentType;
  const certificate = 11;
  const more = plainRecord(handshake, Buffer.alloc(10_000));
  const outcome = await rewritten(({ type, content }) => {
    if (content[0] !== certificate) return [plainRecord(type, content)];
    // It says to be of 1 MB.
    const begin = Buffer.of(certificate, 15, 255, 255);
    return [plainRecord(handshake, begin), ...Array<Buffer>(20).fill(more)];
  });
  assert.equal(
    codeOf(outcome),
    mbedtlsMajor === 2 ? "tls.unsupported" : "tls.protocol",
  );
});
