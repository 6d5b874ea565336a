import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { NodeServer, proxy } from "./node-server.js";
import { OpensslServer } from "./openssl-server.js";
import {
  authority,
  chainPem,
  device,
  purpose,
  server,
  type Credential,
  type Kind,
} from "./pki.js";
import { hasTls13, runSubject, type Outcome } from "./subject.js";

let root: Credential;
let clients: Credential;
let node: Credential;
let peer: Credential;
before(async () => {
  root = await authority({ name: "root" });
  clients = await authority({ name: "clients" });
  node = await device(clients);
  peer = await server(root);
});

const pattern = (length: number): Buffer =>
  Buffer.from(Uint8Array.from({ length }, (_, index) => index % 251));
const say = (outcome: Outcome): string => JSON.stringify(outcome);

/** Runs the subject against Node's server, and ends the server. */
async function against(
  serve: (socket: TLSSocket) => void,
  config: Record<string, unknown>,
  options: Parameters<typeof NodeServer.start>[2] = {},
  credential = peer,
): Promise<Outcome & { errors: string }> {
  const made = await NodeServer.start(credential, serve, options);
  const outcome = await runSubject(
    { trust: [root], identity: node },
    { port: made.port, ...config },
  );
  await made.stop();
  return { ...outcome, errors: made.errors.join("\n") };
}

const suites: [string, Kind, "TLSv1.2" | "TLSv1.3"][] = [
  ["ECDHE-RSA-AES128-GCM-SHA256", "RSA-2048", "TLSv1.2"],
  ["ECDHE-ECDSA-AES128-GCM-SHA256", "P-256", "TLSv1.2"],
  ["ECDHE-RSA-AES256-GCM-SHA384", "RSA-2048", "TLSv1.2"],
  ["ECDHE-ECDSA-AES256-GCM-SHA384", "P-384", "TLSv1.2"],
  ["TLS_AES_128_GCM_SHA256", "RSA-2048", "TLSv1.3"],
  ["TLS_AES_256_GCM_SHA384", "P-256", "TLSv1.3"],
];
for (const [suite, kind, version] of suites)
  test(
    `agrees on ${suite} with a server that has nothing else, offered with others or alone`,
    { skip: version === "TLSv1.3" && !hasTls13 && "no TLS 1.3" },
    async () => {
      const intermediate = await authority({
        issuer: root,
        name: "between",
        kind,
      });
      const own = await server(intermediate, { kind });
      for (const cipherSuites of [undefined, [suite]]) {
        const outcome = await against(
          (socket) => socket.end("hello"),
          { download: 5, ...(cipherSuites ? { cipherSuites } : {}) },
          { ciphers: suite, maxVersion: version, minVersion: version },
          own,
        );
        const agreed = outcome.find("open")?.peer;
        assert.equal(agreed?.cipherSuite, suite, say(outcome));
        assert.equal(`TLSv${agreed.version}`, version);
        assert.equal(outcome.find("read")?.text, "hello");
      }
    },
  );

test("offers no version for which it was given no suite", async () => {
  const only12 = await against(
    (socket) => socket.end("hello"),
    { download: 5, cipherSuites: ["ECDHE-ECDSA-AES128-GCM-SHA256"] },
    {},
  );
  assert.equal(only12.find("open")?.peer?.version, "1.2", say(only12));
  const only13 = await against(
    () => {},
    { cipherSuites: ["TLS_AES_128_GCM_SHA256"] },
    { maxVersion: "TLSv1.2" },
  );
  assert.equal(
    only13.find("failure")?.code,
    hasTls13 ? "tls.no-common-version" : "config.invalid",
    say(only13),
  );
});

const deviceKeys: [Kind, "pkcs8" | "sec1" | "pkcs1"][] = [
  ["P-256", "pkcs8"],
  ["P-256", "sec1"],
  ["P-384", "sec1"],
  ["RSA-2048", "pkcs8"],
  ["RSA-2048", "pkcs1"],
  ["RSA-4096", "pkcs1"],
];
for (const [kind, keyForm] of deviceKeys)
  test(`proves who it is with a key of ${kind} in ${keyForm}`, async () => {
    const own = await device(clients, { kind });
    let subject = "";
    const made = await NodeServer.start(
      peer,
      (socket) => {
        subject = String(socket.getPeerCertificate().subject.CN);
        socket.end("hello");
      },
      { requestCert: true, ca: chainPem(clients) },
    );
    const outcome = await runSubject(
      { trust: [root], identity: own, keyForm },
      { port: made.port, identity: true, download: 5 },
    );
    await made.stop();
    assert.equal(outcome.find("read")?.text, "hello", say(outcome));
    assert.equal(subject, "node-1");
  });

test("offers ALPN and reports what the server chose", async () => {
  const outcome = await against(
    (socket) => socket.end("hello"),
    { alpn: ["other", "x-amzn-mqtt-ca"], download: 5 },
    { ALPNProtocols: ["x-amzn-mqtt-ca"] },
  );
  assert.equal(
    outcome.find("open")?.peer?.alpn,
    "x-amzn-mqtt-ca",
    say(outcome),
  );
});

test("agrees on no protocol when it asks for none", async () => {
  const outcome = await against(
    (socket) => socket.end("hello"),
    { download: 5 },
    { ALPNProtocols: ["x-amzn-mqtt-ca"] },
  );
  assert.equal(outcome.find("read")?.text, "hello", say(outcome));
  assert.equal(outcome.find("open")?.peer?.alpn, undefined);
});

test("refuses a server that does not do the protocol asked for", async () => {
  for (const options of [{}, { ALPNProtocols: ["http/1.1"] }]) {
    const outcome = await against(
      () => {},
      { alpn: ["x-amzn-mqtt-ca"] },
      options,
    );
    assert.equal(
      outcome.find("failure")?.code,
      "tls.alpn-refused",
      say(outcome),
    );
  }
});

test("says that there is no common suite, or no common version", async () => {
  const noSuite = await against(
    () => {},
    {},
    {
      ciphers: "AES128-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305",
      maxVersion: "TLSv1.2",
    },
  );
  assert.equal(
    noSuite.find("failure")?.code,
    "tls.no-common-suite",
    say(noSuite),
  );
  assert.match(noSuite.find("failure")!.detail!, /alert 40 handshake_failure/);
  const noVersion = hasTls13
    ? await against(() => {}, { minVersion: "1.3" }, { maxVersion: "TLSv1.2" })
    : await against(() => {}, {}, { minVersion: "TLSv1.3" });
  assert.equal(
    noVersion.find("failure")?.code,
    "tls.no-common-version",
    say(noVersion),
  );
});

test("receives records of 16 KB, whatever the pieces they come in", async () => {
  const size = 200_000;
  for (const pieces of [0, 1, 7, 1459]) {
    const made = await NodeServer.start(peer, (socket) => {
      socket.setMaxSendFragment(16384);
      socket.end(pattern(pieces === 1 ? 20_000 : size));
    });
    const wire = await proxy(made.port, (bytes) => {
      if (pieces === 0) return [bytes];
      const cut = [];
      for (let at = 0; at < bytes.length; at += pieces)
        cut.push(bytes.subarray(at, at + pieces));
      return cut;
    });
    const outcome = await runSubject(
      { trust: [root] },
      { port: wire.port, pattern: true },
    );
    await wire.stop();
    await made.stop();
    assert.equal(outcome.find("wrong"), undefined);
    assert.equal(
      outcome.find("read")?.count,
      pieces === 1 ? 20_000 : size,
      say(outcome),
    );
    assert.equal(outcome.find("failure")?.code, "tls.closed");
  }
});

test("reads at its own pace and loses nothing", async () => {
  const outcome = await against((socket) => socket.end(pattern(60_000)), {
    pattern: true,
    slow: 700,
  });
  assert.equal(outcome.find("wrong"), undefined);
  assert.equal(outcome.find("read")?.count, 60_000, say(outcome));
});

test("sends more than fits at once, and all of it arrives in order", async () => {
  for (const piece of [1, 300, 100_000]) {
    const size = piece === 1 ? 3000 : 150_000;
    let received = Buffer.alloc(0);
    const outcome = await against(
      (socket) => {
        socket.on("data", (bytes: Buffer) => {
          received = Buffer.concat([received, bytes]);
          // A server that is slow to read fills every buffer on the way.
          socket.pause();
          setTimeout(() => socket.resume(), 1);
          if (received.length === size) socket.end("done");
        });
      },
      { upload: size, piece, download: 4 },
    );
    assert.equal(outcome.find("read")?.text, "done", say(outcome));
    assert.ok(received.equals(pattern(size)));
  }
});

test("tells a proper close from a cut connection", async () => {
  const closed = await against((socket) => {
    socket.write("bye");
    // Ended at once, Node's TLS 1.3 leaves out its close_notify.
    setTimeout(() => socket.end(), 50);
  }, {});
  assert.equal(closed.find("read")?.text, "bye");
  assert.equal(closed.find("failure")?.code, "tls.closed", say(closed));

  const made = await NodeServer.start(peer, (socket) => socket.write("half"));
  const wire = await proxy(made.port, (bytes) => [bytes]);
  const cut = await runSubject(
    { trust: [root] },
    { port: wire.port },
    undefined,
    [],
    ({ event }) => event === "open" && setTimeout(() => void wire.stop(), 100),
  );
  await made.stop();
  assert.equal(cut.find("read")?.text, "half");
  assert.equal(cut.find("failure")?.code, "tls.truncated", say(cut));
});

test("keeps nothing back while the application does not read, and loses nothing", async () => {
  const made = await NodeServer.start(peer, (socket) =>
    socket.end(pattern(1_000_000)),
  );
  const outcome = await runSubject(
    { trust: [root] },
    { port: made.port, pattern: true, pause: 400 },
    undefined,
    [],
    undefined,
    { FIELDNODE_FAIL_ALLOCATION: "0" },
  );
  await made.stop();
  const [before, after] = outcome.events.filter(
    ({ event }) => event === "memory",
  );
  assert.ok(before.bytes! > 0);
  assert.equal(after.bytes, before.bytes);
  // The timer and the lines that say so take a little themselves.
  assert.ok(Math.abs(after.chunks! - before.chunks!) < 2000, say(outcome));
  assert.equal(outcome.find("wrong"), undefined);
  assert.equal(outcome.find("read")?.count, 1_000_000);
});

test("takes nothing of a write that is longer than what fits", async () => {
  const outcome = await against(
    (socket) => socket.on("data", (bytes: Buffer) => socket.end(bytes)),
    { overflow: true, request: "hello", download: 5 },
  );
  assert.match(outcome.find("overflow")?.detail ?? "", /RangeError/);
  assert.equal(outcome.find("read")?.text, "hello", say(outcome));
});

test("says goodbye: the server sees close_notify", async () => {
  let ended = false;
  const outcome = await against(
    (socket) => {
      socket.on("end", () => (ended = true));
      socket.write("hello");
    },
    { download: 5 },
  );
  assert.equal(outcome.find("failure"), undefined, say(outcome));
  assert.ok(ended);
  assert.equal(outcome.errors, "");
});

test("understands why a server refuses its certificate", async () => {
  const strangers = await authority({ name: "strangers" });
  for (const [identity, code, alert] of [
    [
      await device(strangers),
      "tls.certificate-unknown-issuer",
      /alert 48 unknown_ca/,
    ],
    [
      await device(clients, { from: -9, until: -2 }),
      "tls.certificate-expired",
      /alert 45 certificate_expired/,
    ],
    [
      await device(clients, { extendedKeyUsage: [purpose.serverAuth] }),
      "tls.certificate-unsupported",
      /alert 43 unsupported_certificate/,
    ],
    [undefined, "tls.certificate-missing", /alert (40|116)/],
  ] as const) {
    const made = await OpensslServer.start(peer, { clients });
    const outcome = await runSubject(
      { trust: [root], ...(identity ? { identity } : {}) },
      { port: made.port, identity: identity !== undefined },
    );
    await made.stop();
    assert.equal(outcome.find("failure")?.code, code, say(outcome));
    assert.match(outcome.find("failure")!.detail!, alert);
  }
});

test("waits for the server's end after its own, and for a limited time", async () => {
  let closed = false;
  let openAtEnd = false;
  const patient = await against(
    (socket) => {
      socket.on("close", () => (closed = true));
      socket.on("end", () =>
        setTimeout(() => {
          openAtEnd = !closed && socket.writable;
          socket.end(Buffer.alloc(50_000));
        }, 200),
      );
      socket.write("hello");
    },
    { download: 5 },
    { allowHalfOpen: true },
  );
  assert.equal(patient.find("read")?.text, "hello", say(patient));
  assert.ok(openAtEnd);
  assert.equal(patient.errors, "");
  // The process ends only when its sockets are closed.
  const endless = await against(
    (socket) => socket.write("hello"),
    { download: 5 },
    { allowHalfOpen: true },
  );
  assert.equal(endless.exitCode, 0, say(endless));
});

test("does not negotiate anew, and does not hang when it is asked to (TLS 1.2)", async () => {
  const made = await OpensslServer.start(peer, { more: ["-tls1_2"] });
  const outcome = await runSubject(
    { trust: [root] },
    { port: made.port },
    undefined,
    [],
    ({ event }) => event === "open" && made.type("r"),
  );
  const log = await made.stop();
  // OpenSSL takes the node's no_renegotiation for an error, and ends the connection.
  assert.equal(
    outcome.find("failure")?.code,
    "tls.refused",
    say(outcome) + log,
  );
  assert.match(log, /no renegotiation/);
});
