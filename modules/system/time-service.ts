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
  /** Makes a client for one question. */
  client: () => TimeClient;
  /** How long one question may take before the node goes on without an answer. */
  timeout?: number;
  /** How long a set clock is trusted before it is asked for again; an ESP32's crystal drifts about 2 s a day. */
  renewal?: number;
}

/** Keeps the clock right by SNTP (RFC 4330), and says in a Failure when it cannot. */
export class TimeService {
  readonly #options: Required<TimeServiceOptions>;
  #client: TimeClient | undefined;
  #renewal: Timer | undefined;

  constructor(options: TimeServiceOptions) {
    this.#options = { timeout: 8000, renewal: 12 * 3_600_000, ...options };
  }

  /**
   * Asks for the time and sets the clock. Resolves to true when the clock is set, to false when nobody answered in
   * time: the node then goes on with the clock's floor, and the next call asks again.
   */
  synchronise(): Promise<boolean> {
    if (this.#client) return Promise.resolve(this.#options.clock.isSet);
    return new Promise((resolve) => {
      const client = this.#options.client();
      this.#client = client;
      const finish = (set: boolean) => {
        if (this.#client !== client) return;
        this.#client = undefined;
        Timer.clear(limit);
        client.close();
        resolve(set);
      };
      const limit = Timer.set(() => {
        log("time", String(new Failure("time.no-answer")));
        finish(false);
      }, this.#options.timeout);
      client.getTime((error, now) => {
        if (error || now === undefined) {
          log("time", String(new Failure("time.no-answer", error?.message)));
          finish(false);
        } else if (this.#options.clock.set(now)) {
          log("time", `${new Date(now).toISOString()} by SNTP`);
          this.#renew();
          finish(true);
        } else {
          log(
            "time",
            "a time server gave a time before this firmware was made; not believed",
          );
          finish(false);
        }
      });
    });
  }

  /** Stops asking; the clock keeps running. */
  close(): void {
    Timer.clear(this.#renewal);
    this.#renewal = undefined;
    this.#client?.close();
    this.#client = undefined;
  }

  #renew(): void {
    Timer.clear(this.#renewal);
    this.#renewal = Timer.set(() => {
      this.#renewal = undefined;
      void this.synchronise();
    }, this.#options.renewal);
  }
}
