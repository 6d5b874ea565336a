import { createHash, type webcrypto, X509Certificate } from "node:crypto";
import type { PublicKey } from "@peculiar/x509";
import x509 from "../x509.js";
import {
  generateKeyPair,
  privateKeyToPem,
  signatureOf,
  signingKeyFromPem,
} from "./key-pair.js";
import { serialNumber, type AuthorityRecord } from "./server-chain.js";

/** Issuer of device certificates, by AWS's name. */
const issuerName =
  "OU=Amazon Web Services, O=Amazon.com Inc., L=Seattle, ST=Washington, C=US";
/** Subject of every device certificate that AWS issues. */
const subjectName = "CN=AWS IoT Certificate";
/** Last moment of a device certificate that AWS issues. */
const deviceNotAfter = new Date("2049-12-31T23:59:59Z");

/** Makes the authority that signs device certificates: RSA, as AWS's, whatever key the device has. */
export async function makeDeviceAuthority(): Promise<AuthorityRecord> {
  const kind = "RSA-2048";
  const keys = await generateKeyPair(kind);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: issuerName,
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: deviceNotAfter,
    keys,
    signingAlgorithm: signatureOf(kind),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    kind,
    certificate: certificate.toString("pem") + "\n",
    privateKey: await privateKeyToPem(keys),
  };
}

/**
 * Issues a device certificate for a public key.
 * @param subject distinguished name; AWS puts its own whatever was asked for
 * @returns PEM
 */
export async function issueDeviceCertificate(
  authority: AuthorityRecord,
  publicKey: webcrypto.CryptoKey | PublicKey,
  subject: string = subjectName,
  notAfter: Date = deviceNotAfter,
): Promise<string> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject,
    issuer: issuer.subject,
    notBefore: new Date(Date.now() - 120_000),
    notAfter,
    publicKey,
    signingKey: await signingKeyFromPem(authority.kind, authority.privateKey),
    signingAlgorithm: signatureOf(authority.kind),
    extensions: [
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    ],
  });
  return certificate.toString("pem") + "\n";
}

/** AWS's id of a certificate: SHA-256 of its DER bytes, 64 lower-case hexadecimal digits. */
export function certificateId(certificate: Buffer | string): string {
  return createHash("sha256")
    .update(new X509Certificate(certificate).raw)
    .digest("hex");
}
