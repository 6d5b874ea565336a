import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { open, type Database, type RootDatabase } from "lmdb";
import { assertIntactDatabase, StateError } from "./store-check.js";

/** Key of a record: a name, or several parts in order. */
export type StoreKey = string | (string | number)[];

/**
 * Everything of the cloud that outlives a restart, in one folder.
 *
 * LMDB: a write is there after `kill -9` once it is committed, and several processes may have the folder open at once, which
 * is how `provision` reaches a cloud that is running. Only the tables are here; what they mean belongs to their owners.
 */
export class Store {
  readonly directory: string;
  /** Names, keys and counters of the cloud itself. */
  readonly meta: Database<unknown, StoreKey>;
  /** Things by name. */
  readonly things: Database<unknown, StoreKey>;
  /** Certificates by id. */
  readonly certificates: Database<unknown, StoreKey>;
  /** Policies by name. */
  readonly policies: Database<unknown, StoreKey>;
  /** What is attached to what: `[relation, from, to]`. */
  readonly links: Database<unknown, StoreKey>;
  /** Thing types, thing groups, authorities of customers and the like: `[kind, name]`. */
  readonly resources: Database<unknown, StoreKey>;
  /** Persistent MQTT sessions by client id. */
  readonly sessions: Database<unknown, StoreKey>;
  /** Messages that wait for persistent sessions: `[client id, number]`. */
  readonly messages: Database<unknown, StoreKey>;
  /** Retained messages by topic. */
  readonly retained: Database<unknown, StoreKey>;
  /** Shadows: `[thing, shadow]`, the classic one under "". JSON text. */
  readonly shadows: Database<unknown, StoreKey>;
  /** Jobs by id. */
  readonly jobs: Database<unknown, StoreKey>;
  /** Executions of jobs on things, and what leads to them: see `JobStore`. */
  readonly executions: Database<unknown, StoreKey>;
  /** Provisioning templates by name. */
  readonly templates: Database<unknown, StoreKey>;
  /** Certificates that wait for RegisterThing, by ownership token. */
  readonly ownership: Database<unknown, StoreKey>;
  /** File streams by id, and OTA updates under `["ota", id]`. */
  readonly streams: Database<unknown, StoreKey>;
  /** Remote commands: `["command", id]` and `["execution", id]`. */
  readonly commands: Database<unknown, StoreKey>;
  /** Topic rules by name. */
  readonly rules: Database<unknown, StoreKey>;
  readonly #root: RootDatabase<unknown, StoreKey>;
  /** Transactions that run, one inside the other, and who is told when the outermost is kept. */
  #depth = 0;
  readonly #afterCommit: (() => void)[] = [];
  /** What `registryRevision` has read in this turn of the event loop. */
  #revision: number | undefined;
  readonly #forgetRevision = () => (this.#revision = undefined);

  /**
   * Opens the folder, and makes it (0700: it holds the authority's keys) when it is not there.
   * @throws StateError when it cannot be used, with what to do about it
   */
  constructor(directory: string) {
    this.directory = directory;
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      chmodSync(directory, 0o700);
      assertIntactDatabase(join(directory, "data.mdb"));
      this.#root = open<unknown, StoreKey>({
        path: directory,
        maxDbs: 64,
        noSubdir: false,
      });
      const table = (name: string) =>
        this.#root.openDB<unknown, StoreKey>({ name });
      this.meta = table("meta");
      this.things = table("things");
      this.certificates = table("certificates");
      this.policies = table("policies");
      this.links = table("links");
      this.resources = table("resources");
      this.sessions = table("sessions");
      this.messages = table("messages");
      this.retained = table("retained");
      this.shadows = table("shadows");
      this.jobs = table("jobs");
      this.executions = table("executions");
      this.templates = table("templates");
      this.ownership = table("ownership");
      this.streams = table("streams");
      this.commands = table("commands");
      this.rules = table("rules");
    } catch (error) {
      throw StateError.from(error, directory);
    }
  }

  /** Runs `work` as one transaction: all of its writes are kept, or (when it throws, or the machine stops) none. */
  transaction<T>(work: () => T): T {
    this.#depth += 1;
    const queued = this.#afterCommit.length;
    let result: T;
    try {
      result = this.#root.transactionSync(work);
    } catch (error) {
      this.#afterCommit.length = queued;
      throw error;
    } finally {
      this.#depth -= 1;
      this.#forgetRevision();
    }
    if (this.#depth === 0)
      for (const tell of this.#afterCommit.splice(0)) tell();
    return result;
  }

  /** Calls back once the transaction that runs is kept, and not at all when it is not. */
  afterCommit(tell: () => void): void {
    if (this.#depth === 0) tell();
    else this.#afterCommit.push(tell);
  }

  /** Lets the next read see what other processes committed since. */
  refresh(): void {
    this.#root.resetReadTxn();
    this.#forgetRevision();
  }

  /** Resolves when every write made so far is committed. */
  async committed(): Promise<void> {
    await this.#root.committed;
  }

  /** Writes what is under way and closes the folder. */
  async close(): Promise<void> {
    await this.#root.committed;
    await this.#root.close();
  }

  /**
   * Number that grows with each change to things, certificates, policies or attachments. Every message asks for it, several
   * times: it is read once a turn of the event loop.
   */
  get registryRevision(): number {
    if (this.#revision === undefined) {
      this.#revision =
        (this.meta.get("registry-revision") as number | undefined) ?? 0;
      setImmediate(this.#forgetRevision);
    }
    return this.#revision;
  }

  /** Tells every process on this folder that the registry changed. Call it inside the transaction that changes it. */
  touchRegistry(): void {
    this.#forgetRevision();
    this.meta.putSync("registry-revision", this.registryRevision + 1);
    this.#forgetRevision();
  }

  /** The endpoint's prefix: 14 lower-case letters and digits, made once. */
  get endpointPrefix(): string {
    return this.transaction(() => {
      const known = this.meta.get("endpoint-prefix") as string | undefined;
      if (known) return known;
      const letters = "abcdefghijklmnopqrstuvwxyz0123456789";
      const prefix =
        "a" +
        Array.from(
          randomBytes(13),
          (byte) => letters[byte % letters.length],
        ).join("");
      this.meta.putSync("endpoint-prefix", prefix);
      return prefix;
    });
  }
}
