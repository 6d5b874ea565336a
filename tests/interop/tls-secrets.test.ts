import assert from "node:assert/strict";
import { before, test } from "node:test";
import { NodeServer, proxy } from "./node-server.js";
import { authority, chainPem, device, server, type Credential } from "./pki.js";
import { ProcessMemory } from "./process-memory.js";
import { expandLabel, keysOf } from "./server-records.js";
import { hasTls13, runSubject, testHost, type Outcome } from "./subject.js";

let root: Credential;
let clients: Credential;
before(async () => {
  root = await authority({ name: "root" });
  clients = await authority({ name: "clients" });
});

const versions = hasTls13
  ? (["TLSv1.2", "TLSv1.3"] as const)
  : (["TLSv1.2"] as const);
const plaintext = "a measurement that nobody else should read";

interface Search {
  outcome: Outcome;
  /** The process's memory while the connection was open, and at the end. */
  memories: ProcessMemory[];
  /** XS's part of each. */
  heaps: Buffer[];
  /** What Node's server logs for Wireshark: label, random, secret. */
  keys: [string, Buffer, Buffer][];
  /** The server's part of the exchange. */
  wire: Buffer;
}

/** One connection over which the server says `plaintext`; with `isDamaged`, the record's last byte is changed. */
async function search(
  version: (typeof versions)[number],
  isDamaged: boolean,
): Promise<Search> {
  const keys: Search["keys"] = [];
  let isSent = false;
  const made = await NodeServer.start(
    await server(root),
    (socket) => {
      // Later than a session ticket, so that it comes in a piece of its own.
      setTimeout(() => {
        isSent = true;
        socket.write(plaintext);
      }, 200);
    },
    {
      requestCert: true,
      ca: chainPem(clients),
      ciphers: "TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256",
      minVersion: version,
      maxVersion: version,
    },
  );
  made.onKeys((line) => {
    const [label, random, secret] = line.trim().split(" ");
    keys.push([label, Buffer.from(random, "hex"), Buffer.from(secret, "hex")]);
  });
  const seen: Buffer[] = [];
  const wire = await proxy(made.port, (bytes) => {
    seen.push(Buffer.from(bytes));
    if (isDamaged && isSent) bytes[bytes.length - 1] ^= 1;
    return [bytes];
  });
  const memories: ProcessMemory[] = [];
  const outcome = await runSubject(
    { trust: [root], identity: await device(clients) },
    {
      port: wire.port,
      identity: true,
      download: plaintext.length,
      hold: 1000,
    },
    undefined,
    [],
    ({ event }, pid) => {
      if (event === "open" || event === "done")
        memories.push(new ProcessMemory(pid));
    },
    {},
    testHost,
  );
  await wire.stop();
  await made.stop();
  const heaps = memories.map(({ heap }) => heap);
  assert.equal(heaps.length, 2);
  return { outcome, memories, heaps, keys, wire: Buffer.concat(seen) };
}

/** RFC 5246, 5: the master secret, and from it all keys and nonces of the records (AES-128-GCM). */
function secretsOf12({ keys, wire }: Search): [string, Buffer][] {
  const [, clientRandom, master] = keys.find(
    ([label]) => label === "CLIENT_RANDOM",
  )!;
  const { client, server } = keysOf(master, clientRandom, wire);
  return [
    ["the master secret", master],
    ["the node's key", client],
    ["the server's key", server],
  ];
}

/** RFC 8446, 7: the secrets of handshake and data, and the keys from them (AES-128-GCM). */
const secretsOf13 = ({ keys }: Search): [string, Buffer][] =>
  keys.flatMap(([name, , secret]): [string, Buffer][] => [
    [name, secret],
    [`${name}: key`, expandLabel(secret, "key", 16)],
  ]);

/** The forms in which bytes could lie about. */
const formsOf = (bytes: Buffer): Buffer[] => [
  bytes,
  Buffer.from(bytes.toString("hex")),
  Buffer.from(bytes.toString("base64").replace(/=+$/, "")),
];

for (const version of versions)
  test(`the secrets of a session are nowhere in JavaScript's heap and in no output (${version})`, async () => {
    const found = await search(version, false);
    const { outcome, heaps, memories } = found;
    assert.equal(
      outcome.find("read")?.text,
      plaintext,
      JSON.stringify(outcome),
    );
    const secrets = (version === "TLSv1.2" ? secretsOf12 : secretsOf13)(found);
    assert.ok(secrets.length >= 3);
    const output = Buffer.from(JSON.stringify(outcome));
    for (const [name, secret] of secrets)
      for (const form of formsOf(secret))
        for (const place of [...heaps, output])
          assert.equal(place.indexOf(form), -1, name);
    // The search itself works: what JavaScript was given is found, and in mbedTLS's memory a key is.
    assert.ok(heaps[0].includes("server.test"));
    assert.ok(heaps[1].includes(plaintext));
    assert.ok(
      secrets.some(
        ([name, key]) => /key$/.test(name) && memories[0].count(key) > 0,
      ),
    );
  });

for (const version of versions)
  test(`a record that was changed on its way gives nothing away of what it said (${version})`, async () => {
    const { outcome, heaps } = await search(version, true);
    const failure = outcome.find("failure");
    assert.equal(failure?.code, "tls.tampered", JSON.stringify(outcome));
    assert.equal(outcome.find("read"), undefined);
    const output = Buffer.from(JSON.stringify(outcome));
    for (const form of formsOf(Buffer.from(plaintext)))
      for (const place of [...heaps, output])
        for (const part of [form.subarray(0, 16), form.subarray(16, 32)])
          assert.equal(place.indexOf(part), -1);
  });
