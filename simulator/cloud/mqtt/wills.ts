import type { Will } from "./admission.js";

/** Longest wait that a timer can hold, in ms. */
const longestTimer = 2_147_483_647;

/** Wills that wait for their delay (MQTT 5 section 3.1.3.2.2). */
export class Wills {
  readonly #publish: (clientId: string, will: Will) => void;
  readonly #waiting = new Map<string, { will: Will; timer: NodeJS.Timeout }>();

  /** @param publish sends a will's message */
  constructor(publish: (clientId: string, will: Will) => void) {
    this.#publish = publish;
  }

  /** A client went without a word: sends its will now, or after its delay or the end of its session. */
  left(clientId: string, will: Will, sessionExpiry: number): void {
    const delay = Math.min(will.delay, sessionExpiry) * 1000;
    if (delay === 0) {
      this.#publish(clientId, will);
      return;
    }
    const timer = setTimeout(
      () => {
        this.#waiting.delete(clientId);
        this.#publish(clientId, will);
      },
      Math.min(delay, longestTimer),
    );
    timer.unref();
    this.#waiting.set(clientId, { will, timer });
  }

  /** A client is back: on its old session the will is void; with a new one the old session's will is due. */
  returned(clientId: string, resumed: boolean): void {
    const waiting = this.#waiting.get(clientId);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(clientId);
    if (!resumed) this.#publish(clientId, waiting.will);
  }

  /** Ends all timers; wills that wait are not sent. */
  stop(): void {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }
}
