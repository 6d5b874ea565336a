import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { ExpectedError } from "./expected-error.js";

/** Files that a node's identity is made of, as `npm run provision` and AWS give them. PEM or DER. */
export interface IdentityFiles {
  cert: string;
  key: string;
  /** Roots to trust; absent for AWS's own endpoints, whose roots the firmware has. */
  trust?: string | undefined;
}

/**
 * Writes an identity into a node's flash folder, as flashing a board's NVS partition would.
 *
 * Each entry is a file of mode 0600 below `identity/`: the magic `FNID`, the length and the CRC-32 of the content as
 * 32-bit little-endian numbers, the content. `key0` and `cert0` are the first slot's, in DER (certificates one after
 * another); `trust` holds the roots; `active` is one byte, the slot in use. Throws ExpectedError when a file cannot be
 * used, before anything is written, and when the folder cannot be written.
 */
export function writeIdentity(flash: string, files: IdentityFiles): void {
  const certificates = readCertificates("--cert", files.cert);
  const key = readKey(files.key);
  if (!certificates[0].checkPrivateKey(key))
    throw new ExpectedError(
      `The key ${files.key} does not belong to the certificate ${files.cert}. Use the two that were made together.`,
    );
  const roots =
    files.trust === undefined
      ? undefined
      : readCertificates("--trust", files.trust);

  const folder = join(flash, "identity");
  const der = (list: X509Certificate[]) =>
    Buffer.concat(list.map((one) => one.raw));
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    writeEntry(folder, "key0", key.export({ type: "pkcs8", format: "der" }));
    writeEntry(folder, "cert0", der(certificates));
    if (roots) writeEntry(folder, "trust", der(roots));
    else rmSync(join(folder, "trust"), { force: true });
    writeEntry(folder, "active", Buffer.of(0));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ExpectedError(
      `The node's flash ${flash} cannot be written (${code ?? String(error)}). Choose a folder that this user may write with --flash.`,
    );
  }
}

/** Replaces one entry in one step: a crash leaves the old one or the new one, never a half. */
function writeEntry(folder: string, name: string, content: Buffer): void {
  const header = Buffer.alloc(12);
  header.write("FNID", 0, "latin1");
  header.writeUInt32LE(content.length, 4);
  header.writeUInt32LE(crc32(content), 8);
  const temporary = join(folder, `.${name}.new`);
  const file = openSync(temporary, "w", 0o600);
  try {
    writeSync(file, Buffer.concat([header, content]));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, join(folder, name));
  const directory = openSync(folder, "r");
  fsyncSync(directory);
  closeSync(directory);
}

/** Certificates of a file, the first one first. */
function readCertificates(flag: string, file: string): X509Certificate[] {
  const bytes = readInput(flag, file);
  const blocks = bytes
    .toString("latin1")
    .match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g);
  try {
    return (blocks ?? [bytes]).map((block) => new X509Certificate(block));
  } catch {
    throw new ExpectedError(
      `${flag} ${file} is not a certificate in PEM or DER form. It should begin with -----BEGIN CERTIFICATE-----.`,
    );
  }
}

function readKey(file: string): KeyObject {
  const bytes = readInput("--key", file);
  const text = bytes.toString("latin1");
  const remedy = `It should begin with -----BEGIN PRIVATE KEY----- (or EC, or RSA PRIVATE KEY).`;
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
    `--key ${file} is not a private key in PEM or DER form. ${remedy}`,
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
