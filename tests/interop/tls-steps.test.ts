import assert from "node:assert/strict";
import { before, test } from "node:test";
import { NodeServer, proxy } from "./node-server.js";
import { authority, chainPem, device, server, type Credential } from "./pki.js";
import {
  contentType,
  helloRequest,
  keysOf,
  messagesOf,
  plainRecord,
  recordsOf,
  serverRecord12,
  serverRecord13,
  sessionTicket,
} from "./server-records.js";
import { hasTls13, mbedtlsMajor, runSubject, type Flash } from "./subject.js";

/** How much of a server's messages the node takes at once: one, however many come together, and not without end. */
let peer: Credential;
let clients: Credential;
let flash: Flash;
before(async () => {
  const root = await authority({ name: "root" });
  clients = await authority({ name: "clients" });
  peer = await server(root);
  flash = { trust: [root], identity: await device(clients) };
});

const suites = {
  "TLSv1.2": "ECDHE-ECDSA-AES128-GCM-SHA256",
  "TLSv1.3": "TLS_AES_128_GCM_SHA256",
};
type Version = keyof typeof suites;
const versions: Version[] = hasTls13 ? ["TLSv1.2", "TLSv1.3"] : ["TLSv1.2"];

const start = (version: Version): Promise<NodeServer> =>
  NodeServer.start(peer, undefined, {
    requestCert: true,
    ca: chainPem(clients),
    minVersion: version,
    maxVersion: version,
  });

/** All handshake messages at the beginning of `bytes` in one record; what follows them as it is. */
function inOneRecord(bytes: Buffer): { joined: Buffer; messages: number } {
  const own = recordsOf(bytes);
  const end = own.findIndex(({ type }) => type !== contentType.handshake);
  const first = own.slice(0, end < 0 ? own.length : end);
  const content = Buffer.concat(first.map((record) => record.content));
  const rest = bytes.subarray(content.length + 5 * first.length);
  return {
    joined: Buffer.concat([plainRecord(contentType.handshake, content), rest]),
    messages: messagesOf(content).length,
  };
}

/**
 * What each side sends of the handshake after what the server says first, with a certificate on both: the node's five and
 * the server's Finished in TLS 1.2 (RFC 5246, 7.3); in TLS 1.3 (RFC 8446, 2) the node's four, and those that the server
 * encrypts. ChangeCipherSpec is none.
 */
const furtherMessages = { "TLSv1.2": 5 + 1, "TLSv1.3": 4 + 5 };

for (const version of versions)
  test(`a step is one message of the handshake, also when the server's come in one record (${version})`, async () => {
    const made = await start(version);
    let together = 0;
    const wire = await proxy(made.port, (bytes, offset) => {
      if (offset > 0) return [bytes];
      const { joined, messages } = inOneRecord(bytes);
      together = messages;
      return [joined];
    });
    const outcome = await runSubject(
      flash,
      { port: wire.port, cipherSuites: [suites[version]] },
      "tests/unit/secure-socket/subject-steps",
    );
    await wire.stop();
    await made.stop();
    const say = JSON.stringify(outcome);
    const steps = outcome.events.filter(({ event }) => event === "step");
    assert.equal(steps.at(-1)?.text, "open", say);
    // ServerHello, Certificate, ServerKeyExchange, CertificateRequest, ServerHelloDone; in TLS 1.3 only the first is plain.
    assert.equal(together, version === "TLSv1.2" ? 5 : 1);
    for (const { count } of steps) assert.ok(count! <= 1, say);
    const worked = steps.filter(
      ({ text, count }) => text !== "reading" || count === 1,
    );
    assert.ok(worked.length >= together + furtherMessages[version], say);
  });

/** Records in the server's name, made of the secrets that it told and of its ServerHello. */
type Forge = (secrets: Map<string, Buffer[]>, hello: Buffer) => Buffer[];

/** Runs a session in which the server's last word is its Finished: what `forge` makes takes the place of all after it. */
async function withRecords(version: Version, forge: Forge) {
  const made = await start(version);
  const secrets = new Map<string, Buffer[]>();
  made.onKeys((line) => {
    const [label, ...words] = line.trim().split(" ");
    secrets.set(
      label,
      words.map((word) => Buffer.from(word, "hex")),
    );
  });
  let hello: Buffer = Buffer.alloc(0);
  let isDone = false;
  const last =
    version === "TLSv1.2" ? "CLIENT_RANDOM" : "SERVER_TRAFFIC_SECRET_0";
  const wire = await proxy(made.port, (bytes, offset) => {
    if (offset === 0) hello = bytes;
    if (isDone) return [];
    // The server has told its keys when it sends its Finished.
    isDone = secrets.has(last);
    return isDone ? [bytes, ...forge(secrets, hello)] : [bytes];
  });
  const outcome = await runSubject(flash, {
    port: wire.port,
    identity: true,
    cipherSuites: [suites[version]],
    download: 5,
  });
  await wire.stop();
  await made.stop();
  assert.ok(isDone);
  return outcome;
}

const { handshake, applicationData } = contentType;

test("says no to a hundred requests in a row to negotiate anew, and reads what comes after (TLS 1.2)", async () => {
  const outcome = await withRecords("TLSv1.2", (secrets, hello) => {
    const [random, master] = secrets.get("CLIENT_RANDOM")!;
    const keys = keysOf(master, random, hello);
    const requests = Buffer.concat(Array<Buffer>(100).fill(helloRequest));
    return [
      serverRecord12(keys, handshake, requests, 1),
      serverRecord12(keys, applicationData, Buffer.from("hello"), 2),
    ];
  });
  assert.equal(outcome.find("read")?.text, "hello", JSON.stringify(outcome));
});

// What 3.6 does with a ticket it does inside of itself; 4.x comes back for each, and then the engine counts.
for (const [count, ending] of [
  [20, "reads what comes after"],
  [80, mbedtlsMajor >= 4 ? "gives the server up" : "reads what comes after"],
] as const)
  test(
    `takes ${count} messages in a row without data, and ${ending} (TLS 1.3)`,
    { skip: !hasTls13 && "the TLS library at hand has no TLS 1.3" },
    async () => {
      const outcome = await withRecords("TLSv1.3", (secrets) => {
        const [, secret] = secrets.get("SERVER_TRAFFIC_SECRET_0")!;
        const tickets = Buffer.concat(Array<Buffer>(count).fill(sessionTicket));
        return [
          serverRecord13(secret, handshake, tickets, 0),
          serverRecord13(secret, applicationData, Buffer.from("hello"), 1),
        ];
      });
      const say = JSON.stringify(outcome);
      const isLimited = count > 64 && mbedtlsMajor >= 4;
      assert.equal(
        outcome.find("failure")?.code,
        isLimited ? "tls.unsupported" : undefined,
        say,
      );
      assert.equal(outcome.find("read")?.text, isLimited ? undefined : "hello");
      assert.equal(outcome.exitCode, 0, outcome.stderr);
    },
  );
