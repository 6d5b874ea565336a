import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { X509Certificate } from "node:crypto";
import { ExpectedError } from "./expected-error.js";
import { refuseErrors, type Finding } from "./finding.js";
import {
  checkFor,
  checkIdentity,
  type IdentityParts,
} from "./identity-check.js";
import type { IdentityFiles } from "./identity-input.js";

/**
 * The entries of an identity in flash, by name (modules/identity/identity-flash.h): `key0` and `cert0` are the first
 * slot's, in DER (certificates one after another); `trust` holds the roots, if there are any; `active` is one byte, the
 * slot in use. The active slot comes last.
 */
export function identityEntries({
  key,
  certificates,
  roots,
}: IdentityParts): Map<string, Buffer> {
  const der = (list: X509Certificate[]) =>
    Buffer.concat(list.map((one) => one.raw));
  return new Map([
    ["key0", key!.export({ type: "pkcs8", format: "der" })],
    ["cert0", der(certificates!)],
    ...(roots ? [["trust", der(roots)] as const] : []),
    ["active", Buffer.of(0)],
  ]);
}

/**
 * Writes an identity into a node's flash folder, as flashing a board's NVS partition would, once the same checks as those
 * of `npm run provision -- check` have found nothing wrong with it.
 *
 * Each entry is a file of mode 0600 below `identity/`: the magic `FNID`, the length and the CRC-32 of the content as
 * 32-bit little-endian numbers, the content. Throws ExpectedError when the identity cannot be used, before anything is
 * written, and when the folder cannot be written. Returns what was found, also what there is to say about the endpoint.
 */
export function writeIdentity(
  flash: string,
  files: IdentityFiles,
  endpoint?: string,
): Finding[] {
  const identity = checkIdentity(files);
  const findings = refuseErrors(identity.findings);
  if (endpoint !== undefined)
    findings.push(...checkFor(endpoint, files, identity));
  const folder = join(flash, "identity");
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    if (!identity.roots) rmSync(join(folder, "trust"), { force: true });
    for (const [name, content] of identityEntries(identity))
      writeEntry(folder, name, content);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ExpectedError(
      `The node's flash ${flash} cannot be written (${code ?? String(error)}). Choose a folder that this user may write with --flash.`,
    );
  }
  return findings;
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
