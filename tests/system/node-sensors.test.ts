import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Backend } from "./backend.js";
import { Field } from "./field.js";

let field: Field;
let backend: Backend;
beforeEach(async () => {
  field = new Field();
  await field.startCloud();
  await field.provision();
  backend = await Backend.open(field.cloud, "dt/fieldnode/#");
});
afterEach(async () => {
  await backend.close();
  await field.close();
});

const barometer = "embedded:sensor/Barometer-Temperature/BMP280";
const hygrometer = "embedded:sensor/Humidity-Temperature/SHT3x";

/** What has come from one sensor. */
interface Arrived {
  sensor: string;
  pressure?: number;
  temperature?: number;
}
const arrived = () => backend.samples() as Arrived[];

/** Lets the node go on until something has arrived; rejects after 20 s. */
const until = async (what: string, holds: () => boolean): Promise<void> => {
  const deadline = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > deadline)
      throw new Error(`${what}: ${JSON.stringify(arrived())}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

test("a barometer's readings arrive beside the hygrometer's", async () => {
  await field.startNode({
    settings: { sensors: [{ driver: hygrometer }, { driver: barometer }] },
  });
  for (const sensor of ["sht3x", "bmp280"])
    await until(sensor, () => arrived().some((one) => one.sensor === sensor));
  const { pressure, temperature } = arrived().find(
    ({ sensor }) => sensor === "bmp280",
  )!;
  assert.ok(pressure! > 98_000 && pressure! < 104_000, `${pressure}`);
  assert.ok(temperature! > 15 && temperature! < 28, `${temperature}`);
});
