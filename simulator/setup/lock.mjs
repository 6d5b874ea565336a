/** Lets one process at a time set the project up: two commands started together would write into the same folders. */
import {
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/**
 * Runs `work` while holding the lock file, which names the process that holds it. Waits for another holder, and takes the
 * lock over from one that is gone.
 */
export async function withLock(file, work) {
  mkdirSync(dirname(file), { recursive: true });
  const own = `${file}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    for (let waited = false; !taken(own, file); waited = true) {
      if (!waited)
        process.stderr.write(
          `Waiting for another set-up to end (process ${holderOf(file)}; if there is none, remove ${file}) ...\n`,
        );
      await delay(100);
    }
    try {
      return await work();
    } finally {
      rmSync(file, { force: true });
    }
  } finally {
    rmSync(own, { force: true });
  }
}

/** A link is made whole or not at all, so the lock always names its holder. */
function taken(own, file) {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  const holder = holderOf(file);
  // In containers the same numbers come again: one that is ours is from before.
  if (holder !== process.pid && isAlive(holder)) return false;
  rmSync(file, { force: true });
  return taken(own, file);
}

function holderOf(file) {
  try {
    return Number(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  if (pid === undefined) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
