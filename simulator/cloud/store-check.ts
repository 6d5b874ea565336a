import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";

/** A state folder that cannot be used; the message says what to do. */
export class StateError extends Error {
  override readonly name = "StateError";

  /** `error` in words that name the folder. */
  static from(error: unknown, directory: string): StateError {
    if (error instanceof StateError) return error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EACCES" || code === "EPERM" || code === "EROFS")
      return new StateError(
        `The state folder ${directory} cannot be written by this user. Change its owner, or choose another with --state.`,
      );
    if (code === "ENOTDIR" || code === "EEXIST")
      return new StateError(
        `${directory} is not a folder. Choose another with --state.`,
      );
    if (code === "ENOSPC")
      return new StateError(`No space is left for the state in ${directory}.`);
    const detail = error instanceof Error ? error.message : String(error);
    return new StateError(
      `The state in ${directory} cannot be opened (${detail}). Choose another folder with --state.`,
    );
  }
}

/** Offsets in an LMDB meta page (`MDB_page` header of 24 bytes, then `MDB_meta`), 64-bit little-endian layout. */
const metaPage = {
  magic: 24,
  version: 28,
  pageSize: 48,
  lastPage: 144,
  transaction: 152,
} as const;
const magic = 0xbeefc0de;

/**
 * Throws when a database file is not one, or was cut short: LMDB maps the file and would end the process with a signal.
 * @throws StateError
 */
export function assertIntactDatabase(file: string): void {
  if (!existsSync(file)) return;
  const descriptor = openSync(file, "r");
  try {
    const size = fstatSync(descriptor).size;
    if (size === 0) return;
    const damaged = (what: string) =>
      new StateError(
        `The state file ${file} is damaged (${what}). Move its folder away, or choose another with --state.`,
      );
    const readMeta = (position: number) => {
      const page = Buffer.alloc(160);
      const got = readSync(descriptor, page, 0, page.length, position);
      if (got < page.length) throw damaged("it ends in its header");
      if (page.readUInt32LE(metaPage.magic) !== magic)
        throw damaged("it is not an LMDB database");
      return page;
    };
    const first = readMeta(0);
    const pageSize = first.readUInt32LE(metaPage.pageSize);
    const second = readMeta(pageSize);
    const newest =
      first.readBigUInt64LE(metaPage.transaction) >
      second.readBigUInt64LE(metaPage.transaction)
        ? first
        : second;
    const bytes =
      (newest.readBigUInt64LE(metaPage.lastPage) + 1n) * BigInt(pageSize);
    if (BigInt(size) < bytes)
      throw damaged(`${size} bytes of ${String(bytes)}`);
  } finally {
    closeSync(descriptor);
  }
}
