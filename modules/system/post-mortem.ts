import Timer from "timer";
import type { Failure } from "./failure.js";
import type { Power, ResetReason } from "./power.js";
import type { Retained } from "./retained.js";

/** How a life ended. */
export interface PostMortemReport {
  /** Why the next life began. */
  reset: ResetReason;
  /** Code of the last failure. */
  failure?: string;
  /** The smallest number of bytes that the native heap ever had free, to within a minute of the end. */
  heapLow?: number;
  /** Ends before this one that could not be told yet, the first one first. */
  earlier?: PostMortemReport[];
}

/** How many ends are kept until there is a connection: the first ones, which tell how it began, and the last. */
const mostKept = 3;

/** How often the heap is looked at, in ms. */
const lookEvery = 60_000;

/**
 * What the life before left behind, to be told on the next connection: a node that restarts on its fence post has nobody
 * who watches its serial line. It is kept until it was told, also over lives without a connection. Being switched on, and
 * waking, are no news.
 */
export class PostMortem {
  readonly #power: Power;
  readonly #retained: Retained;
  /** Ends that were not told yet. */
  #untold: PostMortemReport[];
  #failure: string | undefined;
  #heapLow: number | undefined;
  #look: Timer | undefined;
  #isTelling = false;

  constructor(power: Power, retained: Retained) {
    this.#power = power;
    this.#retained = retained;
    const legacy = (retained.get("legacy") ?? {}) as Omit<
      PostMortemReport,
      "reset"
    >;
    const untold = retained.get("untold");
    this.#untold = Array.isArray(untold) ? (untold as PostMortemReport[]) : [];
    const { resetReason: reset } = power;
    if (reset !== "power-on" && reset !== "sleep") {
      if (this.#untold.length === mostKept) this.#untold.pop();
      this.#untold.push({ reset, ...legacy });
    }
    if (this.#untold.length > 0) retained.set("untold", this.#untold);
    retained.set("legacy", undefined);
    this.#look = Timer.repeat(() => this.#lookAtHeap(), lookEvery);
    this.#lookAtHeap();
  }

  /** The last end that was not told yet, with those before; undefined when there is none. */
  get report(): PostMortemReport | undefined {
    const last = this.#untold.at(-1);
    const earlier = this.#untold.slice(0, -1);
    return last && earlier.length > 0 ? { ...last, earlier } : last;
  }

  /** A failure of this life. */
  note({ code }: Failure): void {
    this.#failure = code;
    this.#heapLow = this.#power.heapLow;
    this.#keep();
  }

  /**
   * Hands the report as JSON to `publish`, once.
   *
   * @param publish resolves when the cloud has it; when it rejects, the next call tries again
   */
  async tell(publish: (payload: ArrayBuffer) => Promise<void>): Promise<void> {
    const { report } = this;
    if (!report || this.#isTelling) return;
    this.#isTelling = true;
    try {
      await publish(ArrayBuffer.fromString(JSON.stringify(report)));
      this.#untold = [];
      this.#retained.set("untold", undefined);
    } catch {
      // The next connection is another chance.
    }
    this.#isTelling = false;
  }

  /** Nothing is looked at any more. */
  close(): void {
    Timer.clear(this.#look);
    this.#look = undefined;
  }

  #lookAtHeap(): void {
    const { heapLow } = this.#power;
    if (heapLow === this.#heapLow) return;
    this.#heapLow = heapLow;
    this.#keep();
  }

  #keep(): void {
    this.#retained.set("legacy", {
      failure: this.#failure,
      heapLow: this.#heapLow,
    });
  }
}
