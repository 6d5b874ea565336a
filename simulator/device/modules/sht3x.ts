import Time from "time";

/** What a sample holds. Temperature in °C, relative humidity in %. */
export interface Sample {
  thermometer: { temperature: number };
  hygrometer: { humidity: number };
}

export interface Options {
  /** The bus the sensor is on; the simulator's sensor is on none. */
  sensor: object;
  onError?: (error: string) => void;
}

/** One day, in ms. */
const day = 86_400_000;

/**
 * A stand-in for Sensirion's SHT3x (the SDK's `embedded:sensor/Humidity-Temperature/SHT3x`) in a room with a window: the
 * temperature follows the day with its peak in the afternoon, the humidity goes the other way, both waver by about what the
 * data sheet gives as repeatability (0.04 °C, 0.08 %), in the steps of its 16-bit converter.
 */
export default class SHT3x {
  #open = true;

  constructor(options: Options) {
    // The SDK's driver takes its bus from `sensor`; forgetting it must not go unnoticed here.
    if (typeof (options as Partial<Options>).sensor !== "object")
      throw new TypeError("SHT3x: the option sensor is required");
  }

  configure(_options: object): void {
    if (!this.#open) throw new Error("SHT3x: closed");
  }

  close(): void {
    this.#open = false;
  }

  /** Measures. */
  sample(): Sample {
    if (!this.#open) throw new Error("SHT3x: closed");
    // -1 at three in the morning, 1 at three in the afternoon; a node without the time lives on its ticks.
    const sun = -Math.cos((2 * Math.PI * (Date.now() - day / 8)) / day);
    const draught = Math.sin(Time.ticks / 97_000);
    return {
      thermometer: {
        temperature: convert(
          21.5 + 3 * sun + 0.3 * draught + noise(0.04),
          175,
          -45,
        ),
      },
      hygrometer: {
        humidity: convert(48 - 9 * sun - draught + noise(0.08), 100, 0),
      },
    };
  }
}

const noise = (size: number): number => (Math.random() * 2 - 1) * size;

/** What remains of a value after the converter: a whole number of 65535 steps of the range. */
function convert(value: number, range: number, offset: number): number {
  const steps = Math.round(((value - offset) / range) * 65535);
  return (steps * range) / 65535 + offset;
}
