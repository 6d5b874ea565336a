import {
  DesktopSensor,
  draught,
  noise,
  roomTemperature,
  sun,
} from "embedded:x-fieldnode/desktop-sensor";

/** What a sample holds. Temperature in °C, relative humidity in %. */
export interface Sample {
  [part: string]: Record<string, number>;
  thermometer: { temperature: number };
  hygrometer: { humidity: number };
}

/**
 * A stand-in for Sensirion's SHT3x (the SDK's `embedded:sensor/Humidity-Temperature/SHT3x`) in a room with a window: the
 * humidity goes the other way than the temperature, both waver by about what the data sheet gives as repeatability
 * (0.04 °C, 0.08 %), in the steps of its 16-bit converter.
 */
export default class SHT3x extends DesktopSensor<Sample> {
  protected override measure(): Sample {
    return {
      thermometer: {
        temperature: convert(roomTemperature() + noise(0.04), 175, -45),
      },
      hygrometer: {
        humidity: convert(48 - 9 * sun() - draught() + noise(0.08), 100, 0),
      },
    };
  }
}

/** What remains of a value after the converter: a whole number of 65535 steps of the range. */
function convert(value: number, range: number, offset: number): number {
  const steps = Math.round(((value - offset) / range) * 65535);
  return (steps * range) / 65535 + offset;
}
