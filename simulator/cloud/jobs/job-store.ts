import type { Store } from "../store.js";
import {
  deadlineOf,
  isPending,
  type JobExecution,
  type JobRecord,
} from "./job.js";

/** What is pending for a thing, before and after a change. */
export interface PendingChange {
  readonly thingName: string;
  /** True when an execution joined the list or left it. */
  readonly listChanged: boolean;
  /** True when another execution is first. */
  readonly nextChanged: boolean;
  /** The list after the change, in the order in which executions are due. */
  readonly pending: readonly JobExecution[];
}

/** Who is told of changes, once they are safe. */
export interface JobListeners {
  readonly onPending: (change: PendingChange) => void;
  /** Each execution that was queued or changed. */
  readonly onExecution?: (execution: JobExecution) => void;
  /** Each job that came to its end or was deleted. */
  readonly onJob?: (
    operation: "completed" | "canceled" | "deleted",
    job: JobRecord,
  ) => void;
}

/**
 * Jobs and their executions in the store. Executions lie under `["execution", thing, job, number]`; two indexes lead to
 * them: `["pending", thing, job]` and `["thing", job, thing]`, each with the number of the newest.
 */
export class JobStore {
  readonly #store: Store;
  readonly #listeners: JobListeners;
  /** Executions that time out by themselves, by key. */
  readonly #deadlines = new Map<string, JobExecution>();
  /** What was pending for each thing before the transaction that runs, and what that wrote. */
  #open:
    | { before: Map<string, JobExecution[]>; written: JobExecution[] }
    | undefined;

  constructor(store: Store, listeners: JobListeners) {
    this.#store = store;
    this.#listeners = listeners;
    const everything = store.executions.getRange({
      start: ["pending"],
      end: ["pending", "\uffff"],
    });
    for (const { key, value } of everything) {
      const [, thingName, jobId] = key as string[];
      const execution = this.execution(thingName, jobId, value as number);
      if (execution) this.#watch(execution);
    }
  }

  /** Runs changes as one, then tells what they changed for whom. */
  transaction<T>(work: () => T): T {
    if (this.#open) return work();
    const open = {
      before: new Map<string, JobExecution[]>(),
      written: [] as JobExecution[],
    };
    this.#open = open;
    let result: T;
    try {
      result = this.#store.transaction(work);
    } finally {
      this.#open = undefined;
    }
    for (const execution of open.written)
      this.#listeners.onExecution?.(execution);
    for (const [thingName, old] of open.before) this.#tell(thingName, old);
    return result;
  }

  job(jobId: string): JobRecord | undefined {
    return this.#store.jobs.get(jobId) as JobRecord | undefined;
  }

  jobs(): JobRecord[] {
    return [...this.#store.jobs.getRange()].map(
      ({ value }) => value as JobRecord,
    );
  }

  putJob(job: JobRecord): void {
    const before = this.job(job.jobId)?.status;
    this.#store.jobs.putSync(job.jobId, job);
    const { status } = job;
    if (status === before || status === "IN_PROGRESS") return;
    const operation = status === "COMPLETED" ? "completed" : "canceled";
    this.#tellJob(operation, job);
  }

  removeJob(jobId: string): void {
    const job = this.job(jobId);
    this.#store.jobs.removeSync(jobId);
    if (job) this.#tellJob("deleted", job);
  }

  #tellJob(
    operation: "completed" | "canceled" | "deleted",
    job: JobRecord,
  ): void {
    this.#store.afterCommit(() => this.#listeners.onJob?.(operation, job));
  }

  /** An execution; the newest of that job on that thing when no number is given. */
  execution(
    thingName: string,
    jobId: string,
    number?: number,
  ): JobExecution | undefined {
    const wanted =
      number ??
      (this.#store.executions.get(["thing", jobId, thingName]) as
        number | undefined);
    if (wanted === undefined) return undefined;
    return this.#store.executions.get([
      "execution",
      thingName,
      jobId,
      wanted,
    ]) as JobExecution | undefined;
  }

  /** Writes an execution and its place in the indexes. Call it inside `transaction`. */
  put(execution: JobExecution): void {
    const { thingName, jobId, executionNumber } = execution;
    this.#remember(thingName);
    const { executions } = this.#store;
    const pending = ["pending", thingName, jobId];
    executions.putSync(
      ["execution", thingName, jobId, executionNumber],
      execution,
    );
    executions.putSync(["thing", jobId, thingName], executionNumber);
    if (isPending(execution)) executions.putSync(pending, executionNumber);
    else executions.removeSync(pending);
    this.#watch(execution);
    this.#open?.written.push(execution);
  }

  /** Removes an execution. Call it inside `transaction`. */
  remove(execution: JobExecution): void {
    const { thingName, jobId, executionNumber } = execution;
    this.#remember(thingName);
    const { executions } = this.#store;
    executions.removeSync(["execution", thingName, jobId, executionNumber]);
    this.#deadlines.delete(keyOf(execution));
    if (executions.get(["thing", jobId, thingName]) !== executionNumber) return;
    executions.removeSync(["pending", thingName, jobId]);
    const earlier = this.executionsOf(thingName, jobId).at(-1);
    if (earlier)
      executions.putSync(["thing", jobId, thingName], earlier.executionNumber);
    else executions.removeSync(["thing", jobId, thingName]);
  }

  /** Executions that are due for a thing: those in progress first, then by the time they were queued. */
  pending(thingName: string): JobExecution[] {
    const found: JobExecution[] = [];
    const range = this.#store.executions.getRange({
      start: ["pending", thingName],
      end: ["pending", thingName, "\uffff"],
    });
    for (const { key, value } of range) {
      const [, , jobId] = key as string[];
      const execution = this.execution(thingName, jobId, value as number);
      if (execution) found.push(execution);
    }
    return found.sort(
      (a, b) =>
        Number(b.status === "IN_PROGRESS") -
          Number(a.status === "IN_PROGRESS") || a.position - b.position,
    );
  }

  /** All executions on a thing, oldest number first, of one job or of all. */
  executionsOf(thingName: string, jobId?: string): JobExecution[] {
    const prefix = ["execution", thingName, ...(jobId ? [jobId] : [])];
    return [
      ...this.#store.executions.getRange({
        start: prefix,
        end: [...prefix, "\uffff"],
      }),
    ].map(({ value }) => value as JobExecution);
  }

  /** The newest execution of a job on each of its things. */
  executionsFor(jobId: string): JobExecution[] {
    return [
      ...this.#store.executions.getRange({
        start: ["thing", jobId],
        end: ["thing", jobId, "\uffff"],
      }),
    ].flatMap(({ key }) => {
      const [, , thingName] = key as string[];
      return this.execution(thingName, jobId) ?? [];
    });
  }

  /** Executions whose time is up. */
  expired(now: number): JobExecution[] {
    return [...this.#deadlines.values()].filter(
      (execution) => (deadlineOf(execution) ?? Infinity) <= now,
    );
  }

  /** The next place in the order of all executions. */
  nextPosition(): number {
    const position =
      ((this.#store.meta.get("job-position") as number | undefined) ?? 0) + 1;
    this.#store.meta.putSync("job-position", position);
    return position;
  }

  #watch(execution: JobExecution): void {
    if (isPending(execution) && deadlineOf(execution) !== undefined)
      this.#deadlines.set(keyOf(execution), execution);
    else this.#deadlines.delete(keyOf(execution));
  }

  #remember(thingName: string): void {
    const before = this.#open?.before;
    if (before && !before.has(thingName))
      before.set(thingName, this.pending(thingName));
  }

  #tell(thingName: string, old: JobExecution[]): void {
    const pending = this.pending(thingName);
    const before = new Set(old.map(keyOf));
    const listChanged =
      pending.length !== old.length ||
      pending.some((execution) => !before.has(keyOf(execution)));
    const first = (list: JobExecution[]) =>
      list.length > 0 ? keyOf(list[0]) : undefined;
    const nextChanged = first(old) !== first(pending);
    if (listChanged || nextChanged)
      this.#listeners.onPending({
        thingName,
        listChanged,
        nextChanged,
        pending,
      });
  }
}

function keyOf(execution: JobExecution): string {
  const { thingName, jobId, executionNumber } = execution;
  return `${thingName} ${jobId} ${executionNumber}`;
}
