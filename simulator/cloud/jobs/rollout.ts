import { invalid, requireInteger } from "../services/input.js";
import type { JobStore } from "./job-store.js";
import type { JobRecord, RolloutConfig } from "./job.js";
import type { Transitions } from "./transitions.js";

const minute = 60_000;
/** Things a minute that AWS takes, at most (AWS, "How job configurations work"). */
const fastest = 1_000;

/** Rolls jobs out at the pace that they ask for: so many things a minute are told, the others wait. */
export class Rollout {
  readonly #jobs: JobStore;
  readonly #transitions: Transitions;
  readonly #now: () => number;
  /** Jobs with things that wait. */
  readonly #waiting = new Set<string>();

  constructor(jobs: JobStore, transitions: Transitions, now: () => number) {
    this.#jobs = jobs;
    this.#transitions = transitions;
    this.#now = now;
    for (const { jobId, rollout } of jobs.jobs())
      if (rollout) this.#waiting.add(jobId);
  }

  /** Begins with a job's things; without a pace all of them are told at once. Call it inside a transaction. */
  begin(job: JobRecord, things: readonly string[]): void {
    const now = this.#now();
    this.#step({
      ...job,
      rollout: { waiting: things, notified: 0, nextAt: now },
    });
  }

  /** Tells the next things of each job whose minute is over. */
  tick(): void {
    if (this.#waiting.size === 0) return;
    this.#jobs.transaction(() => {
      for (const jobId of this.#waiting) {
        const job = this.#jobs.job(jobId);
        if (job?.status !== "IN_PROGRESS" || !job.rollout)
          this.#waiting.delete(jobId);
        else if (job.rollout.nextAt <= this.#now()) this.#step(job);
      }
    });
  }

  #step({ rollout, ...job }: JobRecord): void {
    const { waiting = [], notified = 0 } = rollout ?? {};
    const rate = this.#rateOf(job, notified);
    const batch = waiting.slice(0, rate);
    const left = waiting.slice(batch.length);
    this.#jobs.putJob({
      ...job,
      ...(left.length > 0 && {
        rollout: {
          waiting: left,
          notified: notified + batch.length,
          nextAt: this.#now() + minute,
        },
      }),
    });
    if (left.length > 0) this.#waiting.add(job.jobId);
    else this.#waiting.delete(job.jobId);
    for (const thing of batch) this.#transitions.queue(job.jobId, thing);
  }

  /** Things that may be told in this minute; all of them when the job has no pace. */
  #rateOf(job: JobRecord, notified: number): number {
    const { maximumPerMinute, exponentialRate } =
      job.jobExecutionsRolloutConfig ?? {};
    if (!exponentialRate) return maximumPerMinute ?? Infinity;
    const { baseRatePerMinute, incrementFactor, rateIncreaseCriteria } =
      exponentialRate;
    const { numberOfNotifiedThings, numberOfSucceededThings } =
      rateIncreaseCriteria;
    const steps =
      numberOfNotifiedThings !== undefined
        ? notified / numberOfNotifiedThings
        : this.#succeeded(job.jobId) / (numberOfSucceededThings ?? Infinity);
    const rate = baseRatePerMinute * incrementFactor ** Math.floor(steps);
    return Math.min(Math.floor(rate), maximumPerMinute ?? fastest);
  }

  #succeeded(jobId: string): number {
    return this.#jobs
      .executionsFor(jobId)
      .filter(({ status }) => status === "SUCCEEDED").length;
  }
}

/** Holds the pace of a job to AWS's rules. @throws ServiceError InvalidRequestException */
export function checkRollout(config: RolloutConfig): void {
  const { maximumPerMinute, exponentialRate } = config;
  if (maximumPerMinute !== undefined)
    requireInteger(maximumPerMinute, "maximumPerMinute", [1, fastest]);
  if (exponentialRate === undefined) return;
  const { baseRatePerMinute, incrementFactor, rateIncreaseCriteria } =
    exponentialRate as Partial<typeof exponentialRate>;
  requireInteger(baseRatePerMinute, "baseRatePerMinute", [1, fastest]);
  if (
    typeof incrementFactor !== "number" ||
    incrementFactor < 1.1 ||
    incrementFactor > 5
  )
    invalid("incrementFactor must be a number from 1.1 to 5.");
  const criteria: [string, unknown][] = Object.entries(
    rateIncreaseCriteria ?? {},
  );
  const [name, value] = criteria.at(0) ?? [];
  if (
    criteria.length !== 1 ||
    (name !== "numberOfNotifiedThings" && name !== "numberOfSucceededThings")
  )
    invalid(
      "rateIncreaseCriteria must have numberOfNotifiedThings or numberOfSucceededThings.",
    );
  requireInteger(value, name, [1, Number.MAX_SAFE_INTEGER]);
}
