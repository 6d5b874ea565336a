import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { after, before, test } from "node:test";
import { connectPacket, TlsMosquitto } from "./mosquitto-tls.js";
import { OpensslServer } from "./openssl-server.js";
import {
  authority,
  chainPem,
  device,
  keyObject,
  server,
  type Credential,
  type Kind,
} from "./pki.js";
import { runSubject, type Flash, type Outcome } from "./subject.js";

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
after(() => peer.stop());

type Form = "pkcs8" | "sec1" | "pkcs1";

/** The key as a file could have it. */
const written = (key: KeyObject, type: Form, format: "pem" | "der"): Buffer =>
  Buffer.from(key.export({ type: type as "pkcs8", format: format as "der" }));

/** Runs a node with what its flash holds against the server, which demands a certificate and turns lines round. */
const connect = (flash: Flash): Promise<Outcome> =>
  runSubject(
    { trust: [root], ...flash },
    { port: peer.port, identity: true, request: "field\n", download: 6 },
  );

const kinds: [Kind, Form][] = [
  ["P-256", "sec1"],
  ["P-384", "sec1"],
  ["RSA-2048", "pkcs1"],
  ["RSA-3072", "pkcs1"],
  ["RSA-4096", "pkcs1"],
];
for (const [kind, own] of kinds)
  test(`a key ${kind} authenticates the node in every form it has`, async () => {
    const node = await device(clients, { kind });
    const key = await keyObject(node);
    for (const type of [own, "pkcs8"] as const)
      for (const format of ["der", "pem"] as const) {
        const outcome = await connect({
          identity: node,
          key: written(key, type, format),
        });
        assert.equal(
          outcome.find("read")?.text,
          "dleif\n",
          `${type} ${format} ${JSON.stringify(outcome)}`,
        );
      }
  });

test("a key of each kind authenticates the node to mosquitto, which knows it by its certificate", async () => {
  const broker = await TlsMosquitto.start([await server(root)], clients, [
    "use_identity_as_username true",
  ]);
  try {
    for (const [kind] of kinds) {
      const node = await device(clients, { kind, name: `node-${kind}` });
      const outcome = await runSubject(
        { trust: [root], identity: node },
        {
          port: broker.ports[0],
          identity: true,
          request: connectPacket,
          download: 4,
        },
      );
      const say = JSON.stringify(outcome) + broker.log;
      assert.equal(outcome.find("read")?.count, 4, say);
      assert.match(broker.log, new RegExp(`as tls .*u'node-${kind}'`));
    }
  } finally {
    await broker.stop();
  }
});

test("takes PEM as other programs write it: parameters or notes before the key, lines that end in CR LF, no last line end", async () => {
  const node = await device(clients);
  const sec1 = written(await keyObject(node), "sec1", "pem").toString();
  const pem = chainPem(node);
  // What openssl ecparam -genkey puts before a key on P-256.
  const parameters =
    "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
  for (const [key, certificate] of [
    [parameters + sec1, `Certificate:\n    Data: …\n${pem}`],
    [sec1.replaceAll("\n", "\r\n"), pem.replaceAll("\n", "\r\n")],
    [`Bag Attributes\n    localKeyID: 01\n${sec1.trimEnd()}`, pem.trimEnd()],
  ]) {
    const outcome = await connect({
      key: Buffer.from(key),
      certificate: Buffer.from(certificate),
    });
    assert.equal(outcome.find("read")?.text, "dleif\n", outcome.stderr);
  }
});

test("sends the intermediates behind its certificate, from PEM and from DER, and trusts roots in PEM", async () => {
  const intermediate = await authority({
    name: "regional",
    issuer: clients,
    kind: "RSA-2048",
  });
  const node = await device(intermediate, { kind: "P-384" });
  assert.equal(node.chain.length, 1);
  for (const form of [{}, { certificate: Buffer.from(chainPem(node)) }]) {
    const outcome = await connect({
      identity: node,
      trust: Buffer.from(`${chainPem(clients)}\n${chainPem(root)}`),
      ...form,
    });
    assert.equal(
      outcome.find("read")?.text,
      "dleif\n",
      JSON.stringify(outcome),
    );
  }
});

test("refuses keys that are encrypted, weak, or of a kind it does not use, each by its own name", async () => {
  const node = await device(clients);
  const key = await keyObject(node);
  const { privateKey: rsa } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
  });
  const encrypted = (one: KeyObject, type: Form, format: "pem" | "der") =>
    Buffer.from(
      one.export({
        type: type as "pkcs8",
        format: format as "der",
        cipher: "aes-256-cbc",
        passphrase: "secret",
      }),
    );
  const weak = await device(clients, { kind: "RSA-1024" });
  const p521 = await device(clients, { kind: "P-521" });
  const { privateKey: koblitz } = generateKeyPairSync("ec", {
    namedCurve: "secp256k1",
  });
  const { privateKey: edwards } = generateKeyPairSync("ed25519");
  const cases: [string, Buffer, string][] = [
    ["PKCS#8 PEM", encrypted(key, "pkcs8", "pem"), "identity.encrypted-key"],
    ["PKCS#8 DER", encrypted(key, "pkcs8", "der"), "identity.encrypted-key"],
    ["SEC1 PEM", encrypted(key, "sec1", "pem"), "identity.encrypted-key"],
    ["PKCS#1 PEM", encrypted(rsa, "pkcs1", "pem"), "identity.encrypted-key"],
    [
      "RSA-1024",
      written(await keyObject(weak), "pkcs8", "der"),
      "identity.weak-key",
    ],
    [
      "P-521",
      written(await keyObject(p521), "pkcs8", "pem"),
      "identity.unsupported-key",
    ],
    ["secp256k1", written(koblitz, "sec1", "der"), "identity.unsupported-key"],
    ["Ed25519", written(edwards, "pkcs8", "pem"), "identity.unsupported-key"],
    [
      "a certificate",
      Buffer.from(node.certificate.rawData),
      "identity.bad-key",
    ],
    ["a certificate in PEM", Buffer.from(chainPem(node)), "identity.bad-key"],
  ];
  for (const [what, bytes, code] of cases) {
    const outcome = await connect({ identity: node, key: bytes });
    assert.equal(outcome.find("failure")?.code, code, what);
    assert.equal(outcome.exitCode, 0, outcome.stderr);
  }
});

test("refuses certificates that are none, in PEM as in DER", async () => {
  const node = await device(clients);
  const pem = chainPem(node);
  for (const bytes of [
    pem.replace("CERTIFICATE", "PUBLIC KEY"),
    pem.slice(0, 200),
    `${pem}\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
    "not a certificate",
  ]) {
    const outcome = await connect({
      identity: node,
      certificate: Buffer.from(bytes),
    });
    assert.equal(
      outcome.find("failure")?.code,
      "identity.bad-certificate",
      bytes,
    );
  }
});
