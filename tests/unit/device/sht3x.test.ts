import SHT3x from "embedded:sensor/Humidity-Temperature/SHT3x";
import Time from "time";
import { ok, throws } from "../assert.js";
import { test } from "../harness.js";

const sampleAt = (hour: number) => {
  Time.set(Date.UTC(2027, 5, 1, hour) / 1000);
  return new SHT3x({ sensor: {} }).sample();
};

test("a room is warmer and drier in the afternoon than before dawn", () => {
  const night = sampleAt(3);
  const afternoon = sampleAt(15);
  ok(afternoon.thermometer.temperature > night.thermometer.temperature + 3);
  ok(afternoon.hygrometer.humidity < night.hygrometer.humidity - 10);
});

test("every hour of the day is bearable", () => {
  for (let hour = 0; hour < 24; hour++) {
    const { thermometer, hygrometer } = sampleAt(hour);
    ok(thermometer.temperature > 15 && thermometer.temperature < 28);
    ok(hygrometer.humidity > 30 && hygrometer.humidity < 65);
  }
});

test("two samples of one moment differ by noise", () => {
  const sensor = new SHT3x({ sensor: {} });
  const seen = new Set<number>();
  for (let i = 0; i < 20; i++)
    seen.add(sensor.sample().thermometer.temperature);
  ok(seen.size > 1);
});

test("needs its option sensor, and is of no use once closed", () => {
  throws(() => new SHT3x({} as never), TypeError);
  const sensor = new SHT3x({ sensor: {} });
  sensor.close();
  sensor.close();
  throws(() => sensor.sample(), /closed/);
});
