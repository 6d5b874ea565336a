import BMP280 from "embedded:sensor/Barometer-Temperature/BMP280";
import Time from "time";
import { ok } from "../assert.js";
import { test } from "../harness.js";

const hour = 3_600_000;
const pressureAt = (time: number): number => {
  Time.set(time / 1000);
  return new BMP280({ sensor: {} }).sample().barometer.pressure;
};

test("the pressure of a week is that of weather, and no hour brings a storm", () => {
  const start = Date.UTC(2027, 5, 1);
  let before = pressureAt(start);
  let least = before;
  let most = before;
  for (let time = start; time < start + 7 * 24 * hour; time += hour) {
    const pressure = pressureAt(time);
    ok(Math.abs(pressure - before) < 200, `${pressure} after ${before}`);
    least = Math.min(least, pressure);
    most = Math.max(most, pressure);
    before = pressure;
  }
  ok(least > 99_000 && most < 103_500, `${least} to ${most}`);
  ok(most - least > 1000, `${least} to ${most}`);
});

test("its thermometer is in the same room as the other", () => {
  const { thermometer } = new BMP280({ sensor: {} }).sample();
  ok(thermometer.temperature > 15 && thermometer.temperature < 28);
});
