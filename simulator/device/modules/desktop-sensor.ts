import Time from "time";

/** What can be wrong with a sensor: as the telemetry's faults of the same names. */
const kinds = ["no-answer", "incomplete", "stuck", "out-of-range"] as const;

/** A fault on request. Times in ms since the first sensor was opened; a node that wakes from sleep starts anew. */
export interface RequestedFault {
  kind: (typeof kinds)[number];
  /** When it begins; 0 when absent. */
  from?: number;
  /** When it is over; never when absent. */
  to?: number;
}

export interface Options {
  /** The bus the sensor is on, of which a desktop has none; and what is to go wrong. */
  sensor: { faults?: RequestedFault[] };
  onError?: (error: string) => void;
}

/** Parts of ECMA-419's sensor classes, each with its values. */
type Sample = Record<string, Record<string, number>>;

/** Beyond what any sensor can be believed. */
const beyond = 1_000_000;

/**
 * A sensor of a desktop: it measures what its subclass makes up, unless a fault was asked for in the sensor's settings:
 * `"options": { "faults": [{ "kind": "stuck", "from": 60000, "to": 90000 }] }`.
 */
export abstract class DesktopSensor<S extends Sample> {
  static #firstOpened: number | undefined;
  readonly #faults: RequestedFault[];
  #open = true;
  #last: S | undefined;

  /** Throws a TypeError when `sensor` is missing or a fault is none, and an Error when the sensor does not answer. */
  constructor({ sensor }: Options) {
    // The SDK's drivers take their bus from `sensor`; forgetting it must not go unnoticed here.
    if (typeof (sensor as unknown) !== "object")
      throw new TypeError("The sensor's option sensor is required");
    this.#faults = sensor.faults ?? [];
    for (const { kind } of this.#faults)
      if (!kinds.includes(kind))
        throw new TypeError(
          `there is no fault "${kind}"; there are ${kinds.join(", ")}`,
        );
    DesktopSensor.#firstOpened ??= Time.ticks;
    if (this.#fault === "no-answer") throw noAnswer();
  }

  configure(_options: object): void {
    this.#mustBeOpen();
  }

  close(): void {
    this.#open = false;
  }

  /** Measures. Throws when it is closed, and when it does not answer. */
  sample(): S {
    this.#mustBeOpen();
    switch (this.#fault) {
      case "no-answer":
        throw noAnswer();
      case "stuck":
        return (this.#last ??= this.measure());
      case "incomplete":
        return everyValue(this.measure(), undefined);
      case "out-of-range":
        return everyValue(this.measure(), beyond);
      default:
        return (this.#last = this.measure());
    }
  }

  /** What a sound sensor says. */
  protected abstract measure(): S;

  get #fault(): RequestedFault["kind"] | undefined {
    const now = Time.delta(DesktopSensor.#firstOpened ?? Time.ticks);
    return this.#faults.find(
      ({ from = 0, to = Infinity }) => now >= from && now < to,
    )?.kind;
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new Error("The sensor is closed");
  }
}

const noAnswer = (): Error => new Error("The sensor does not answer");

function everyValue<S extends Sample>(sample: S, value: unknown): S {
  return Object.fromEntries(
    Object.entries(sample).map(([part, values]) => [
      part,
      Object.fromEntries(Object.keys(values).map((name) => [name, value])),
    ]),
  ) as S;
}

/** One day, in ms. */
export const day = 86_400_000;

/** °C in a room with a window: it follows the day, with its peak at three in the afternoon, and wavers with the draught. */
export const roomTemperature = (): number => 21.5 + 3 * sun() + 0.3 * draught();

/** -1 at three in the morning, 1 at three in the afternoon; a node without the time lives on its ticks. */
export const sun = (): number =>
  -Math.cos((2 * Math.PI * (Date.now() - day / 8)) / day);

/** From -1 to 1. */
export const draught = (): number => Math.sin(Time.ticks / 97_000);

/** A random number from -size to size. */
export const noise = (size: number): number => (Math.random() * 2 - 1) * size;
