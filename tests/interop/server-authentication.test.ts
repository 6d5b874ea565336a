import assert from "node:assert/strict";
import { before, test } from "node:test";
import { NodeServer } from "./node-server.js";
import {
  authority,
  device,
  issue,
  purpose,
  server,
  usage,
  type Credential,
} from "./pki.js";
import { hasTls13, runSubject } from "./subject.js";

const day = 86_400_000;
let root: Credential;
let other: Credential;
before(async () => {
  root = await authority({ name: "root" });
  other = await authority({ name: "other root" });
});

/** A server certificate that a node must not believe, and why. */
interface Case {
  make: () => Promise<Credential>;
  code: string;
  /** Part of the failure's detail. */
  detail?: RegExp;
  /** Name of the alert as OpenSSL spells it. */
  alert: RegExp;
  trust?: () => Credential[];
  config?: Record<string, unknown>;
  /** OpenSSL itself refuses to serve it with other versions. */
  only?: "TLSv1.3";
}

const cases: Record<string, Case> = {
  "of another root": {
    make: () => server(other),
    code: "tls.unknown-root",
    detail: /other root/,
    alert: /unknown ca/,
  },
  "of a root with the trusted one's name and another key": {
    make: async () => server(await authority({ name: "root" })),
    code: "tls.unknown-root",
    detail: /not by the key that CN=root has here/,
    alert: /unknown ca/,
  },
  "self-signed": {
    make: () =>
      issue({
        name: "server.test",
        names: ["server.test"],
        keyUsage: usage.digitalSignature,
      }),
    code: "tls.unknown-root",
    alert: /unknown ca/,
  },
  "for another name": {
    make: () => server(root, { names: ["elsewhere.test"] }),
    code: "tls.wrong-name",
    detail: /server\.test.*elsewhere\.test/,
    alert: /bad certificate/,
  },
  "whose name stands in the subject only": {
    make: () => server(root, { names: [] }),
    code: "tls.wrong-name",
    alert: /bad certificate/,
  },
  "whose name is longer by a label": {
    make: () => server(root, { names: ["a.server.test"] }),
    code: "tls.wrong-name",
    alert: /bad certificate/,
  },
  "with a wildcard in the middle": {
    make: () => server(root, { names: ["a.*.server.test"] }),
    config: { serverName: "a.b.server.test" },
    code: "tls.wrong-name",
    alert: /bad certificate/,
  },
  "with a wildcard that would have to stand for two labels": {
    make: () => server(root, { names: ["*.server.test"] }),
    config: { serverName: "a.b.server.test" },
    code: "tls.wrong-name",
    alert: /bad certificate/,
  },
  "with a wildcard inside a label": {
    make: () => server(root, { names: ["s*.server.test"] }),
    config: { serverName: "sensor.server.test" },
    code: "tls.wrong-name",
    alert: /bad certificate/,
  },
  "with a wildcard for a whole top-level domain": {
    make: () => server(root, { names: ["*.test"] }),
    code: "tls.wrong-name",
    alert: /bad certificate/,
  },
  "with a byte of 0 in its name": {
    make: () => server(root, { names: ["server.test\0.evil.test"] }),
    code: "tls.wrong-name",
    alert: /bad certificate/,
  },
  "for a name when an address is meant": {
    make: () => server(root, { names: ["server.test", "127.0.0.2"] }),
    config: { serverName: "127.0.0.1" },
    code: "tls.wrong-name",
    detail: /127\.0\.0\.1.*127\.0\.0\.2/,
    alert: /bad certificate/,
  },
  "that has only a name when an address is meant": {
    make: () => server(root, { names: ["server.test"] }),
    config: { serverName: "127.0.0.1" },
    code: "tls.wrong-name",
    alert: /bad certificate/,
  },
  "that has expired": {
    make: () => server(root, { from: -20, until: -10 }),
    code: "tls.server-expired",
    detail: /server\.test is valid until \d{4}-\d\d-\d\d/,
    alert: /certificate expired/,
  },
  "that is not valid yet": {
    make: () => server(root, { from: 10, until: 20 }),
    code: "tls.server-not-yet-valid",
    alert: /certificate/,
  },
  "that expired by the node's clock": {
    make: () => server(root),
    config: { now: Date.now() + 400 * day },
    code: "tls.server-expired",
    alert: /certificate expired/,
  },
  "that nobody can judge because the clock was never set": {
    make: () => server(root),
    config: { now: 1000 },
    code: "tls.clock-unset",
    alert: /certificate/,
  },
  "below an intermediate that has expired": {
    make: async () =>
      server(
        await authority({ issuer: root, name: "late", from: -9, until: -1 }),
      ),
    code: "tls.server-expired",
    detail: /late/,
    alert: /certificate expired/,
  },
  "below an intermediate that is not valid yet": {
    make: async () =>
      server(
        await authority({ issuer: root, name: "early", from: 3, until: 9 }),
      ),
    code: "tls.server-not-yet-valid",
    detail: /early/,
    alert: /certificate/,
  },
  "of a root that has expired": {
    make: async () => {
      other = await authority({ name: "old root", from: -9, until: -1 });
      return server(other);
    },
    trust: () => [other],
    code: "tls.server-expired",
    detail: /old root/,
    alert: /certificate expired/,
  },
  "signed by another device's certificate": {
    make: async () => server(await device(root)),
    code: "tls.wrong-usage",
    detail: /node-1 is no certificate authority/,
    alert: /unknown ca/,
  },
  "signed by a certificate that leaves open whether it is an authority": {
    make: async () => server(await issue({ issuer: root, name: "vague" })),
    code: "tls.wrong-usage",
    detail: /vague/,
    alert: /unknown ca/,
  },
  "below an intermediate that may not sign certificates": {
    make: async () =>
      server(
        await authority({
          issuer: root,
          name: "mute",
          keyUsage: usage.digitalSignature,
        }),
      ),
    code: "tls.wrong-usage",
    detail: /mute may not sign/,
    alert: /unknown ca/,
  },
  "below more intermediates than the path length allows": {
    make: async () => {
      const first = await authority({
        issuer: root,
        name: "short",
        pathLength: 0,
      });
      return server(await authority({ issuer: first, name: "second" }));
    },
    code: "tls.wrong-usage",
    detail: /short allows no chain of this length/,
    alert: /unknown ca/,
  },
  "whose intermediate is missing": {
    make: async () => {
      const made = await server(
        await authority({ issuer: root, name: "absent" }),
      );
      return { ...made, chain: [] };
    },
    code: "tls.unknown-root",
    detail: /absent/,
    alert: /unknown ca/,
  },
  "for clients only": {
    make: () => server(root, { extendedKeyUsage: [purpose.clientAuth] }),
    code: "tls.wrong-usage",
    alert: /unsupported certificate/,
  },
  "for signing code": {
    make: () => server(root, { extendedKeyUsage: [purpose.codeSigning] }),
    code: "tls.wrong-usage",
    alert: /unsupported certificate/,
  },
  "whose key may not sign": {
    make: () => server(root, { keyUsage: usage.keyAgreement }),
    only: "TLSv1.3",
    code: "tls.wrong-usage",
    alert: /unsupported certificate/,
  },
  "signed with SHA-1": {
    make: async () => {
      other = await authority({ name: "rsa", kind: "RSA-2048" });
      return server(other, { kind: "RSA-2048", hash: "SHA-1" });
    },
    trust: () => [other],
    code: "tls.weak-certificate",
    alert: /certificate/,
  },
  "below an intermediate that is signed with SHA-1": {
    make: async () => {
      other = await authority({ name: "rsa", kind: "RSA-2048" });
      return server(
        await authority({
          issuer: other,
          name: "weak",
          kind: "RSA-2048",
          hash: "SHA-1",
        }),
        { kind: "RSA-2048" },
      );
    },
    trust: () => [other],
    code: "tls.weak-certificate",
    alert: /certificate/,
  },
  "with an RSA key of 1024 bits": {
    make: () => server(root, { kind: "RSA-1024" }),
    code: "tls.weak-certificate",
    alert: /certificate/,
  },
  "below an intermediate with an RSA key of 1024 bits": {
    make: async () =>
      server(
        await authority({ issuer: root, name: "small", kind: "RSA-1024" }),
      ),
    code: "tls.weak-certificate",
    alert: /certificate/,
  },
  "of a root with an RSA key of 1024 bits": {
    make: async () => {
      other = await authority({ name: "small root", kind: "RSA-1024" });
      return server(other);
    },
    trust: () => [other],
    code: "tls.weak-certificate",
    alert: /certificate/,
  },
  "that is expired and for another name": {
    make: () =>
      server(root, { names: ["elsewhere.test"], from: -20, until: -10 }),
    code: "tls.wrong-name",
    alert: /bad certificate/,
  },
  "that is expired and of another root": {
    make: () => server(other, { from: -20, until: -10 }),
    code: "tls.unknown-root",
    alert: /certificate/,
  },
  "that is for another name, of another root, for clients and expired": {
    make: () =>
      server(other, {
        names: ["elsewhere.test"],
        extendedKeyUsage: [purpose.clientAuth],
        until: -1,
        from: -2,
      }),
    code: "tls.unknown-root",
    alert: /certificate/,
  },
  "of another root while the clock was never set": {
    make: async () => server(await authority({ name: "stranger" })),
    config: { now: 0 },
    code: "tls.unknown-root",
    alert: /ca|certificate/,
  },
};

const versions: ("TLSv1.2" | "TLSv1.3")[] = hasTls13
  ? ["TLSv1.2", "TLSv1.3"]
  : ["TLSv1.2"];

for (const [name, one] of Object.entries(cases))
  for (const version of versions.filter((each) => each === (one.only ?? each)))
    test(`refuses a server certificate ${name} (${version})`, async () => {
      const credential = await one.make();
      const peer = await NodeServer.start(credential, undefined, {
        minVersion: version,
        maxVersion: version,
      });
      const outcome = await runSubject(
        { trust: one.trust?.() ?? [root] },
        { port: peer.port, ...one.config },
      );
      const alerts = await peer.failures();
      await peer.stop();
      const failure = outcome.find("failure");
      assert.equal(failure?.code, one.code, JSON.stringify(outcome));
      if (one.detail) assert.match(failure.detail!, one.detail);
      assert.match(alerts, one.alert);
      assert.equal(outcome.find("open"), undefined);
      assert.equal(outcome.exitCode, 0, outcome.stderr);
    });

if (!hasTls13)
  test(
    "refuses bad server certificates in TLS 1.3",
    { skip: "the TLS library at hand has no TLS 1.3" },
    () => {},
  );

test("connects to no server at all without trust anchors", async () => {
  let connections = 0;
  const peer = await NodeServer.start(await server(root), () => connections++);
  const outcome = await runSubject({}, { port: peer.port });
  await peer.stop();
  assert.equal(outcome.find("failure")?.code, "identity.no-trust");
  assert.equal(connections, 0);
});

const good: Record<string, Omit<Case, "code" | "alert">> = {
  "with the name": { make: () => server(root) },
  "with the name in capital letters": {
    make: () => server(root, { names: ["SERVER.Test"] }),
  },
  "with a wildcard for the first label": {
    make: () => server(root, { names: ["*.server.test"] }),
    config: { serverName: "a.server.test" },
  },
  "with the address": {
    make: () => server(root),
    config: { serverName: "127.0.0.1" },
  },
  "without any usage extension": {
    make: () => issue({ issuer: root, name: "s", names: ["server.test"] }),
  },
  "below a chain of four": {
    make: async () => {
      const first = await authority({ issuer: root, name: "first" });
      const second = await authority({ issuer: first, name: "second" });
      return server(await authority({ issuer: second, name: "third" }));
    },
  },
  "of the second of two trusted roots": {
    make: async () => {
      other = await authority({ name: "next root" });
      return server(other);
    },
    trust: () => [root, other],
  },
  "of a root of the same name, both trusted": {
    make: async () => {
      other = await authority({ name: "root" });
      return server(other);
    },
    trust: () => [root, other],
  },
  "that is self-signed and trusted itself": {
    make: async () =>
      (other = await issue({
        name: "server.test",
        names: ["server.test"],
        keyUsage: usage.digitalSignature,
      })),
    trust: () => [other],
  },
};

for (const [name, one] of Object.entries(good))
  test(`believes a server certificate ${name}`, async () => {
    const peer = await NodeServer.start(await one.make(), (socket) =>
      socket.end("hello"),
    );
    const outcome = await runSubject(
      { trust: one.trust?.() ?? [root] },
      { port: peer.port, download: 5, ...one.config },
    );
    await peer.stop();
    assert.equal(outcome.find("read")?.text, "hello", JSON.stringify(outcome));
  });
