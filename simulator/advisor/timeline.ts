import { Lag } from "./lag.js";

/** Something that happened while a case ran. */
export interface Evidence {
  /** Seconds of the device's time since the case began. */
  readonly time: number;
  readonly from: "device" | "advisor";
  /** Number of the connection it happened on, from 1; absent when it belongs to none. */
  readonly connection?: number;
  /** For people: `SUBSCRIBE id 1: a/b QoS 1`. */
  readonly what: string;
}

/** A run of the same thing is told so many times, then only counted: a busy publisher must not bury the rest. */
const mostAlike = 40;

/**
 * What happens in a case, in order, and the clock that all of it is measured by.
 *
 * Time is the device's: where a simulated device runs `scale` times as fast as this machine, so does this clock.
 */
export class Timeline {
  readonly scale: number;
  readonly evidence: Evidence[] = [];
  readonly #start = performance.now();
  readonly #lag = new Lag();
  readonly #listeners = new Set<() => void>();
  readonly #counts = new Map<string, number>();
  /** Why nothing more can come; undefined while it can. */
  over: string | undefined;

  constructor(scale: number) {
    this.scale = scale;
  }

  /** Seconds of the device's time since the case began. */
  get now(): number {
    return ((performance.now() - this.#start) / 1000) * this.scale;
  }

  /** The most that this process came late to its work, in seconds of the device's time: so wrong times may be. */
  get lateness(): number {
    return (this.#lag.longest / 1000) * this.scale;
  }

  /** Nothing more is measured. */
  close(): void {
    this.#lag.close();
  }

  /** Writes down what happened, and wakes whoever waits. */
  add(event: Omit<Evidence, "time">, kind = event.what): void {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    if (count <= mostAlike) this.evidence.push({ time: this.now, ...event });
    this.wake();
  }

  /** Ends every wait: `reason` says why. */
  end(reason: string): void {
    this.over ??= reason;
    this.wake();
  }

  /** Something changed: waits look again. */
  wake(): void {
    for (const look of [...this.#listeners]) look();
  }

  /**
   * Waits until `find` finds something.
   *
   * @param seconds of the device's time to wait at most
   * @returns what was found; undefined when time is up or nothing more can come
   */
  async until<T>(
    find: () => T | undefined,
    seconds: number,
  ): Promise<T | undefined> {
    return new Promise((resolve) => {
      const done = (found: T | undefined) => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        resolve(found);
      };
      const look = () => {
        const found = find();
        if (found !== undefined) done(found);
        else if (this.over !== undefined) done(undefined);
      };
      const timer = setTimeout(
        () => done(find()),
        Math.max(0, (seconds / this.scale) * 1000),
      );
      this.#listeners.add(look);
      look();
    });
  }

  /** Lets time pass; returns early when nothing more can come. */
  async pass(seconds: number): Promise<void> {
    await this.until(() => undefined, seconds);
  }
}
