import { X509Certificate, type KeyObject } from "node:crypto";
import x509 from "../cloud/x509.js";
import { doubtful, good, wrong, type Finding } from "./finding.js";

const day = 86_400_000;
/** A certificate that ends sooner is worth a word. */
const soon = 30 * day;

/** Bytes of a message that a board can send: MBEDTLS_SSL_OUT_CONTENT_LEN of sdkconfig.defaults. */
export const messageSize = 2048;
/** What a Certificate message has beside the certificates, and beside each of them (RFC 8446, 4.4.2). */
const overhead = { message: 8, certificate: 5 };

const renew =
  "Have a new one issued (npm run provision, or AWS IoT's create-keys-and-certificate).";

/** A key's or certificate's algorithm and size in words, and whether a node can use it. */
export function kindOf(key: KeyObject): { name: string; flaw?: string } {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === "rsa") {
    const name = `RSA with ${modulusLength} bits`;
    if (modulusLength < 2048)
      return { name, flaw: "is too weak: a node needs 2048 bits or more" };
    if (modulusLength > 4096)
      return { name, flaw: "is larger than a node takes: 4096 bits at most" };
    return { name };
  }
  if (namedCurve === "prime256v1") return { name: "EC P-256" };
  if (namedCurve === "secp384r1") return { name: "EC P-384" };
  return {
    name: namedCurve ?? key.asymmetricKeyType ?? "unknown",
    flaw: "is of a kind that a node does not use: EC P-256 or P-384, or RSA with 2048 to 4096 bits",
  };
}

/** A name in one line, its most telling part first. */
export const nameOf = (certificate: X509Certificate): string =>
  certificate.subject.split("\n").reverse().join(", ");

/** Whether a certificate is one of an authority. Version 1 has no word for it, but old roots are of it. */
export function isAuthority(certificate: X509Certificate): boolean {
  const parsed = new x509.X509Certificate(certificate.raw);
  const constraints = parsed.getExtension(x509.BasicConstraintsExtension);
  return constraints
    ? constraints.ca
    : parsed.extensions.length === 0 &&
        certificate.subject === certificate.issuer;
}

/** Dates: expired, not begun, or soon over. */
export function checkDates(
  certificate: X509Certificate,
  now: number,
): Finding[] {
  const name = nameOf(certificate);
  const from = Date.parse(certificate.validFrom);
  const until = Date.parse(certificate.validTo);
  const date = (time: number) => new Date(time).toISOString().slice(0, 10);
  if (now > until)
    return [wrong(`${name} has expired on ${date(until)}.`, renew)];
  if (now < from)
    return [
      wrong(
        `${name} is not valid before ${date(from)}.`,
        "Check this machine's clock, or wait.",
      ),
    ];
  if (until - now < soon)
    return [doubtful(`${name} ends soon, on ${date(until)}.`, renew)];
  return [good(`${name} is valid until ${date(until)}.`)];
}

/** The hash that a certificate is signed with. SHA-1 and older can be forged, and every server refuses them. */
function checkSignature(certificate: X509Certificate): Finding[] {
  const parsed = new x509.X509Certificate(certificate.raw);
  const algorithm = parsed.signatureAlgorithm as {
    name: string;
    hash?: { name: string };
  };
  const { name } = algorithm.hash ?? algorithm;
  return /^SHA-(256|384|512)$/.test(name)
    ? []
    : [
        wrong(
          `${nameOf(certificate)} is signed with ${name}, which is too weak.`,
          "Have it issued anew with SHA-256.",
        ),
      ];
}

/** What the certificate may be used for. */
function checkUsage(certificate: X509Certificate): Finding[] {
  const parsed = new x509.X509Certificate(certificate.raw);
  const name = nameOf(certificate);
  const usages = parsed.getExtension(x509.KeyUsagesExtension)?.usages;
  const purposes = parsed.getExtension(x509.ExtendedKeyUsageExtension)?.usages;
  const todo = "Use the certificate that was issued for the node.";
  if (isAuthority(certificate))
    return [wrong(`${name} is an authority's certificate, no node's.`, todo)];
  if (
    usages !== undefined &&
    (usages & x509.KeyUsageFlags.digitalSignature) === 0
  )
    return [wrong(`${name} may not be used for signatures.`, todo)];
  if (
    purposes &&
    ![x509.ExtendedKeyUsage.clientAuth, "2.5.29.37.0"].some((one) =>
      purposes.includes(one),
    )
  )
    return [wrong(`${name} is not for clients (extended key usage).`, todo)];
  return [];
}

/** Whether each certificate is issued by the one behind it. */
function checkChain(certificates: readonly X509Certificate[]): Finding[] {
  const order =
    "Put the node's certificate first, then each certificate's issuer, without the root.";
  const findings = certificates.slice(1).flatMap((issuer, index) => {
    const certificate = certificates[index];
    const names = `${nameOf(certificate)} is not issued by ${nameOf(issuer)}, which follows it.`;
    if (
      !certificate.checkIssued(issuer) ||
      !certificate.verify(issuer.publicKey)
    )
      return [wrong(names, order)];
    if (!isAuthority(issuer))
      return [wrong(`${nameOf(issuer)} is no authority.`, order)];
    if (issuer.subject === issuer.issuer)
      return [
        doubtful(
          `${nameOf(issuer)} is a root; a server does not need it.`,
          "Leave it out.",
        ),
      ];
    return [];
  });
  if (findings.length > 0 || certificates.length === 1) return findings;
  return [
    good(`The chain of ${certificates.length} certificates is in order.`),
  ];
}

/** Whether a board can send the certificates, which all go into one message. */
function checkSize(certificates: readonly X509Certificate[]): Finding[] {
  const room =
    messageSize - overhead.message - certificates.length * overhead.certificate;
  const size = certificates.reduce((sum, { raw }) => sum + raw.length, 0);
  return size <= room
    ? []
    : [
        wrong(
          `The certificates are ${size} bytes long, and a board can send ${room}.`,
          "Leave out what the server does not need, or use EC keys on P-256, whose certificates are shorter.",
        ),
      ];
}

/** All there is to say about the node's certificate and those behind it. */
export function checkCertificates(
  certificates: readonly X509Certificate[],
  now: number,
): Finding[] {
  const [own] = certificates;
  return [
    ...checkUsage(own),
    ...certificates.flatMap((one) => [
      ...checkDates(one, now),
      ...checkSignature(one),
    ]),
    ...checkChain(certificates),
    ...checkSize(certificates),
  ];
}
