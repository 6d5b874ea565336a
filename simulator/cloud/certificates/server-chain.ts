import { randomBytes, type webcrypto } from "node:crypto";
import x509 from "../x509.js";
import {
  generateKeyPair,
  privateKeyToPem,
  signatureOf,
  signingKeyFromPem,
  type KeyKind,
  type KeyPair,
} from "./key-pair.js";

/** A certificate authority as it is kept: its certificate and its key, both PEM. */
export interface AuthorityRecord {
  readonly kind: KeyKind;
  readonly certificate: string;
  readonly privateKey: string;
}

/**
 * The authorities behind the endpoint in one kind of key. They stand for Amazon's: the root that clients trust, the
 * intermediate that signs the endpoint, and the older roots of other owners that vouched for the root when it was new.
 */
export interface ServerAuthorities {
  readonly root: AuthorityRecord;
  readonly intermediate: AuthorityRecord;
  /** The root's key signed by the older root, as the server sends it. */
  readonly crossSignedRoot: string;
  /** The older root signed by one older still, the last certificate of the chain. */
  readonly crossSignedOlderRoot: string;
}

/** The endpoint's certificate, with what the server sends after it. */
export interface ServerCertificate {
  readonly kind: KeyKind;
  readonly privateKey: string;
  /** Leaf, intermediate and the two cross-signed roots: the four certificates AWS was seen to send. */
  readonly chain: string;
  /** When the leaf ends, in ms since 1970. */
  readonly notAfter: number;
}

const day = 86_400_000;
/** The endpoint's certificate lives about 11 months, as AWS's does. */
const leafLifetime = 335 * day;
/** Certificates begin an hour before they are made: a node's clock may be behind. */
const backdate = 3_600_000;

const names = {
  "RSA-2048": { number: 1, intermediate: "Fieldnode Local RSA 2048 M01" },
  "P-256": { number: 3, intermediate: "Fieldnode Local ECDSA 256 M01" },
} as const;

/** Makes the authorities of one kind of key. */
export async function makeServerAuthorities(
  kind: KeyKind,
): Promise<ServerAuthorities> {
  const rootName = `CN=Fieldnode Local Root CA ${names[kind].number}, O=Fieldnode, C=US`;
  const olderName =
    "CN=Fieldnode Local Services Root CA - G2, O=Fieldnode Services, L=Scottsdale, ST=Arizona, C=US";
  const oldestName =
    "OU=Fieldnode Local Class 2 Certification Authority, O=Fieldnode Services, C=US";
  const [root, intermediate, older, oldest] = await Promise.all([
    generateKeyPair(kind),
    generateKeyPair(kind),
    generateKeyPair(kind),
    generateKeyPair(kind),
  ]);
  const years = (count: number) => Date.now() + count * 365 * day;
  const authority = async (
    subject: string,
    publicKey: webcrypto.CryptoKey,
    issuer: string,
    issuerPair: KeyPair,
    notAfter: number,
    pathLength?: number,
  ) =>
    (
      await x509.X509CertificateGenerator.create({
        serialNumber: serialNumber(),
        subject,
        issuer,
        notBefore: new Date(Date.now() - backdate),
        notAfter: new Date(notAfter),
        publicKey,
        signingKey: issuerPair.privateKey,
        signingAlgorithm: signatureOf(kind),
        extensions: [
          new x509.BasicConstraintsExtension(true, pathLength, true),
          new x509.KeyUsagesExtension(
            x509.KeyUsageFlags.digitalSignature |
              x509.KeyUsageFlags.keyCertSign |
              x509.KeyUsageFlags.cRLSign,
            true,
          ),
          await x509.SubjectKeyIdentifierExtension.create(publicKey),
          ...(subject === issuer
            ? []
            : [
                await x509.AuthorityKeyIdentifierExtension.create(
                  issuerPair.publicKey,
                ),
                ...revocationPlaces("root"),
              ]),
        ],
      })
    ).toString("pem") + "\n";
  return {
    root: {
      kind,
      certificate: await authority(
        rootName,
        root.publicKey,
        rootName,
        root,
        years(20),
      ),
      privateKey: await privateKeyToPem(root),
    },
    intermediate: {
      kind,
      certificate: await authority(
        `CN=${names[kind].intermediate}, O=Fieldnode, C=US`,
        intermediate.publicKey,
        rootName,
        root,
        years(10),
        0,
      ),
      privateKey: await privateKeyToPem(intermediate),
    },
    crossSignedRoot: await authority(
      rootName,
      root.publicKey,
      olderName,
      older,
      years(15),
    ),
    crossSignedOlderRoot: await authority(
      olderName,
      older.publicKey,
      oldestName,
      oldest,
      years(15),
    ),
  };
}

/** What may be different about a server certificate, to test clients with. */
export interface LeafOptions {
  /** Names beside the endpoint's; those of the loopback unless given. */
  readonly otherNames?: readonly { type: "dns" | "ip"; value: string }[];
  /** First and last moment, in ms since 1970. */
  readonly notBefore?: number;
  readonly notAfter?: number;
  /** Bytes of text in a comment, to make it large. */
  readonly padding?: number;
}

const loopbackNames = [
  { type: "dns", value: "localhost" },
  { type: "ip", value: "127.0.0.1" },
] as const;

/** Issues the certificate of `endpoint`: SAN, usages and lifetime as AWS's leaf has them, loopback names added. */
export async function issueServerCertificate(
  authorities: ServerAuthorities,
  endpoint: string,
  {
    otherNames = loopbackNames,
    notBefore = Date.now() - backdate,
    notAfter = Date.now() + leafLifetime,
    padding = 0,
  }: LeafOptions = {},
): Promise<ServerCertificate> {
  const { kind, certificate } = authorities.intermediate;
  const parentDomain = endpoint.slice(endpoint.indexOf(".") + 1);
  const pair = await generateKeyPair(kind);
  const issuer = new x509.X509Certificate(certificate);
  const leaf = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=*.${parentDomain}`,
    issuer: issuer.subject,
    notBefore: new Date(notBefore),
    notAfter: new Date(notAfter),
    publicKey: pair.publicKey,
    signingKey: await signingKeyFromPem(
      kind,
      authorities.intermediate.privateKey,
    ),
    signingAlgorithm: signatureOf(kind),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      kind === "RSA-2048"
        ? new x509.KeyUsagesExtension(
            x509.KeyUsageFlags.digitalSignature |
              x509.KeyUsageFlags.keyEncipherment,
            true,
          )
        : new x509.KeyUsagesExtension(
            x509.KeyUsageFlags.digitalSignature,
            true,
          ),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        x509.ExtendedKeyUsage.clientAuth,
      ]),
      new x509.SubjectAlternativeNameExtension([
        { type: "dns", value: endpoint },
        { type: "dns", value: parentDomain },
        { type: "dns", value: `*.${parentDomain}` },
        ...otherNames,
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(pair.publicKey),
      ...revocationPlaces("intermediate"),
      logProofs(3),
      ...(padding > 0 ? [comment(padding)] : []),
    ],
  });
  return {
    kind,
    privateKey: await privateKeyToPem(pair),
    chain: [
      leaf.toString("pem") + "\n",
      certificate,
      authorities.crossSignedRoot,
      authorities.crossSignedOlderRoot,
    ].join(""),
    notAfter,
  };
}

/** A serial number of 16 random bytes whose first bit is clear (RFC 5280 section 4.1.2.2: positive). */
export function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] & 0x7f) | 0x40;
  return bytes.toString("hex");
}

/**
 * What public certificates carry from Certificate Transparency logs (RFC 6962 section 3.3): entries of the right shape and
 * length whose contents are random. No log is behind them; they give the certificate its size.
 */
function logProofs(count: number) {
  const entry = () => {
    const proof = Buffer.concat([
      Buffer.from([0]),
      randomBytes(32 + 8),
      Buffer.from([0, 0, 4, 3, 0, 71]),
      randomBytes(71),
    ]);
    return Buffer.concat([Buffer.from([0, proof.length]), proof]);
  };
  const entries = Buffer.concat(Array.from({ length: count }, entry));
  const list = Buffer.alloc(2 + entries.length);
  list.writeUInt16BE(entries.length);
  entries.copy(list, 2);
  const header = Buffer.from([4, 0x82, list.length >> 8, list.length & 0xff]);
  return new x509.Extension(
    "1.3.6.1.4.1.11129.2.4.2",
    false,
    Buffer.concat([header, list]),
  );
}

/** Netscape's comment: ignored by everybody, and as long as one likes. */
function comment(bytes: number) {
  const text = Buffer.alloc(bytes, "x");
  const header = Buffer.from([0x16, 0x82, bytes >> 8, bytes & 255]);
  return new x509.Extension(
    "2.16.840.1.113730.1.13",
    false,
    Uint8Array.from(Buffer.concat([header, text])),
  );
}

/** The places that public certificates name for revocation: nobody fetches them here, but they give the chain its size. */
function revocationPlaces(issuer: string) {
  const place = `http://pki.iot.local-1.localhost/${issuer}`;
  return [
    new x509.CRLDistributionPointsExtension([`${place}.crl`]),
    new x509.AuthorityInfoAccessExtension({
      ocsp: new x509.GeneralName("url", `${place}/ocsp`),
      caIssuers: new x509.GeneralName("url", `${place}.cer`),
    }),
    new x509.CertificatePolicyExtension(["2.23.140.1.2.1"]),
  ];
}
