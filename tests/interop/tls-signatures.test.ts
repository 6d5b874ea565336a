import assert from "node:assert/strict";
import { sign, type KeyObject } from "node:crypto";
import { before, test } from "node:test";
import { NodeServer, proxy } from "./node-server.js";
import { OpensslServer } from "./openssl-server.js";
import { authority, keyObject, server, type Credential } from "./pki.js";
import { plainRecord, recordsOf } from "./server-records.js";
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

/** Numbers of a ServerKeyExchange (RFC 5246, 7.4; for hash and signature 7.4.1.4.1). */
const serverKeyExchange = 12;
const sha1WithRsa = Buffer.of(2, 1);

/** A ServerKeyExchange that says the same, signed with SHA-1. */
function signedWithSha1(
  message: Buffer,
  randoms: Buffer[],
  key: KeyObject,
): Buffer {
  // Kind and number of the curve, and a point on it.
  const parameters = message.subarray(4, 8 + message[7]);
  const signature = sign("sha1", Buffer.concat([...randoms, parameters]), key);
  const length = Buffer.of(signature.length >> 8, signature.length & 255);
  const body = Buffer.concat([parameters, sha1WithRsa, length, signature]);
  const header = Buffer.of(serverKeyExchange, 0, 0, 0);
  header.writeUIntBE(body.length, 1, 3);
  return Buffer.concat([header, body]);
}

test("refuses a key exchange that is signed with a hash that was not offered (TLS 1.2)", async () => {
  const key = await keyObject(own);
  const made = await NodeServer.start(own, undefined, {
    maxVersion: "TLSv1.2",
  });
  let clientHello: Buffer | undefined;
  const wire = await proxy(
    made.port,
    (bytes, offset) => {
      if (offset > 0) return [bytes];
      // Behind the headers of record and handshake and the version, in either hello.
      const randoms = [clientHello!, bytes].map((hello) =>
        hello.subarray(11, 43),
      );
      return recordsOf(bytes).map(({ type, content }) =>
        plainRecord(
          type,
          content[0] === serverKeyExchange
            ? signedWithSha1(content, randoms, key)
            : content,
        ),
      );
    },
    (bytes) => (clientHello ??= bytes),
  );
  const outcome = await runSubject(
    { trust: [root] },
    { port: wire.port, cipherSuites: ["ECDHE-RSA-AES128-GCM-SHA256"] },
  );
  const alerts = await made.failures();
  await wire.stop();
  await made.stop();
  const failure = outcome.find("failure");
  assert.equal(failure?.code, "tls.tampered", say(outcome));
  // At that message itself, where some libraries take it and the engine does not (CVE-2026-25834).
  assert.match(failure.detail!, /at step 4$/);
  assert.match(alerts, /illegal parameter/);
});
