import Timer from "timer";
import type { Clock } from "./clock.js";
import { Failure } from "./failure.js";
import { log } from "./log.js";

/** An SNTP client in the shape of `embedded:network/ntp/client`. */
export interface TimeClient {
  getTime(callback: (error: Error | null, now?: number) => void): void;
  close(): void;
}

/** What a time service needs. Times in milliseconds. */
export interface TimeServiceOptions {
  clock: Clock;
  /** Names or addresses of time servers, the preferred one first. */
  servers: string[];
  /** Makes a client for one question, which it puts to the servers in that order until one answers. */
  client: (servers: string[]) => TimeClient;
  /** How long one question may take before the node goes on without an answer. */
  timeout?: number;
  /** How long a set clock is trusted before it is asked for again; an ESP32's crystal drifts about 2 s a day. */
  renewal?: number;
  /** How long after a question that nobody answered the next one is asked. */
  retry?: number;
}

/**
 * Keeps the clock right by SNTP (RFC 4330), and says in a Failure when it cannot.
 *
 * Each question begins with another server than the last one when that gave no time that the clock took: one server with
 * a wrong time must not keep the node from those that are right.
 */
export class TimeService {
  readonly #options: Required<TimeServiceOptions>;
  #client: TimeClient | undefined;
  #first = 0;
  #next: Timer | undefined;
  #onSet: (() => void) | undefined;

  constructor(options: TimeServiceOptions) {
    this.#options = {
      timeout: 8000,
      renewal: 12 * 3_600_000,
      retry: 60_000,
      ...options,
    };
  }

  /**
   * Asks for the time and sets the clock, now and again later by itself. Resolves to true when the clock was set, to
   * false when nobody gave a time in time: the node then goes on with the clock's floor.
   */
  synchronise(): Promise<boolean> {
    if (this.#client) return Promise.resolve(this.#options.clock.isSet);
    return new Promise((resolve) => {
      const client = this.#options.client(this.#servers());
      this.#client = client;
      const finish = (set: boolean, words: string) => {
        if (this.#client !== client) return;
        this.#client = undefined;
        Timer.clear(limit);
        client.close();
        log("time", words);
        if (set) this.#onSet?.();
        else this.#first++;
        this.#askAgain(set ? this.#options.renewal : this.#options.retry);
        resolve(set);
      };
      const limit = Timer.set(
        () => finish(false, String(new Failure("time.no-answer"))),
        this.#options.timeout,
      );
      client.getTime((error, now) => {
        if (this.#client !== client) return;
        if (error || now === undefined)
          finish(false, String(new Failure("time.no-answer", error?.message)));
        else if (this.#options.clock.set(now))
          finish(true, `${new Date(now).toISOString()} by SNTP`);
        else
          finish(
            false,
            `${new Date(now).toISOString()} by SNTP lies before what the clock knows to be past; not believed`,
          );
      });
    });
  }

  /**
   * Asks for the time, and resolves when the node need not wait for it any more: at once where the clock is set already,
   * otherwise as `synchronise` does.
   */
  async ready(): Promise<void> {
    const { isSet } = this.#options.clock;
    const synchronised = this.synchronise();
    if (!isSet) await synchronised;
  }

  /** Resolves when the clock is set, or after `limit` ms: a node without a network measures all the same. */
  async settled(limit: number): Promise<void> {
    if (this.#options.clock.isSet) return;
    await new Promise<void>((resolve) => {
      const timer = Timer.set(() => resolve(), limit);
      this.#onSet = () => {
        Timer.clear(timer);
        resolve();
      };
    });
  }

  /** Stops asking; the clock keeps running. */
  close(): void {
    Timer.clear(this.#next);
    this.#next = undefined;
    this.#client?.close();
    this.#client = undefined;
  }

  #servers(): string[] {
    const { servers } = this.#options;
    const first = this.#first % servers.length;
    return [...servers.slice(first), ...servers.slice(0, first)];
  }

  #askAgain(milliseconds: number): void {
    Timer.clear(this.#next);
    this.#next = Timer.set(() => {
      this.#next = undefined;
      void this.synchronise();
    }, milliseconds);
  }
}
