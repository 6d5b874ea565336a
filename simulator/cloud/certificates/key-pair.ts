import { createPrivateKey, createPublicKey, webcrypto } from "node:crypto";
import x509 from "../x509.js";

/** Kinds of key the cloud makes: AWS has an RSA and an EC chain, and issues RSA keys unless asked for others. */
export type KeyKind = "RSA-2048" | "P-256";

/** A key pair that can be written down. */
export type KeyPair = webcrypto.CryptoKeyPair;

const generation = {
  "RSA-2048": {
    name: "RSASSA-PKCS1-v1_5",
    hash: "SHA-256",
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
  "P-256": { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
} as const;

/** How a key of this kind signs certificates. */
export function signatureOf(kind: KeyKind): { name: string; hash: string } {
  return { name: generation[kind].name, hash: "SHA-256" };
}

/** Makes a key pair. */
export async function generateKeyPair(kind: KeyKind): Promise<KeyPair> {
  return await webcrypto.subtle.generateKey(generation[kind], true, [
    "sign",
    "verify",
  ]);
}

/** The private key as PKCS #8 PEM. */
export async function privateKeyToPem(pair: KeyPair): Promise<string> {
  return toPem(
    "PRIVATE KEY",
    await webcrypto.subtle.exportKey("pkcs8", pair.privateKey),
  );
}

/** A signing request (PKCS #10, PEM) for a key pair, under one common name. */
export async function signingRequest(
  keys: KeyPair,
  commonName: string,
): Promise<string> {
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [commonName] }],
    keys,
    signingAlgorithm: signatureOf("P-256"),
  });
  return request.toString("pem");
}

/** Both keys of an RSA pair as AWS hands them out: SubjectPublicKeyInfo and PKCS #1 PEM. */
export async function rsaKeysToPem(
  pair: KeyPair,
): Promise<{ PublicKey: string; PrivateKey: string }> {
  const key = createPrivateKey(await privateKeyToPem(pair));
  return {
    PublicKey: createPublicKey(key)
      .export({ type: "spki", format: "pem" })
      .toString(),
    PrivateKey: key.export({ type: "pkcs1", format: "pem" }).toString(),
  };
}

/** Reads back what `privateKeyToPem` wrote, for signing. */
export async function signingKeyFromPem(
  kind: KeyKind,
  pem: string,
): Promise<webcrypto.CryptoKey> {
  const base64 = pem.replace(/-----[^-]+-----|\s/g, "");
  return webcrypto.subtle.importKey(
    "pkcs8",
    Buffer.from(base64, "base64"),
    generation[kind],
    false,
    ["sign"],
  );
}

function toPem(label: string, der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
