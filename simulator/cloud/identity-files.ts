import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { ProvisionedThing } from "./provisioning.js";
import { StateError } from "./store-check.js";

/** Names of the files that a device is given. */
export const identityFiles = {
  key: "device.key.pem",
  certificate: "device.cert.pem",
  roots: "root-ca.pem",
} as const;

/** @throws StateError when the folder already has a key: it may be the only copy of it */
export function assertNoKey(directory: string): void {
  const file = join(directory, identityFiles.key);
  if (existsSync(file)) throw keyExists(file);
}

/**
 * Writes key (0600), certificate and roots. The key comes last and never replaces another: a folder with a key is complete,
 * whenever the machine stopped.
 * @throws StateError when there is a key already, or the folder cannot be written
 */
export function writeIdentity(
  directory: string,
  identity: Pick<ProvisionedThing, "privateKey" | "certificate" | "roots">,
): void {
  const at = (name: string) => join(directory, name);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const [name, text] of [
      [identityFiles.roots, identity.roots],
      [identityFiles.certificate, identity.certificate],
    ] as const) {
      write(at(`${name}.new`), text, 0o644);
      renameSync(at(`${name}.new`), at(name));
    }
    write(at(`${identityFiles.key}.new`), identity.privateKey, 0o600);
    linkSync(at(`${identityFiles.key}.new`), at(identityFiles.key));
    rmSync(at(`${identityFiles.key}.new`));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw keyExists(at(identityFiles.key));
    throw new StateError(
      `The device's files cannot be written to ${directory} (${code ?? String(error)}). Choose another folder with --out.`,
    );
  }
}

function keyExists(file: string): StateError {
  return new StateError(
    `${file} exists and is not replaced: it may be the only copy of a device's key. Move it away, or choose another folder with --out.`,
  );
}

function write(file: string, text: string, mode: number): void {
  rmSync(file, { force: true });
  const descriptor = openSync(file, "wx", mode);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
