import Timer from "timer";
import { Failure } from "../system/failure.js";
import { log } from "../system/log.js";
import { Outbox } from "./outbox.js";
import { encode, type Sample } from "./sample.js";
import { Sequence, type SequenceStore } from "./sequence.js";

/** A sensor in the shape of ECMA-419's thermometer and hygrometer classes. */
export interface Sensor {
  sample(): {
    thermometer?: { temperature?: number };
    hygrometer?: { humidity?: number };
  };
  close(): void;
}

/** What telemetry needs. Times in milliseconds. */
export interface TelemetryOptions {
  sensor: Sensor;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Publishes with QoS 1; resolves when the broker has it, rejects with a Failure. */
  publish: (topic: string, payload: ArrayBuffer) => Promise<void>;
  topic: string;
  interval: number;
  sequence: SequenceStore;
  /** Stop when the cloud has that many samples; 0 goes on for ever. */
  count: number;
  /** The cloud has `count` samples. */
  onFinished: () => void;
  /** A sample could not be sent; it is given up if the failure does not heal. */
  onFailed: (failure: Failure) => void;
}

/** Measures on a schedule and sees to it that the cloud gets what was measured. */
export class Telemetry {
  readonly #options: TelemetryOptions;
  readonly #sequence: Sequence;
  readonly #outbox: Outbox;
  #timer: Timer | undefined;
  #started = false;
  #acknowledged = 0;

  constructor(options: TelemetryOptions) {
    this.#options = options;
    this.#sequence = new Sequence(options.sequence);
    this.#outbox = new Outbox({
      send: (sample) => options.publish(options.topic, encode(sample)),
      onSent: (sample) => this.#onSent(sample),
      onFailed: (sample, failure) => this.#onFailed(sample, failure),
      onDropped: ({ seq }) =>
        log("publish", `seq ${seq} given up: too many samples wait`),
    });
  }

  /** Takes the first sample now and the next ones by the schedule. Starting again does nothing. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#timer = Timer.repeat(() => this.#measure(), this.#options.interval);
    this.#measure();
  }

  /** The cloud can be reached. */
  resume(): void {
    this.#outbox.resume();
  }

  /** The cloud cannot be reached; samples are kept. */
  pause(): void {
    this.#outbox.pause();
  }

  /** Stops measuring. What is not sent yet stays unsent. */
  close(): void {
    Timer.clear(this.#timer);
    this.#timer = undefined;
    this.#options.sensor.close();
  }

  #measure(): void {
    try {
      const { thermometer, hygrometer } = this.#options.sensor.sample();
      if (
        thermometer?.temperature === undefined ||
        hygrometer?.humidity === undefined
      )
        throw new Failure("sensor.failed", "a reading is missing");
      this.#outbox.add({
        seq: this.#sequence.take(),
        time: this.#options.now(),
        temperature: thermometer.temperature,
        humidity: hygrometer.humidity,
      });
    } catch (error) {
      const failure = Failure.from(error, "sensor.failed");
      log(failure.stage, String(failure));
      return;
    }
    if (this.#acknowledged + this.#outbox.length === this.#options.count) {
      Timer.clear(this.#timer);
      this.#timer = undefined;
    }
  }

  #onSent(sample: Sample): void {
    const { seq, temperature, humidity } = sample;
    log(
      "publish",
      `seq ${seq} acknowledged: ${temperature.toFixed(2)} °C, ${humidity.toFixed(2)} %`,
    );
    if (++this.#acknowledged === this.#options.count)
      this.#options.onFinished();
  }

  #onFailed(sample: Sample, failure: Failure): void {
    log("publish", `seq ${sample.seq} ${failure.heals ? "waits" : "given up"}`);
    this.#options.onFailed(failure);
  }
}
