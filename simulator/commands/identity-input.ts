import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { ExpectedError } from "./expected-error.js";

/** Files that a node's identity is made of, as `npm run provision` and AWS give them. PEM or DER. */
export interface IdentityFiles {
  cert: string;
  key: string;
  /** Roots to trust; absent for AWS's own endpoints, whose roots the firmware has. */
  trust?: string | undefined;
}

/**
 * The certificates of a file, the first one first.
 *
 * @param flag the flag that named it, for the error
 * @throws ExpectedError when it cannot be read, or holds no certificate
 */
export function readCertificates(
  flag: string,
  file: string,
): X509Certificate[] {
  const bytes = readInput(flag, file);
  const blocks = bytes
    .toString("latin1")
    .match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g);
  try {
    return blocks
      ? blocks.map((block) => new X509Certificate(block))
      : derCertificates(bytes);
  } catch {
    throw new ExpectedError(
      `${flag} ${file} is not a certificate in PEM or DER form. It should begin with -----BEGIN CERTIFICATE-----.`,
    );
  }
}

/** Certificates in DER, one after another: each begins with its own length. */
function derCertificates(bytes: Buffer): X509Certificate[] {
  const made: X509Certificate[] = [];
  for (let at = 0; at < bytes.length || made.length === 0;) {
    const one = new X509Certificate(bytes.subarray(at));
    made.push(one);
    at += one.raw.length;
  }
  return made;
}

/**
 * The private key of a file: PKCS#8, SEC1 or PKCS#1, PEM or DER.
 *
 * @throws ExpectedError when it cannot be read, is encrypted, or is none
 */
export function readKey(file: string): KeyObject {
  const bytes = readInput("--key", file);
  const text = bytes.toString("latin1");
  if (/ENCRYPTED/.test(text))
    throw new ExpectedError(
      `--key ${file} is encrypted, and a node has nobody to ask for the password. Decrypt it first: openssl pkey -in ${file} -out plain.key.pem`,
    );
  const attempts = text.includes("-----BEGIN")
    ? [() => createPrivateKey(bytes)]
    : (["pkcs8", "sec1", "pkcs1"] as const).map(
        (type) => () => createPrivateKey({ key: bytes, format: "der", type }),
      );
  for (const attempt of attempts) {
    try {
      return attempt();
    } catch {
      // The next form may fit.
    }
  }
  throw new ExpectedError(
    `--key ${file} is not a private key in PEM or DER form. It should begin with -----BEGIN PRIVATE KEY----- (or EC, or RSA PRIVATE KEY).`,
  );
}

function readInput(flag: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === "ENOENT"
        ? "there is no such file"
        : code === "EACCES"
          ? "it is not readable for this user"
          : (code ?? "unknown error");
    throw new ExpectedError(
      `Cannot read ${flag} ${file}: ${reason}. npm run provision writes the files a node needs.`,
    );
  }
}
