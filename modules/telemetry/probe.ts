import { Failure } from "../system/failure.js";
import type { SensorSettings } from "../system/telemetry-settings.js";
import { quantities, scaleOf } from "./quantities.js";
import type { Reading } from "./reading.js";
import type { Sample, Sensor, SensorClass } from "./sensor.js";

/**
 * One sensor and its driver. Whatever happens to it, asking it gives a reading: values that can be believed, or a fault.
 *
 * A sensor that does not answer is opened anew the next time it is asked: it may be plugged in later, or have lost its
 * power for a moment.
 */
export class Probe {
  readonly settings: SensorSettings;
  readonly #number: number;
  readonly #io: unknown;
  readonly #load: (driver: string) => Promise<SensorClass>;
  readonly #before = new Int32Array(quantities.length);
  #Driver: SensorClass | undefined;
  #sensor: Sensor | undefined;
  #same = 0;
  #complaint = false;

  /**
   * @param number its place in the settings
   * @param io the bus, as its class
   * @param load gives a driver's class
   */
  constructor(
    settings: SensorSettings,
    number: number,
    io: unknown,
    load: (driver: string) => Promise<SensorClass>,
  ) {
    this.settings = settings;
    this.#number = number;
    this.#io = io;
    this.#load = load;
  }

  /**
   * Loads the driver and opens the sensor. One that does not answer yet is opened when it is asked.
   *
   * @throws when there is no driver of that name; a Failure `config.invalid` when the driver refuses its options, which a
   *   driver tells by a TypeError or a RangeError
   */
  async open(): Promise<void> {
    const { driver, name } = this.settings;
    this.#Driver = await this.#load(driver);
    try {
      this.#sensor = this.#openSensor();
    } catch (error) {
      if (error instanceof TypeError || error instanceof RangeError)
        throw new Failure(
          "config.invalid",
          `the options of the sensor ${name}: ${error.message}`,
        );
    }
  }

  /** What the sensor is, for those who get its readings (ECMA TR/110: static and dynamic metadata). */
  get description(): object {
    const { driver, name, channel, options } = this.settings;
    const units: Record<string, string> = {};
    quantities.forEach((one, place) => {
      if (this.#known & (1 << place)) units[one.name] = one.unit;
    });
    return {
      sensor: name,
      driver,
      channel,
      identification: this.#sensor?.identification,
      configuration: this.#sensor?.configuration ?? options,
      units,
    };
  }

  /** Quantities that the sensor has had so far. */
  #known = 0;

  /**
   * Asks the sensor.
   *
   * @param time when, in ms since 1970
   */
  read(reading: Reading, time: number): void {
    reading.begin(this.#number, time);
    this.#complaint = false;
    let sample: Sample | undefined;
    try {
      this.#sensor ??= this.#openSensor();
      sample = this.#sensor?.sample();
    } catch {
      this.#closeSensor();
    }
    if (sample === undefined) reading.fault = "no-answer";
    else this.#take(sample, reading);
  }

  /** The sensor is not asked any more. */
  close(): void {
    this.#closeSensor();
    this.#Driver = undefined;
  }

  #openSensor(): Sensor | undefined {
    if (!this.#Driver) return undefined;
    return new this.#Driver({
      sensor: { io: this.#io, ...this.settings.options },
      onError: () => {
        this.#complaint = true;
      },
    });
  }

  #closeSensor(): void {
    try {
      this.#sensor?.close();
    } catch {
      // A bus that does not answer may not let itself be closed either; the sensor is let go all the same.
    }
    this.#sensor = undefined;
  }

  #take(sample: Sample, reading: Reading): void {
    let incomplete = false;
    let beyond = false;
    for (let place = 0; place < quantities.length; place++) {
      const quantity = quantities[place];
      const part = sample[quantity.part];
      if (part === undefined) continue;
      const value = part[quantity.name];
      if (typeof value !== "number" || Number.isNaN(value)) incomplete = true;
      else if (value < quantity.least || value > quantity.most) beyond = true;
      else reading.set(place, Math.round(value * scaleOf(quantity)));
    }
    this.#known |= reading.has;
    if (sample.faults !== undefined || this.#complaint)
      reading.fault = "reported";
    else if (beyond) reading.fault = "out-of-range";
    else if (incomplete || reading.has === 0) reading.fault = "incomplete";
    else if (this.#isStuck(reading)) reading.fault = "stuck";
  }

  #isStuck({ values, has }: Reading): boolean {
    const before = this.#before;
    let same = true;
    for (let place = 0; place < before.length; place++) {
      if (!(has & (1 << place))) continue;
      if (before[place] !== values[place]) same = false;
      before[place] = values[place];
    }
    this.#same = same ? this.#same + 1 : 1;
    const { stuckAfter } = this.settings;
    return stuckAfter > 0 && this.#same >= stuckAfter;
  }
}
