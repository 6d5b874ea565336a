import { readFileSync } from "node:fs";
import { StateError } from "./store-check.js";
import type { Store } from "./store.js";

/** Which process runs the cloud of a state folder. */
interface Owner {
  readonly pid: number;
  /** When the process was started, by the system's own count; tells it from a later one with the same number. */
  readonly started: string;
  /** Where it listens, once it does. */
  readonly ports?: CloudPorts;
}

/** Ports of a cloud that runs. */
export interface CloudPorts {
  readonly mqtt: number;
  readonly api: number;
}

/** Sees to it that one state folder has one cloud: two brokers would tear its sessions apart. */
export class CloudLock {
  readonly #store: Store;

  private constructor(store: Store) {
    this.#store = store;
  }

  /** Ports of the cloud that runs on this folder; undefined when none does. */
  static portsOf(store: Store): CloudPorts | undefined {
    return ownerOf(store)?.ports;
  }

  /** Takes the folder for this process. @throws StateError when a cloud runs on it */
  static take(store: Store): CloudLock {
    const owner = store.transaction(() => {
      const known = ownerOf(store);
      if (known) return known;
      store.meta.putSync("owner", {
        pid: process.pid,
        started: startOf(process.pid),
      });
      return undefined;
    });
    if (owner)
      throw new StateError(
        `A cloud already runs on ${store.directory} (process ${owner.pid}). Stop it, or choose another folder with --state.`,
      );
    return new CloudLock(store);
  }

  /** Lets other processes know where the cloud listens. */
  publish(ports: CloudPorts): void {
    const owner = this.#store.meta.get("owner") as Owner;
    this.#store.meta.putSync("owner", { ...owner, ports });
  }

  /** Gives the folder back. */
  release(): void {
    this.#store.meta.removeSync("owner");
  }
}

/** The process that runs the cloud of this folder, if it lives. */
function ownerOf(store: Store): Owner | undefined {
  const known = store.meta.get("owner") as Owner | undefined;
  return known && startOf(known.pid) === known.started ? known : undefined;
}

/** When a process was started: field 22 of Linux's `/proc/<pid>/stat`; elsewhere only whether it lives. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    if (process.platform === "linux") return undefined;
  }
  try {
    process.kill(pid, 0);
    return "alive";
  } catch {
    return undefined;
  }
}
