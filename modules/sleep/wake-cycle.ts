import Time from "time";
import Timer from "timer";
import { Failure } from "../system/failure.js";
import { log } from "../system/log.js";
import type { Power, SleepOptions } from "../system/power.js";
import type { Retained } from "../system/retained.js";
import { add, figuresOf, noFigures, type WakeFigures } from "./wake-figures.js";

/** What a wake cycle needs. Times in milliseconds. */
export interface WakeCycleOptions {
  power: Power;
  retained: Retained;
  /** From one wake to the next. */
  interval: number;
  /** Every so many wakes the node connects; in those between it only measures and stores. */
  connectEvery: number;
  /** A pin that wakes the node as well. */
  pin?: SleepOptions["pin"];
  /** Bytes by TCP in this life. */
  traffic: { readonly sent: number; readonly received: number };
  /** Measures and stores; resolves once all is in flash, to true when there is an alarm that must not wait. */
  measure: () => Promise<boolean>;
  /** Switches the radio on and begins to connect. */
  connect: () => void;
  /** Everything that was stored is acknowledged. */
  isDelivered: () => boolean;
  /** Says goodbye and closes everything. What that sends has `farewell` ms to leave. */
  disconnect: () => void;
  /** How long a connection may take before the node sleeps on what is in flash. */
  limit: number;
}

/** A DISCONNECT, and TLS's close, take a round trip to the access point at most. */
const farewell = 50;

/** A node that has measured for longer than its interval sleeps all the same: something else on its chip may want to. */
const shortestSleep = 10;

/**
 * The life of a node that sleeps: wake, measure, store; on every n-th wake, after being switched on, and on an alarm,
 * connect and wait until all is acknowledged; sleep.
 *
 * What is stored is in flash, so the node may sleep at any time and lose nothing; it only waits for what it can still
 * deliver, and not for longer than the limit. What each wake has cost is written to the time line, and the sum since the
 * node was switched on is `figures`, to be published.
 */
export class WakeCycle {
  readonly #options: WakeCycleOptions;
  readonly #start = Time.ticks;
  /** Of all wakes before this one. */
  readonly figures: WakeFigures;
  #radioSince: number | undefined;
  #limit: Timer | undefined;
  #isTold = false;
  #isAsleep = false;

  constructor(options: WakeCycleOptions) {
    this.#options = options;
    this.figures = figuresOf(options.retained.get("wakes"));
  }

  /** Lives this life. The node sleeps at its end. */
  async run(): Promise<void> {
    const { measure, connect, limit } = this.#options;
    const isAlarm = await measure();
    if (!isAlarm && !this.#mustConnect()) {
      this.#sleep();
      return;
    }
    this.#radioSince = Time.ticks;
    this.#limit = Timer.set(
      () => this.#finish("the cloud did not answer"),
      limit,
    );
    connect();
  }

  /**
   * There is a connection: hands the figures as JSON to `publish`, which resolves when the cloud has them. The node does
   * not sleep before.
   */
  async tell(publish: (payload: ArrayBuffer) => Promise<void>): Promise<void> {
    try {
      await publish(ArrayBuffer.fromString(JSON.stringify(this.figures)));
      this.#isTold = true;
      this.delivered();
    } catch (error) {
      log("sleep", String(Failure.from(error, "mqtt.closed")));
    }
  }

  /** Everything that was stored is acknowledged: the node sleeps once the figures are, too. */
  delivered(): void {
    if (this.#isTold && this.#options.isDelivered()) this.#finish();
  }

  /** A node that was switched on is looked at by somebody; one that restarted has something to tell. */
  #mustConnect(): boolean {
    const { power, connectEvery } = this.#options;
    return (
      power.resetReason !== "sleep" ||
      power.wakeCause === "pin" ||
      (this.figures.wakes + 1) % connectEvery === 0
    );
  }

  #finish(why?: string): void {
    if (this.#isAsleep) return;
    this.#isAsleep = true;
    Timer.clear(this.#limit);
    if (why !== undefined) log("sleep", `${why}; what is stored waits`);
    this.#options.disconnect();
    Timer.set(() => this.#sleep(), farewell);
  }

  #sleep(): void {
    const { power, retained, interval, pin, traffic } = this.#options;
    const awake = Time.delta(this.#start);
    const radio =
      this.#radioSince === undefined ? 0 : Time.delta(this.#radioSince);
    const bytes = traffic.sent + traffic.received;
    const figures = { ...noFigures, wakes: 1, awake, radio, bytes };
    retained.set("wakes", add(this.figures, figures));
    log("sleep", `awake ${awake} ms, radio ${radio} ms, ${bytes} bytes`);
    const milliseconds = Math.max(shortestSleep, interval - awake);
    try {
      power.sleep({ milliseconds, ...(pin === undefined ? {} : { pin }) });
    } catch (error) {
      // Not every pin wakes every chip. A node that ended here would do nothing but start anew.
      log("sleep", String(new Failure("config.invalid", String(error))));
      power.sleep({ milliseconds });
    }
  }
}
