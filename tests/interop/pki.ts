import { createPrivateKey, webcrypto, type KeyObject } from "node:crypto";
import x509 from "../../simulator/cloud/x509.js";

/** Kinds of keys that tests make certificates for. */
export type Kind =
  | "P-256"
  | "P-384"
  | "P-521"
  | "RSA-1024"
  | "RSA-2048"
  | "RSA-3072"
  | "RSA-4096";

/** A certificate with its private key. */
export interface Credential {
  kind: Kind;
  certificate: InstanceType<typeof x509.X509Certificate>;
  keys: webcrypto.CryptoKeyPair;
  /** The certificates between it and its root, nearest first. */
  chain: InstanceType<typeof x509.X509Certificate>[];
}

/** What a test wants a certificate to be. Days are counted from now; a `Date` is the very second. */
export interface Wish {
  name?: string;
  kind?: Kind;
  issuer?: Credential;
  /** Somebody else's key, as out of a certificate request. */
  publicKey?: webcrypto.CryptoKey;
  /** DNS names and IPv4 addresses for subjectAltName, or `kind:value` for another kind; [] for none. */
  names?: string[];
  from?: number | Date;
  until?: number | Date;
  /** basicConstraints' CA bit; left out altogether when undefined. */
  authority?: boolean;
  pathLength?: number;
  keyUsage?: InstanceType<typeof x509.KeyUsagesExtension>["usages"];
  extendedKeyUsage?: string[];
  hash?: "SHA-1" | "SHA-256" | "SHA-384";
  /** Bytes of text in a comment extension, to make the certificate large. */
  padding?: number;
  /** Further extensions. */
  more?: InstanceType<typeof x509.Extension>[];
}

const day = 86_400_000;
let serial = 1000;

function algorithmOf(kind: Kind, hash: string) {
  return kind.startsWith("P-")
    ? { name: "ECDSA", namedCurve: kind, hash }
    : {
        name: "RSASSA-PKCS1-v1_5",
        hash,
        modulusLength: Number(kind.slice(4)),
        publicExponent: new Uint8Array([1, 0, 1]),
      };
}

const made = new Map<Kind, webcrypto.CryptoKeyPair[]>();

/** Keys are slow to make, so those of a kind are used again where a test does not care. */
async function keysOf(kind: Kind, fresh: boolean) {
  const there = made.get(kind) ?? [];
  made.set(kind, there);
  if (!fresh && kind === "RSA-4096" && there.length > 0) return there[0];
  const keys = await webcrypto.subtle.generateKey(
    algorithmOf(kind, "SHA-256"),
    true,
    ["sign", "verify"],
  );
  there.push(keys);
  return keys;
}

/** Makes a certificate: a root when it has no issuer, else one signed by that. */
export async function issue(wish: Wish = {}): Promise<Credential> {
  const kind = wish.kind ?? "P-256";
  const keys = await keysOf(kind, wish.issuer === undefined);
  const signer = wish.issuer ?? { kind, keys };
  const hash = wish.hash ?? "SHA-256";
  const signingKey = await withHash(signer.keys.privateKey, signer.kind, hash);
  const subject = `CN=${wish.name ?? `test ${serial}`}`;
  const { names = [] } = wish;
  const extensions = [
    ...(wish.authority === undefined
      ? []
      : [
          new x509.BasicConstraintsExtension(
            wish.authority,
            wish.pathLength,
            true,
          ),
        ]),
    ...(wish.keyUsage === undefined
      ? []
      : [new x509.KeyUsagesExtension(wish.keyUsage, true)]),
    ...(wish.extendedKeyUsage
      ? [new x509.ExtendedKeyUsageExtension(wish.extendedKeyUsage)]
      : []),
    ...(names.length > 0
      ? [new x509.SubjectAlternativeNameExtension(names.map(generalName))]
      : []),
    ...(wish.padding
      ? [
          // Netscape comment: ignored by everybody, and as long as one likes.
          new x509.Extension(
            "2.16.840.1.113730.1.13",
            false,
            derText("x".repeat(wish.padding)),
          ),
        ]
      : []),
    ...(wish.more ?? []),
  ];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: (serial++).toString(16).padStart(4, "0"),
    subject,
    issuer: wish.issuer ? wish.issuer.certificate.subject : subject,
    notBefore: dateOf(wish.from ?? -1),
    notAfter: dateOf(wish.until ?? 365),
    signingAlgorithm: { name: signingKey.algorithm.name, hash },
    publicKey: wish.publicKey ?? keys.publicKey,
    signingKey,
    extensions,
  });
  const issuer = wish.issuer;
  const isRoot = issuer?.certificate.subject === issuer?.certificate.issuer;
  return {
    kind,
    certificate,
    keys,
    chain: !issuer || isRoot ? [] : [issuer.certificate, ...issuer.chain],
  };
}

function dateOf(moment: number | Date): Date {
  return typeof moment === "number"
    ? new Date(Date.now() + moment * day)
    : moment;
}

function generalName(name: string) {
  const [, type = /^[\d.]+$/.test(name) ? "ip" : "dns", value = name] =
    /^(dns|email|url):(.*)$/.exec(name) ?? [];
  return { type: type as "ip" | "dns" | "email" | "url", value };
}

/** The same with a certificate that has one bit of its signature flipped. */
export async function damaged(credential: Credential): Promise<Credential> {
  const bytes = Buffer.from(credential.certificate.rawData);
  bytes[bytes.length - 1] ^= 1;
  const certificate = new x509.X509Certificate(bytes);
  return Promise.resolve({ ...credential, certificate });
}

/** Usages of authorities and servers, as bits. */
export const usage = x509.KeyUsageFlags;
/** Extended key usages by name. */
export const purpose = x509.ExtendedKeyUsage;

/** A proper root or intermediate. */
export const authority = (wish: Wish = {}): Promise<Credential> =>
  issue({
    authority: true,
    keyUsage: usage.keyCertSign | usage.cRLSign,
    ...wish,
  });

/** A proper certificate for a server; for `server.test` and 127.0.0.1 when not told otherwise. */
export const server = (issuer: Credential, wish: Wish = {}) =>
  issue({
    issuer,
    name: "server.test",
    names: ["server.test", "127.0.0.1"],
    authority: false,
    keyUsage: usage.digitalSignature,
    extendedKeyUsage: [purpose.serverAuth],
    ...wish,
  });

/** A proper certificate for a node. */
export const device = (issuer: Credential, wish: Wish = {}) =>
  issue({
    issuer,
    name: "node-1",
    authority: false,
    keyUsage: usage.digitalSignature,
    extendedKeyUsage: [purpose.clientAuth],
    ...wish,
  });

/** PEM of the certificate and of those between it and its root. */
export const chainPem = (credential: Credential): string =>
  [credential.certificate, ...credential.chain]
    .map((one) => one.toString("pem"))
    .join("\n");

/** The private key for Node's and OpenSSL's use. */
export async function keyObject(credential: Credential): Promise<KeyObject> {
  const pkcs8 = await webcrypto.subtle.exportKey(
    "pkcs8",
    credential.keys.privateKey,
  );
  return createPrivateKey({
    key: Buffer.from(pkcs8),
    format: "der",
    type: "pkcs8",
  });
}

/** PKCS #8 PEM of the private key. */
export const keyPem = async (credential: Credential): Promise<string> =>
  (await keyObject(credential)).export({
    type: "pkcs8",
    format: "pem",
  }) as string;

/** An RSA key of Web Crypto is tied to one hash; another needs the key imported anew. */
async function withHash(key: webcrypto.CryptoKey, kind: Kind, hash: string) {
  if (kind.startsWith("P-")) return key;
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", key);
  return webcrypto.subtle.importKey(
    "pkcs8",
    pkcs8,
    algorithmOf(kind, hash),
    true,
    ["sign"],
  );
}

/** DER of an IA5String. */
function derText(text: string): ArrayBuffer {
  const bytes = Buffer.from(text, "latin1");
  const head = Buffer.from([0x16, 0x82, bytes.length >> 8, bytes.length & 255]);
  return Uint8Array.from(Buffer.concat([head, bytes])).buffer;
}
