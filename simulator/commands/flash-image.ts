import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createHash, type X509Certificate } from "node:crypto";
import { join } from "node:path";
import { crc32 } from "node:zlib";
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
 * 32-bit little-endian numbers, the content. What was written stands beside, by its hash: a node that was given the same
 * before and has changed to another identity or other roots since, by itself, keeps these. Throws ExpectedError when the
 * identity cannot be used, before anything is written, and when the folder cannot be written. Returns what was found, also
 * what there is to say about the endpoint.
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
  const entries = identityEntries(identity);
  const trust = entries.get("trust");
  const provisioned = {
    identity: hashOf(entries.get("key0")!, entries.get("cert0")!),
    trust: trust ? hashOf(trust) : null,
  };
  const before = readProvisioned(flash);
  const keepsIdentity =
    before?.identity === provisioned.identity && holdsIdentity(folder);
  const keepsTrust =
    before?.trust === provisioned.trust && readEntry(folder, "trust");
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    if (!keepsTrust) {
      rmSync(join(folder, "trust"), { force: true });
      if (trust) writeEntry(folder, "trust", trust);
    }
    if (!keepsIdentity)
      for (const name of ["key0", "cert0", "active"])
        writeEntry(folder, name, entries.get(name)!);
    writeFileSync(provisionedFile(flash), JSON.stringify(provisioned));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ExpectedError(
      `The node's flash ${flash} cannot be written (${code ?? String(error)}). Choose a folder that this user may write with --flash.`,
    );
  }
  return findings;
}

/** Hashes of what was last written into a node's flash from outside. */
interface Provisioned {
  readonly identity: string;
  readonly trust: string | null;
}

const provisionedFile = (flash: string): string =>
  join(flash, "provisioned.json");

function readProvisioned(flash: string): Provisioned | undefined {
  try {
    return JSON.parse(
      readFileSync(provisionedFile(flash), "utf8"),
    ) as Provisioned;
  } catch {
    return undefined;
  }
}

function hashOf(...contents: Buffer[]): string {
  const hash = createHash("sha256");
  for (const content of contents) hash.update(content);
  return hash.digest("hex");
}

/** Whether the slot in use, whichever it is, holds a key and a certificate that are not damaged. */
function holdsIdentity(folder: string): boolean {
  const active = readEntry(folder, "active");
  if (active?.length !== 1) return false;
  const slot = active[0] & 1;
  return [`key${slot}`, `cert${slot}`].every((name) => readEntry(folder, name));
}

/** The content of an entry; undefined when it is not there, cannot be read or is damaged. */
function readEntry(folder: string, name: string): Buffer | undefined {
  let file: Buffer;
  try {
    file = readFileSync(join(folder, name));
  } catch {
    return undefined;
  }
  const content = file.subarray(headerLength);
  return file.equals(Buffer.concat([headerOf(content), content]))
    ? content
    : undefined;
}

const headerLength = 12;

/** What stands before an entry's content in its file. */
function headerOf(content: Buffer): Buffer {
  const header = Buffer.alloc(headerLength);
  header.write("FNID", 0, "latin1");
  header.writeUInt32LE(content.length, 4);
  header.writeUInt32LE(crc32(content), 8);
  return header;
}
/** Replaces one entry in one step: a crash leaves the old one or the new one, never a half. */
function writeEntry(folder: string, name: string, content: Buffer): void {
  const temporary = join(folder, `.${name}.new`);
  const file = openSync(temporary, "w", 0o600);
  try {
    writeSync(file, Buffer.concat([headerOf(content), content]));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, join(folder, name));
  const directory = openSync(folder, "r");
  fsyncSync(directory);
  closeSync(directory);
}
