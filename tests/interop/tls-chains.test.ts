import assert from "node:assert/strict";
import { before, test } from "node:test";
import { connectPacket, TlsMosquitto } from "./mosquitto-tls.js";
import { NodeServer } from "./node-server.js";
import { OpensslServer } from "./openssl-server.js";
import {
  authority,
  chainPem,
  device,
  server,
  type Credential,
  type Kind,
} from "./pki.js";
import { hasTls13, runSubject, type Flash } from "./subject.js";

/** Chains of every length and size that a server of AWS may have, before servers of three makers. */
let root: Credential;
let clients: Credential;
let flash: Flash;
/** Server certificates below 0 to 3 intermediates, by the kind of their keys. */
const chains = new Map<Kind, Credential[]>();

const versions = hasTls13
  ? (["TLSv1.2", "TLSv1.3"] as const)
  : (["TLSv1.2"] as const);
const kinds = ["P-256", "RSA-2048"] as const;

const bytesOf = ({ certificate, chain }: Credential): number =>
  [certificate, ...chain].reduce(
    (sum, { rawData }) => sum + rawData.byteLength,
    0,
  );

/** The same chain, made as long as wished by a comment in the server's own certificate. */
const enlarged = async (issuer: Credential, kind: Kind, size: number) => {
  const padding = size - bytesOf(await server(issuer, { kind, padding: 1000 }));
  return server(issuer, { kind, padding: 1000 + padding });
};

before(async () => {
  root = await authority({ name: "root", kind: "RSA-2048" });
  clients = await authority({ name: "clients" });
  flash = { trust: [root], identity: await device(clients) };
  for (const kind of kinds) {
    let issuer = root;
    const made = [await server(issuer, { kind })];
    for (const name of ["first", "second", "third"]) {
      issuer = await authority({ issuer, name, kind });
      made.push(await server(issuer, { kind }));
    }
    // What Device Advisor does: all as before, and one that is 20 % larger.
    const large = await enlarged(issuer, kind, 6800);
    made.push(large, await enlarged(issuer, kind, bytesOf(large) * 1.2));
    chains.set(kind, made);
  }
});

for (const version of versions)
  for (const kind of kinds)
    test(`takes chains of 1 to 4 certificates and up to 8 KB, ${kind}, from Node (${version})`, async () => {
      const all = chains.get(kind)!;
      assert.deepEqual(
        all.map(({ chain }) => chain.length + 1),
        [1, 2, 3, 4, 4, 4],
      );
      assert.ok(Math.abs(bytesOf(all[5]) - 8160) < 20);
      for (const credential of all) {
        const peer = await NodeServer.start(
          credential,
          (socket) => socket.end("hello"),
          {
            minVersion: version,
            maxVersion: version,
            requestCert: true,
            ca: chainPem(clients),
          },
        );
        const outcome = await runSubject(flash, {
          port: peer.port,
          identity: true,
          download: 5,
        });
        await peer.stop();
        const say = JSON.stringify(outcome);
        assert.equal(outcome.find("read")?.text, "hello", say);
        assert.equal(`TLSv${outcome.find("open")?.peer?.version}`, version);
      }
    });

for (const version of versions)
  test(`takes the largest chains from openssl s_server, and its certificate is asked for or not (${version})`, async () => {
    for (const kind of kinds)
      for (const demand of [{ clients }, {}]) {
        const peer = await OpensslServer.start(chains.get(kind)![5], {
          ...demand,
          more: ["-rev", version === "TLSv1.2" ? "-tls1_2" : "-tls1_3"],
        });
        const outcome = await runSubject(flash, {
          port: peer.port,
          identity: true,
          request: "field\n",
          download: 6,
        });
        const log = await peer.stop();
        const say = JSON.stringify(outcome) + log;
        assert.equal(outcome.find("read")?.text, "dleif\n", say);
      }
  });

for (const version of versions)
  test(`takes the largest chains from mosquitto, which demands a certificate (${version})`, async () => {
    const broker = await TlsMosquitto.start(
      kinds.map((kind) => chains.get(kind)![5]),
      clients,
      [`tls_version ${version.toLowerCase()}`],
    );
    try {
      for (const port of broker.ports) {
        const outcome = await runSubject(flash, {
          port,
          identity: true,
          request: connectPacket,
          download: 4,
        });
        const say = JSON.stringify(outcome) + broker.log;
        assert.equal(outcome.find("read")?.count, 4, say);
      }
    } finally {
      await broker.stop();
    }
  });

test("says that its own certificate is too long for a message of the handshake", async () => {
  const peer = await NodeServer.start(
    chains.get("P-256")![0],
    (socket) => socket.end("hello"),
    { requestCert: true, ca: chainPem(clients), rejectUnauthorized: false },
  );
  const outcome = await runSubject(
    { trust: [root], identity: await device(clients, { padding: 17_000 }) },
    { port: peer.port, identity: true, download: 5 },
  );
  await peer.stop();
  const say = JSON.stringify(outcome);
  assert.equal(outcome.find("failure")?.code, "tls.own-chain-too-long", say);
});
