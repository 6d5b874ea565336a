import type { Failure } from "./failure.js";
import type { Power, ResetReason } from "./power.js";
import type { Retained } from "./retained.js";

/** How the life before ended. */
export interface PostMortemReport {
  /** Why this life began. */
  reset: ResetReason;
  /** Code of the last failure. */
  failure?: string;
  /** The smallest number of bytes that the native heap had free when that failure was told. */
  heapLow?: number;
}

/**
 * What the life before left behind, to be told on the next connection: a node that restarts on its fence post has nobody
 * who watches its serial line. Being switched on, and waking, are no news.
 */
export class PostMortem {
  readonly #power: Power;
  readonly #retained: Retained;
  /** Of the life before this one. */
  readonly report: PostMortemReport;
  #isTold: boolean;

  constructor(power: Power, retained: Retained) {
    this.#power = power;
    this.#retained = retained;
    const legacy = (retained.get("legacy") ?? {}) as Omit<
      PostMortemReport,
      "reset"
    >;
    this.report = { reset: power.resetReason, ...legacy };
    this.#isTold = ["power-on", "sleep"].includes(power.resetReason);
    retained.set("legacy", undefined);
  }

  /** A failure of this life. */
  note({ code }: Failure): void {
    const { heapLow } = this.#power;
    this.#retained.set("legacy", { failure: code, heapLow });
  }

  /**
   * Hands the report as JSON to `publish`, once in a life.
   *
   * @param publish resolves when the cloud has it; when it rejects, the next call tries again
   */
  async tell(publish: (payload: ArrayBuffer) => Promise<void>): Promise<void> {
    if (this.#isTold) return;
    this.#isTold = true;
    try {
      await publish(ArrayBuffer.fromString(JSON.stringify(this.report)));
    } catch {
      this.#isTold = false;
    }
  }
}
