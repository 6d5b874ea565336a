import assert from "node:assert/strict";
import { before, test } from "node:test";
import { NodeServer, proxy } from "./node-server.js";
import { OpensslServer } from "./openssl-server.js";
import { authority, server, type Credential } from "./pki.js";
import {
  hasTls13,
  mbedtlsMajor,
  mbedtlsVersion,
  runSubject,
  type Outcome,
} from "./subject.js";

/**
 * Servers that sign their key exchange with RSA-PSS. TLS 1.3 cannot do without, so it is offered; in TLS 1.2, 3.6 and 4.1
 * refuse it, and 4.0 alone checks it.
 */
const isRefused = hasTls13 && !mbedtlsVersion.startsWith("4.0.");
let root: Credential;
let own: Credential;
before(async () => {
  root = await authority({ name: "root" });
  own = await server(root, { kind: "RSA-2048" });
});

const say = (outcome: Outcome): string => JSON.stringify(outcome);

test("connects to a server of TLS 1.2 that prefers RSA-PSS, and again without a detour", async () => {
  let connections = 0;
  const made = await NodeServer.start(own, (socket) => socket.end("hello"), {
    maxVersion: "TLSv1.2",
    honorCipherOrder: true,
  });
  const wire = await proxy(made.port, (bytes, offset) => {
    if (offset === 0) connections++;
    return [bytes];
  });
  const outcome = await runSubject(
    { trust: [root] },
    { port: wire.port, download: 5, rounds: 2 },
  );
  await wire.stop();
  await made.stop();
  const reads = outcome.events.filter(({ event }) => event === "read");
  assert.deepEqual(
    reads.map(({ text }) => text),
    ["hello", "hello"],
    say(outcome),
  );
  // Where PSS is offered and then refused the node has to come again without TLS 1.3, once.
  assert.equal(connections, isRefused ? 3 : 2);
});

test("checks RSA-PSS in TLS 1.2, or names the signature that a server insists on and the TLS library cannot check", async () => {
  const insistOn = async (...version: string[]): Promise<Outcome> => {
    const made = await OpensslServer.start(own, {
      more: [...version, "-rev", "-sigalgs", "RSA-PSS+SHA256"],
    });
    const outcome = await runSubject(
      { trust: [root] },
      { port: made.port, request: "field\n", download: 6 },
    );
    await made.stop();
    return outcome;
  };
  const older = await insistOn("-tls1_2");
  const code = older.find("failure")?.code;
  const text = older.find("read")?.text;
  // 2.28 does not even offer it, so the server finds nothing in common.
  if (mbedtlsMajor === 2) assert.equal(code, "tls.no-common-suite");
  else if (isRefused) assert.equal(code, "tls.no-common-signature");
  else assert.equal(text, "dleif\n", say(older));
  if (!hasTls13) return;
  const newer = await insistOn();
  assert.equal(newer.find("read")?.text, "dleif\n", say(newer));
});
