import BMP280 from "embedded:sensor/Barometer-Temperature/BMP280";
import { equal, throws } from "../assert.js";
import { test } from "../harness.js";

const withFault = (kind: string, times: object = {}) =>
  new BMP280({ sensor: { faults: [{ kind, ...times } as never] } });

test("a sensor that is to be silent cannot even be opened", () => {
  throws(() => withFault("no-answer"), /does not answer/);
});

test("a sensor that is to be stuck says the same again and again", () => {
  const sensor = withFault("stuck");
  const { pressure } = sensor.sample().barometer;
  for (let i = 0; i < 20; i++)
    equal(sensor.sample().barometer.pressure, pressure);
});

test("a sensor is sound before and after the time of its fault", () => {
  for (const times of [{ from: 3_600_000 }, { to: 0 }])
    equal(
      withFault("out-of-range", times).sample().barometer.pressure < 120_000,
      true,
    );
  equal(withFault("out-of-range").sample().barometer.pressure > 120_000, true);
});

test("a sensor with an unknown fault is refused", () => {
  throws(() => withFault("sleepy"), /there is no fault "sleepy"/);
});
