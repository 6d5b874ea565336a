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

/** What has come from one sensor: readings with a fault, or without one. */
interface Arrived {
  seq: number;
  sensor: string;
  fault?: string;
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

test("each fault of a sensor arrives as a reading with that fault, and the sensors go on", async () => {
  const kinds = ["no-answer", "incomplete", "stuck", "out-of-range"];
  const sensors = kinds.flatMap((kind) =>
    [barometer, hygrometer].map((driver) => ({
      driver,
      name: `${kind}.${driver.slice(-5)}`,
      stuckAfter: 10,
      options: { faults: [{ kind, from: 1500, to: 2700 }] },
    })),
  );
  await field.startNode({ settings: { sensors } });
  for (const { name, options } of sensors) {
    const faultsOf = () =>
      arrived()
        .filter(({ sensor }) => sensor === name)
        .sort((a, b) => a.seq - b.seq)
        .map(({ fault }) => fault);
    await until(`${name} was faulty and is sound again`, () => {
      const all = faultsOf();
      return (
        all.some((fault) => fault !== undefined) && all.at(-1) === undefined
      );
    });
    assert.equal(faultsOf()[0], undefined, `${name} is sound at first`);
    assert.deepEqual(
      [...new Set(faultsOf().filter((fault) => fault !== undefined))],
      [options.faults[0].kind],
      name,
    );
  }
  const numbers = [...new Set(arrived().map(({ seq }) => seq))];
  assert.deepEqual(
    numbers.sort((a, b) => a - b),
    numbers.map((_, index) => index + 1),
    "no reading is missing",
  );
});

test("a fault that is misspelt in the settings is told, with those that there are", async () => {
  const node = await field.startNode({
    count: 1,
    settings: {
      sensors: [
        { driver: hygrometer, options: { faults: [{ kind: "stuk" }] } },
      ],
    },
  });
  await node.ended;
  assert.match(
    node.lastFailure,
    /sensor sht3x: there is no fault "stuk"; there are no-answer, incomplete, stuck, out-of-range.*config\.invalid/,
  );
  assert.deepEqual(arrived(), []);
});
