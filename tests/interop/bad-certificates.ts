import x509 from "../../simulator/cloud/x509.js";
import {
  authority,
  damaged,
  device,
  issue,
  purpose,
  server,
  usage,
  type Credential,
  type Wish,
} from "./pki.js";

/** A server certificate that a node must not believe, and why. */
export interface BadCertificate {
  /** The root that the node trusts, when it is not a plain one. */
  trusted?: Wish;
  /** What the server has; `root` is what the node trusts. */
  make: (root: Credential) => Promise<Credential>;
  code: string;
  /** Part of the failure's detail. */
  detail?: RegExp;
  /** Number of the alert that the server is sent (RFC 8446, 6). */
  alert: number;
  serverName?: string;
  /** The node's clock. */
  now?: (made: Credential) => number;
  /** OpenSSL itself refuses to serve it with other versions. */
  only?: "TLSv1.3";
}

const badCertificate = 42;
const unsupportedCertificate = 43;
const certificateExpired = 45;
const certificateUnknown = 46;
const unknownCa = 48;
const accessDenied = 49;

const day = 86_400_000;
const rsa: Wish = { name: "rsa", kind: "RSA-2048" };
const stranger = () => authority({ name: "other root" });
/** A server below an intermediate that is made as wished. */
const below = async (root: Credential, wish: Wish, own: Wish = {}) =>
  server(await authority({ issuer: root, ...wish }), own);
const wrongName = { code: "tls.wrong-name", alert: badCertificate };
const wrongUsage = { code: "tls.wrong-usage", alert: unsupportedCertificate };
const wrongIssuer = { code: "tls.wrong-usage", alert: unknownCa };
const unknownRoot = { code: "tls.unknown-root", alert: unknownCa };
const expired = { code: "tls.server-expired", alert: certificateExpired };
const early = { code: "tls.server-not-yet-valid", alert: certificateUnknown };
const weakKey = { code: "tls.weak-certificate", alert: unsupportedCertificate };
const weakHash = { code: "tls.weak-certificate", alert: certificateUnknown };

/** By what is wrong with them. */
export const badCertificates: Record<string, BadCertificate> = {
  "of another root": {
    make: async () => server(await stranger()),
    detail: /other root/,
    ...unknownRoot,
  },
  "of a root with the trusted one's name and another key": {
    make: async () => server(await authority({ name: "root" })),
    detail: /not by the key that CN=root has here/,
    ...unknownRoot,
  },
  "whose signature is damaged": {
    make: async (root) => damaged(await server(root)),
    detail: /not by the key that CN=root has here/,
    ...unknownRoot,
  },
  "below an intermediate whose signature is damaged": {
    make: async (root) =>
      server(await damaged(await authority({ issuer: root, name: "bent" }))),
    ...unknownRoot,
  },
  "self-signed": {
    make: () =>
      issue({
        name: "server.test",
        names: ["server.test"],
        keyUsage: usage.digitalSignature,
      }),
    ...unknownRoot,
  },
  "whose intermediate is missing": {
    make: async (root) => ({
      ...(await below(root, { name: "absent" })),
      chain: [],
    }),
    detail: /absent/,
    ...unknownRoot,
  },
  "with an intermediate that is not its own": {
    make: async (root) => ({
      ...(await below(root, { name: "absent" })),
      chain: [(await authority({ issuer: root, name: "idle" })).certificate],
    }),
    detail: /absent/,
    ...unknownRoot,
  },
  "for another name": {
    make: (root) => server(root, { names: ["elsewhere.test"] }),
    detail: /server\.test.*elsewhere\.test/,
    ...wrongName,
  },
  "whose name stands in the subject only": {
    make: (root) => server(root, { names: [] }),
    ...wrongName,
  },
  "whose name is longer by a label": {
    make: (root) => server(root, { names: ["a.server.test"] }),
    ...wrongName,
  },
  "whose name ends in a dot": {
    make: (root) => server(root, { names: ["server.test."] }),
    ...wrongName,
  },
  "whose name is an e-mail address's or a URI's": {
    make: (root) =>
      server(root, {
        names: ["email:a@server.test", "url:https://server.test"],
      }),
    ...wrongName,
  },
  "with a wildcard in the middle": {
    make: (root) => server(root, { names: ["a.*.server.test"] }),
    serverName: "a.b.server.test",
    ...wrongName,
  },
  "with a wildcard that would have to stand for two labels": {
    make: (root) => server(root, { names: ["*.server.test"] }),
    serverName: "a.b.server.test",
    ...wrongName,
  },
  "with a wildcard that would have to stand for no label": {
    make: (root) => server(root, { names: ["*.server.test"] }),
    ...wrongName,
  },
  "with a wildcard inside a label": {
    make: (root) => server(root, { names: ["s*.server.test"] }),
    serverName: "sensor.server.test",
    ...wrongName,
  },
  "with a wildcard for a whole top-level domain": {
    make: (root) => server(root, { names: ["*.test"] }),
    ...wrongName,
  },
  "with a wildcard for everything": {
    make: (root) => server(root, { names: ["*"] }),
    ...wrongName,
  },
  "with a byte of 0 in its name": {
    make: (root) => server(root, { names: ["server.test\0.evil.test"] }),
    ...wrongName,
  },
  "for a name when an address is meant": {
    make: (root) => server(root, { names: ["server.test", "127.0.0.2"] }),
    serverName: "127.0.0.1",
    detail: /127\.0\.0\.1.*127\.0\.0\.2/,
    ...wrongName,
  },
  "that has only a name when an address is meant": {
    make: (root) => server(root, { names: ["server.test"] }),
    serverName: "127.0.0.1",
    ...wrongName,
  },
  "that has the address as a name": {
    make: (root) => server(root, { names: ["dns:127.0.0.1"] }),
    serverName: "127.0.0.1",
    ...wrongName,
  },
  "with a wildcard for an address": {
    make: (root) => server(root, { names: ["*.0.0.1"] }),
    serverName: "127.0.0.1",
    ...wrongName,
  },
  "that has expired": {
    make: (root) => server(root, { from: -20, until: -10 }),
    detail: /server\.test is valid until \d{4}-\d\d-\d\d/,
    ...expired,
  },
  "that is not valid yet": {
    make: (root) => server(root, { from: 10, until: 20 }),
    ...early,
  },
  "that expired a second ago by the node's clock": {
    make: (root) => server(root),
    now: (made) => made.certificate.notAfter.getTime() + 1000,
    ...expired,
  },
  "that will be valid in a second by the node's clock": {
    make: (root) => server(root, { from: 0 }),
    now: (made) => made.certificate.notBefore.getTime() - 1000,
    ...early,
  },
  "that nobody can judge because the clock was never set": {
    make: (root) => server(root),
    now: () => 1000,
    code: "tls.clock-unset",
    alert: certificateUnknown,
  },
  "below an intermediate that has expired": {
    make: (root) => below(root, { name: "late", from: -9, until: -1 }),
    detail: /late/,
    ...expired,
  },
  "below an intermediate that is not valid yet": {
    make: (root) => below(root, { name: "early", from: 3, until: 9 }),
    detail: /early/,
    ...early,
  },
  "of a root that has expired": {
    trusted: { name: "old root", from: -9, until: -1 },
    make: (root) => server(root),
    detail: /old root/,
    ...expired,
  },
  "signed by another device's certificate": {
    make: async (root) => server(await device(root)),
    detail: /node-1 is no certificate authority/,
    ...wrongIssuer,
  },
  "signed by a certificate that leaves open whether it is an authority": {
    make: async (root) => server(await issue({ issuer: root, name: "vague" })),
    detail: /vague/,
    ...wrongIssuer,
  },
  "below an intermediate that may not sign certificates": {
    make: (root) =>
      below(root, { name: "mute", keyUsage: usage.digitalSignature }),
    detail: /mute may not sign/,
    ...wrongIssuer,
  },
  "below more intermediates than the path length allows": {
    make: async (root) =>
      below(await authority({ issuer: root, name: "short", pathLength: 0 }), {
        name: "second",
      }),
    detail: /short allows no chain of this length/,
    ...wrongIssuer,
  },
  "below an intermediate that issues to clients only": {
    make: (root) =>
      below(root, { name: "clients", extendedKeyUsage: [purpose.clientAuth] }),
    detail: /clients may not issue to servers/,
    ...wrongUsage,
  },
  "for clients only": {
    make: (root) => server(root, { extendedKeyUsage: [purpose.clientAuth] }),
    detail: /server\.test is not for servers/,
    ...wrongUsage,
  },
  "for signing code": {
    make: (root) => server(root, { extendedKeyUsage: [purpose.codeSigning] }),
    ...wrongUsage,
  },
  "whose key may not sign": {
    make: (root) => server(root, { keyUsage: usage.keyAgreement }),
    only: "TLSv1.3",
    ...wrongUsage,
  },
  "signed with SHA-1": {
    trusted: rsa,
    make: (root) => server(root, { kind: "RSA-2048", hash: "SHA-1" }),
    detail: /server\.test is signed with an old hash/,
    ...weakHash,
  },
  "below an intermediate that is signed with SHA-1": {
    trusted: rsa,
    make: (root) =>
      below(
        root,
        { ...rsa, name: "weak", hash: "SHA-1" },
        { kind: "RSA-2048" },
      ),
    detail: /weak is signed with an old hash/,
    ...weakHash,
  },
  "with an RSA key of 1024 bits": {
    make: (root) => server(root, { kind: "RSA-1024" }),
    detail: /server\.test has a key of 1024 bits, RSA/,
    ...weakKey,
  },
  "below an intermediate with an RSA key of 1024 bits": {
    make: (root) => below(root, { name: "small", kind: "RSA-1024" }),
    detail: /small has a key of 1024 bits/,
    ...weakKey,
  },
  "of a root with an RSA key of 1024 bits": {
    trusted: { name: "small root", kind: "RSA-1024" },
    make: (root) => server(root),
    detail: /small root has a key of 1024 bits/,
    ...weakKey,
  },
  "with a critical extension that nobody knows": {
    make: (root) =>
      server(root, {
        more: [new x509.Extension("1.2.3.4.5", true, new Uint8Array([5, 0]))],
      }),
    code: "tls.bad-certificate",
    alert: badCertificate,
  },
  "below more intermediates than mbedTLS looks at": {
    make: async (root) => {
      let issuer = root;
      for (let depth = 0; depth < 10; depth++)
        issuer = await authority({ issuer, name: `depth ${depth}` });
      return server(issuer);
    },
    code: "tls.chain-too-long",
    alert: accessDenied,
  },
  // Of several reasons the one that tells most.
  "that is expired and for another name": {
    make: (root) =>
      server(root, { names: ["elsewhere.test"], from: -20, until: -10 }),
    ...wrongName,
  },
  "that is expired and of another root": {
    make: async () => server(await stranger(), { from: -20, until: -10 }),
    code: "tls.unknown-root",
    alert: certificateExpired,
  },
  "that is for another name, of another root, for clients and expired": {
    make: async () =>
      server(await stranger(), {
        names: ["elsewhere.test"],
        extendedKeyUsage: [purpose.clientAuth],
        from: -2,
        until: -1,
      }),
    code: "tls.unknown-root",
    alert: badCertificate,
  },
  "of another root while the clock was never set": {
    make: async () => server(await stranger()),
    now: () => 0,
    ...unknownRoot,
  },
};

/** Those that a node must believe. */
export const goodCertificates: Record<
  string,
  Pick<BadCertificate, "trusted" | "make" | "serverName" | "now"> & {
    /** What the node trusts, when it is not the root alone. */
    trust?: (root: Credential, made: Credential) => Promise<Credential[]>;
  }
> = {
  "with the name": { make: (root) => server(root) },
  "with the name in capital letters": {
    make: (root) => server(root, { names: ["SERVER.Test"] }),
  },
  "with a wildcard for the first label": {
    make: (root) => server(root, { names: ["*.server.test"] }),
    serverName: "a.server.test",
  },
  "with the name among others": {
    make: (root) =>
      server(root, { names: ["email:a@b.test", "*.b.test", "server.test"] }),
  },
  "with the address": {
    make: (root) => server(root),
    serverName: "127.0.0.1",
  },
  "in its last second": {
    trusted: { name: "root", until: 500 },
    make: (root) => server(root),
    now: (made) => made.certificate.notAfter.getTime(),
  },
  "in its first second": {
    make: (root) => server(root, { from: 0 }),
    now: (made) => made.certificate.notBefore.getTime(),
  },
  "400 days from now, when the desktop's clock is not asked": {
    make: (root) => server(root, { from: 399, until: 402 }),
    trusted: { name: "root", until: 500 },
    now: () => Date.now() + 400 * day,
  },
  "without any usage extension": {
    make: (root) => issue({ issuer: root, name: "s", names: ["server.test"] }),
  },
  "of an authority that issues to servers": {
    make: (root) =>
      below(root, {
        name: "issuer",
        extendedKeyUsage: [purpose.serverAuth, purpose.clientAuth],
      }),
  },
  "of the second of two trusted roots": {
    make: (root) => server(root),
    trust: async (root) => [await stranger(), root],
  },
  "of a root of the same name, both trusted": {
    make: (root) => server(root),
    trust: async (root) => [await authority({ name: "root" }), root],
  },
  "of a root that was renewed with the same key, trusted in both editions": {
    make: (root) => server(root),
    trust: async (root) => [
      await authority({
        issuer: root,
        name: "root",
        publicKey: root.keys.publicKey,
        from: -20,
        until: -10,
      }),
      root,
    ],
  },
  "that is self-signed and trusted itself": {
    make: () =>
      issue({
        name: "server.test",
        names: ["server.test"],
        keyUsage: usage.digitalSignature,
      }),
    trust: (_, made) => Promise.resolve([made]),
  },
};
