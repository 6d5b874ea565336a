import Timer from "timer";
import { Failure } from "../system/failure.js";
import { log } from "../system/log.js";
import type { Retained } from "../system/retained.js";
import type {
  ChannelSettings,
  SensorSettings,
} from "../system/telemetry-settings.js";
import { Alarm } from "./alarm.js";
import type { FlashPartition } from "./flash-partition.js";
import { Outbox } from "./outbox.js";
import { Probe } from "./probe.js";
import { Reading } from "./reading.js";
import type { SensorClass } from "./sensor.js";
import type { Shipment } from "./shipment.js";

/** What telemetry needs. Times in milliseconds. */
export interface TelemetryOptions {
  /** Where readings are kept until the cloud has them. */
  openFlash: () => FlashPartition;
  channels: readonly ChannelSettings[];
  sensors: readonly SensorSettings[];
  /** The sensors' bus, as its class. */
  io: unknown;
  /** Gives a driver's class by its specifier. */
  load: (driver: string) => Promise<SensorClass>;
  /** Knows the time, or at least that it does not. */
  clock: {
    readonly now: number;
    readonly steady: number;
    readonly isSet: boolean;
    readonly wentOn: boolean;
  };
  /** Remembers over restarts what was measured before the time was known. */
  retained?: Retained;
  /** Publishes with QoS 1; resolves when the cloud has it, rejects with a Failure. */
  publish: (topic: string, payload: Uint8Array | ArrayBuffer) => Promise<void>;
  /** First levels of every topic, with a slash at the end. */
  prefix: string;
  /** Stop when the cloud has that many samples; 0 goes on for ever. */
  count: number;
  /** The cloud has `count` samples. */
  onFinished: () => void;
  /** Samples could not be sent: they are kept and tried again. Or a sensor's settings are wrong. */
  onFailed: (failure: Failure) => void;
  /** There is a connection, and everything that was stored is acknowledged. May be called more than once. */
  onDelivered?: () => void;
  /** See Outbox. */
  pace?: number;
}

/** Measures on a schedule and sees to it that the cloud gets what was measured. */
export class Telemetry {
  readonly #options: TelemetryOptions;
  readonly #outbox: Outbox;
  readonly #reading = new Reading();
  readonly #probes: Probe[];
  readonly #timers: Timer[] = [];
  readonly #alarms: Alarm[][];
  #state: "ready" | "started" | "closed" = "ready";
  #described = false;
  #stored = 0;
  #acknowledged = 0;

  /** Throws a Failure `flash.unreadable`. */
  constructor(options: TelemetryOptions) {
    const { sensors, io, load, clock } = options;
    this.#options = options;
    this.#probes = sensors.map(
      (settings, number) => new Probe(settings, number, io, load),
    );
    this.#alarms = sensors.map(({ alarms }) =>
      alarms.map((settings) => new Alarm(settings)),
    );
    this.#outbox = new Outbox({
      ...options,
      sensors: sensors.map(({ name }) => name),
      wentOn: clock.wentOn,
      now: () => (clock.isSet ? clock.now : undefined),
      onSent: (shipment) => this.#onSent(shipment),
      onFailed: (shipment, failure) => this.#onFailed(shipment, failure),
      onEmpty: () => this.#options.onDelivered?.(),
    });
  }

  /** Readings until the cloud has them: whether it has all, and how worn the flash is. */
  get outbox(): Pick<Outbox, "isEmpty" | "inFlight" | "wear"> {
    return this.#outbox;
  }

  /**
   * Takes the first samples now and the next ones by the schedule. Starting again does nothing. Samples of a node that does
   * not know the time say so.
   */
  start(): void {
    if (this.#state !== "ready") return;
    this.#state = "started";
    for (const probe of this.#probes)
      void this.#open(probe).then((isUsable) => {
        if (isUsable) this.#schedule(probe);
      });
  }

  /**
   * Takes one sample of each sensor, for a node that sleeps in between. Resolves once all are in flash, to true when one of
   * them raises an alarm.
   *
   * @param retained remembers over the sleep which limits the last readings were beyond
   */
  async measureOnce(retained: Retained): Promise<boolean> {
    const alarms = this.#alarms.flat();
    const before = retained.get("beyond");
    alarms.forEach((alarm, index) => {
      alarm.beyond = Array.isArray(before) && before[index] === true;
    });
    let isAlarm = false;
    for (const probe of this.#probes) {
      if ((await this.#open(probe)) && this.#measure(probe)) isAlarm = true;
    }
    if (alarms.length > 0)
      retained.set(
        "beyond",
        alarms.map(({ beyond }) => beyond),
      );
    return isAlarm;
  }

  /** The clock was set forward by so many ms, or backward. */
  clockSet(step: number): void {
    this.#outbox.clockSet(step);
  }

  /** The cloud can be reached. */
  resume(): void {
    this.#outbox.resume();
  }

  /** The cloud cannot be reached; samples are kept. */
  pause(): void {
    this.#outbox.pause();
  }

  /** Stops measuring. What is not acknowledged yet stays in flash. */
  close(): void {
    this.#state = "closed";
    this.#stop();
    for (const probe of this.#probes) probe.close();
    this.#outbox.close();
  }

  /** A sensor without a driver is told, and reads as a fault; one whose settings are wrong is told, and not asked. */
  async #open(probe: Probe): Promise<boolean> {
    try {
      await probe.open();
    } catch (error) {
      if (error instanceof Failure) {
        this.#options.onFailed(error);
        return false;
      }
      log("sensor", String(new Failure("sensor.no-driver", String(error))));
    }
    return true;
  }

  #schedule(probe: Probe): void {
    if (this.#state === "closed") return;
    this.#timers.push(
      Timer.repeat(() => this.#measure(probe), probe.settings.interval),
    );
    this.#measure(probe);
  }

  #stop(): void {
    for (const timer of this.#timers) Timer.clear(timer);
    this.#timers.length = 0;
  }

  /** True when the reading raises an alarm. */
  #measure(probe: Probe): boolean {
    const { name, channel } = probe.settings;
    const reading = this.#reading;
    const { clock } = this.#options;
    probe.read(reading, clock.steady);
    reading.isTimeUnset = !clock.isSet;
    this.#store(channel, name, reading);
    let isAlarm = false;
    for (const alarm of this.#alarms[reading.sensor])
      if (alarm.isRaisedBy(reading)) {
        isAlarm = true;
        this.#store(alarm.to, name, reading);
      }
    return isAlarm;
  }

  #store(channel: number, name: string, reading: Reading): void {
    const { count } = this.#options;
    if (count > 0 && this.#stored >= count) return;
    try {
      const seq = this.#outbox.store(channel, reading);
      log("sensor", `${name} seq ${seq} stored: ${reading.toString()}`);
      if (++this.#stored === count) this.#stop();
    } catch (error) {
      const failure = Failure.from(error, "flash.write-failed");
      log(failure.stage, String(failure));
    }
  }

  #onSent(shipment: Shipment): void {
    for (let index = 0; index < shipment.count; index++)
      log("publish", `seq ${shipment.seqs[index]} acknowledged`);
    const { count, onFinished } = this.#options;
    const before = this.#acknowledged;
    this.#acknowledged += shipment.count;
    this.#describe();
    if (count > 0 && before < count && this.#acknowledged >= count)
      onFinished();
  }

  #onFailed(shipment: Shipment, failure: Failure): void {
    log("publish", `${shipment.toString()} waits`);
    this.#options.onFailed(failure);
  }

  /** Says once after each start, when samples arrive, which sensors the node has and in which units they measure. */
  #describe(): void {
    if (this.#described) return;
    this.#described = true;
    const { publish, prefix } = this.#options;
    const sensors = this.#probes.map((probe) => probe.description);
    publish(
      `${prefix}sensors`,
      ArrayBuffer.fromString(JSON.stringify({ sensors })),
    ).catch(() => {
      this.#described = false;
    });
  }
}
