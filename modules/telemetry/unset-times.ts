import type { Retained } from "../system/retained.js";
import type { LogRecord } from "./log-record.js";
import { isTimeUnset, storedTime } from "./stored-reading.js";

/** What is remembered as long as the system's clock goes on. */
interface Remembered {
  /** By channel: the sequence number from which on readings were taken by that clock. */
  first: number[];
  /** Milliseconds by which it was wrong before somebody set it. */
  step?: number;
}

/**
 * When readings were taken that are older than the node's knowledge of the time.
 *
 * The system's clock goes on over restarts and sleep until the power goes, and so does what the chip retains. Once the
 * clock is set, the step tells the right time of everything that was measured by it before. Records in flash stay as they
 * are: they are put right when they are read.
 */
export class UnsetTimes {
  readonly #retained: Retained | undefined;
  readonly #remembered: Remembered;

  /**
   * @param next the sequence number that the next reading of each channel gets
   * @param retained outlives restarts; without it only what this life measures is put right
   * @param wentOn the system's clock did not begin anew with this life
   */
  constructor(
    next: number[],
    { retained, wentOn = false }: { retained?: Retained; wentOn?: boolean },
  ) {
    this.#retained = retained;
    const found = wentOn ? (retained?.get("unset") as Remembered) : undefined;
    this.#remembered = found ?? { first: next };
    if (!found) retained?.set("unset", this.#remembered);
  }

  /** The clock was set for the first time, by so many milliseconds. Later steps do not count. */
  set(step: number): void {
    if (this.#remembered.step !== undefined) return;
    this.#remembered.step = step;
    this.#retained?.set("unset", this.#remembered);
  }

  /** When a stored reading was taken, in ms since 1970; undefined when nobody knows. */
  of(record: LogRecord): number | undefined {
    const time = storedTime(record);
    if (!isTimeUnset(record)) return time;
    const { first, step } = this.#remembered;
    return step === undefined || record.seq < first[record.channel]
      ? undefined
      : time + step;
  }
}
