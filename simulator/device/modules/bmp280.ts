import {
  DesktopSensor,
  day,
  noise,
  roomTemperature,
} from "embedded:x-fieldnode/desktop-sensor";

/** What a sample holds. Pressure in Pa, temperature in °C. */
export interface Sample {
  [part: string]: Record<string, number>;
  barometer: { pressure: number };
  thermometer: { temperature: number };
}

/**
 * A stand-in for Bosch's BMP280 (the SDK's `embedded:sensor/Barometer-Temperature/BMP280`) in the same room, near sea level:
 * highs and lows pass within days, and the atmosphere's tide has its peaks at ten in the morning and in the evening. Both
 * values waver by about the data sheet's noise (1.3 Pa, 0.005 °C), in the steps of its 20-bit converter (0.16 Pa, 0.0003 °C).
 */
export default class BMP280 extends DesktopSensor<Sample> {
  protected override measure(): Sample {
    const time = Date.now();
    const weather = Math.sin((2 * Math.PI * time) / (4.3 * day));
    const tide = Math.cos((4 * Math.PI * (time - (10 * day) / 24)) / day);
    return {
      barometer: {
        pressure: inSteps(
          101_300 + 900 * weather + 60 * tide + noise(1.3),
          0.16,
        ),
      },
      thermometer: {
        temperature: inSteps(roomTemperature() + noise(0.005), 0.0003),
      },
    };
  }
}

const inSteps = (value: number, step: number): number =>
  Math.round(value / step) * step;
