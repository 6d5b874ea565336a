import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { NodeServer, proxy, type Wire } from "./node-server.js";
import { authority, chainPem, device, server, type Credential } from "./pki.js";
import {
  hasTls13,
  runSubject,
  type Flash,
  type SubjectEvent,
} from "./subject.js";

/** A live handshake through a proxy that changes what the server sends. */
let root: Credential;
let clients: Credential;
let flash: Flash;
const peers = new Map<string, NodeServer>();

const versions = hasTls13
  ? (["TLSv1.2", "TLSv1.3"] as const)
  : (["TLSv1.2"] as const);

before(async () => {
  root = await authority({ name: "root" });
  clients = await authority({ name: "clients" });
  flash = { trust: [root], identity: await device(clients) };
  const credential = await server(root);
  for (const version of versions)
    peers.set(
      version,
      await NodeServer.start(credential, (socket) => socket.end("hello"), {
        requestCert: true,
        ca: chainPem(clients),
        rejectUnauthorized: false,
        minVersion: version,
        maxVersion: version,
      }),
    );
});
after(async () => {
  for (const peer of peers.values()) await peer.stop();
});

/** Time for a handshake, in ms. One that fails for want of it is no fault: only wrong data and hanging are. */
const shortTime = 500;

/** Processes at once: most of their time they wait for what never comes. */
const width = process.env.FIELDNODE_LONG ? 6 : 4;

/** Connects once through each of the wires; gives what each connection came to. */
async function through(
  version: string,
  wires: Wire[],
  handshakeTimeout = shortTime,
): Promise<SubjectEvent[][]> {
  const share = Math.ceil(wires.length / width);
  const parts = Array.from({ length: width }, (_, index) =>
    wires.slice(index * share, (index + 1) * share),
  ).filter((part) => part.length > 0);
  const results = await Promise.all(
    parts.map(async (part) => {
      const wire = await proxy(
        peers.get(version)!.port,
        (bytes, offset, connection) =>
          part[connection - 1](bytes, offset, connection),
      );
      const outcome = await runSubject(flash, {
        port: wire.port,
        identity: true,
        // With one version alone the node never connects a second time, without TLS 1.3.
        cipherSuites: [
          version === "TLSv1.2"
            ? "ECDHE-ECDSA-AES128-GCM-SHA256"
            : "TLS_AES_128_GCM_SHA256",
        ],
        handshakeTimeout,
        rounds: part.length,
      });
      await wire.stop();
      assert.equal(outcome.exitCode, 0, outcome.stderr);
      assert.ok(outcome.find("done"), "a connection came to no end");
      return part.map((_, index) =>
        outcome.events.filter(({ round }) => round === index + 1),
      );
    }),
  );
  return results.flat();
}

/** The one failure that a connection ended with. */
function codeOf(events: SubjectEvent[], where: string): string {
  const failures = events.filter(({ event }) => event === "failure");
  assert.equal(failures.length, 1, `${where}: ${JSON.stringify(events)}`);
  return failures[0].code!;
}

/** What the server sends when nobody interferes. */
async function exchange(version: string): Promise<Buffer> {
  const seen: Buffer[] = [];
  const listen: Wire = (bytes) => {
    seen.push(bytes);
    return [bytes];
  };
  const [events] = await through(version, [listen], 60_000);
  const data = events.find(({ event }) => event === "read");
  assert.equal(data?.text, "hello", JSON.stringify(events));
  return Buffer.concat(seen);
}

/** Does something to the byte at one offset of what the server sends. */
const tampers: Record<string, (at: number) => Wire> = {
  "with a flipped bit": (at) => (bytes, offset) => {
    if (at < offset || at >= offset + bytes.length) return [bytes];
    const changed = Buffer.from(bytes);
    changed[at - offset] ^= 1 << (at % 8);
    return [changed];
  },
  "that is missing": (at) => (bytes, offset) =>
    at < offset || at >= offset + bytes.length
      ? [bytes]
      : [bytes.subarray(0, at - offset), bytes.subarray(at - offset + 1)],
  "at which the connection is cut": (at) => (bytes, offset) => {
    if (at >= offset + bytes.length) return [bytes];
    return at <= offset ? undefined : [bytes.subarray(0, at - offset)];
  },
};

const stride = process.env.FIELDNODE_LONG ? 1 : 61;

for (const version of versions)
  for (const [what, tamper] of Object.entries(tampers))
    test(`a byte ${what} ends in a failure or in the right data, never in anything else (${version})`, async () => {
      const { length } = await exchange(version);
      const positions: number[] = [];
      for (let at = 0; at < length; at += stride) positions.push(at);
      const results = await through(version, positions.map(tamper));
      const codes = results.map((events, index) => {
        const where = `byte ${positions[index]} of ${length}`;
        const text = events.find(({ event }) => event === "read")?.text;
        assert.ok(text === undefined || "hello".startsWith(text), where);
        return codeOf(events, where);
      });
      for (const code of codes) assert.match(code, /^(tls\.|tcp\.timed-out)/);
      assert.ok(!codes.includes("tls.internal"), codes.join());
      assert.ok(codes.some((code) => code !== "tls.closed"));
    });

/** Where each record of `bytes` begins, and its end. */
function boundaries(bytes: Buffer): number[] {
  const found = [0];
  for (let at = 0; at + 5 <= bytes.length;)
    found.push((at += 5 + bytes.readUInt16BE(at + 3)));
  return found;
}

for (const version of versions)
  test(`a server that stalls before, in or after any of its messages is given up (${version})`, async () => {
    const bytes = await exchange(version);
    const limits = boundaries(bytes).flatMap((at) => [at, at + 3, at + 8]);
    const results = await through(
      version,
      limits
        .filter((limit) => limit < bytes.length)
        .map(
          (limit) => (piece, offset) =>
            offset >= limit ? [] : [piece.subarray(0, limit - offset)],
        ),
    );
    const codes = results.map((events, index) =>
      codeOf(events, `after ${limits[index]} bytes`),
    );
    // Once the handshake is done there is no limit; the proxy hands on the server's end of the connection.
    for (const code of codes)
      assert.match(code, /^tls\.(timed-out|truncated)$/);
    assert.ok(codes.filter((code) => code === "tls.timed-out").length >= 6);
  });

test("takes any answer that is no TLS for what it is", async () => {
  const answers = [
    ["HTTP/1.1 400 Bad Request\r\n\r\n", "tls.protocol"],
    ["\x16\x03\x03\xff\xff", "tls.record-too-long"],
    ["\x16\x03\x03\x00\x04\x02\x00\x00\x00", "tls.protocol"],
    ["\x17\x03\x03\x00\x05hello", "tls.protocol"],
  ];
  const results = await through(
    versions[0],
    answers.map(
      ([answer]) =>
        (_, offset) =>
          offset === 0 ? [Buffer.from(answer, "latin1")] : [],
    ),
    60_000,
  );
  assert.deepEqual(
    results.map((events) => codeOf(events, "")),
    answers.map(([, code]) => code),
  );
});
