import Timer from "timer";
import { Failure } from "../../../modules/system/failure.js";
import { SettingsReader } from "../../../modules/system/settings-reader.js";
import {
  readChannel,
  readSensor,
  standardChannels,
} from "../../../modules/system/telemetry-settings.js";
import type { Sample } from "../../../modules/telemetry/sensor.js";
import { Telemetry } from "../../../modules/telemetry/telemetry.js";
import { deepEqual, equal, ok } from "../assert.js";
import { test } from "../harness.js";
import { ModelFlash } from "./model-flash.js";

const reader = new SettingsReader();
const channels = standardChannels.map((one, index) =>
  readChannel(reader, `channels[${index}]`, one),
);
const sensorOf = (changes: object = {}) =>
  readSensor(
    reader,
    "sensors[0]",
    { driver: "test/Model", stuckAfter: 0, interval: 10, ...changes },
    10,
    channels,
  );

/** What the sensor says, one after another: values, an error, or something that is no sample. */
type Said = Sample | Error | undefined;

const good: Sample = {
  thermometer: { temperature: 21.456 },
  hygrometer: { humidity: 40 },
};

interface Choices {
  count?: number;
  failure?: Failure;
  settings?: object;
  flash?: ModelFlash;
  noDriver?: boolean;
  isSet?: boolean;
}

/** Telemetry with a sensor that says what a list has, and a cloud that takes everything, or fails. */
const telemetryOf = (
  said: Said[],
  { count = 0, failure, settings, flash, noDriver, isSet = true }: Choices = {},
) => {
  const published: string[] = [];
  const failures: string[] = [];
  let finished = 0;
  let opened = 0;
  class Model {
    constructor() {
      opened++;
    }
    sample(): Sample | undefined {
      const one = said.length > 0 ? said.shift() : good;
      if (one instanceof Error) throw one;
      return one;
    }
    close(): void {
      return undefined;
    }
  }
  const telemetry = new Telemetry({
    openFlash: () => flash ?? new ModelFlash(16, 512),
    channels,
    sensors: [sensorOf(settings)],
    io: class {},
    load: () =>
      noDriver
        ? Promise.reject(new Error("no module"))
        : Promise.resolve(Model),
    clock: {
      now: 1_800_000_000_123,
      steady: 1_800_000_000_123,
      isSet,
      wentOn: false,
    },
    publish: (topic, payload) => {
      const text = String.fromArrayBuffer(
        new Uint8Array(payload).slice().buffer,
      );
      published.push(`${topic.slice("dt/".length)} ${text}`);
      return failure ? Promise.reject(failure) : Promise.resolve();
    },
    prefix: "dt/",
    count,
    onFinished: () => finished++,
    onFailed: ({ code }) => failures.push(code),
    pace: 0,
  });
  return {
    telemetry,
    published,
    failures,
    finished: () => finished,
    opened: () => opened,
  };
};

const later = (milliseconds: number) =>
  new Promise<void>((resolve) => Timer.set(() => resolve(), milliseconds));

/** What was published of samples, without the time, the sensor's name and the description of the sensors. */
const samplesIn = (published: string[]): string[] =>
  published
    .filter((text) => !text.startsWith("sensors"))
    .flatMap((text) => text.match(/\{"seq"[^}]*\}/g) ?? [])
    .map((text) => text.replace(/"time":1800000000123,"sensor":"model",?/, ""));

/** Asks a sensor that says so, and gives what is published of it. */
async function toldOf(said: Said[], settings: object = {}): Promise<string[]> {
  const count = said.length;
  const { telemetry, published, finished } = telemetryOf(said, {
    count,
    settings,
  });
  telemetry.resume();
  telemetry.start();
  while (finished() === 0) await later(5);
  telemetry.close();
  return samplesIn(published);
}

test("stops after the count, when all of them are with the cloud", async () => {
  const { telemetry, published, finished } = telemetryOf([], { count: 3 });
  telemetry.resume();
  telemetry.start();
  while (finished() === 0) await later(5);
  await later(50);
  equal(samplesIn(published).length, 3);
  equal(finished(), 1);
  telemetry.close();
});

test("a network that comes back starts no second series of samples", async () => {
  const { telemetry, published, finished } = telemetryOf([], { count: 1 });
  telemetry.start();
  telemetry.start();
  telemetry.resume();
  while (finished() === 0) await later(5);
  await later(30);
  equal(samplesIn(published).length, 1);
  telemetry.close();
});

test("what is measured while the cloud is away is sent when it is back, in order", async () => {
  const { telemetry, published } = telemetryOf([], { count: 3 });
  telemetry.start();
  await later(100);
  equal(published.length, 0);
  telemetry.resume();
  await later(20);
  deepEqual(
    samplesIn(published).map((text) => /\d+/.exec(text)![0]),
    ["1", "2", "3"],
  );
  telemetry.close();
});

test("what was measured before a restart is sent after it", async () => {
  const flash = new ModelFlash(16, 512);
  const before = telemetryOf([], { count: 2, flash });
  before.telemetry.start();
  await later(60);
  const after = telemetryOf([], { count: 1, flash: flash.restart() });
  after.telemetry.resume();
  after.telemetry.start();
  await later(60);
  deepEqual(
    samplesIn(after.published)
      .map((text) => /\d+/.exec(text)![0])
      .sort(),
    ["1", "2", "3"],
  );
  after.telemetry.close();
});

test("a node that does not know the time measures all the same, and says so", async () => {
  const { telemetry, published } = telemetryOf([], { count: 1, isSet: false });
  telemetry.start();
  telemetry.resume();
  await later(20);
  telemetry.close();
  ok(published[0].includes('"time":1800000000123,"clock":"unset"'));
});

test("a failure is handed on, and the sample stays", async () => {
  const { telemetry, failures } = telemetryOf([], {
    count: 1,
    failure: new Failure("policy.publish-denied"),
  });
  telemetry.resume();
  telemetry.start();
  while (failures.length === 0) await later(5);
  deepEqual(failures, ["policy.publish-denied"]);
  equal(telemetry.outbox.isEmpty, false);
  telemetry.close();
});

test("a sensor that does not answer is a reading of its own kind, and is opened anew", async () => {
  const { telemetry, published, finished, opened } = telemetryOf(
    [new Error("no ACK"), undefined, good],
    { count: 3 },
  );
  telemetry.resume();
  telemetry.start();
  while (finished() === 0) await later(5);
  deepEqual(samplesIn(published), [
    '{"seq":1,"fault":"no-answer"}',
    '{"seq":2,"fault":"no-answer"}',
    '{"seq":3,"temperature":21.46,"humidity":40}',
  ]);
  equal(opened(), 2);
  telemetry.close();
});

test("a sensor without a driver is told in words, and has readings that say so", async () => {
  const { telemetry, published, finished } = telemetryOf([], {
    count: 1,
    noDriver: true,
  });
  telemetry.resume();
  telemetry.start();
  while (finished() === 0) await later(5);
  deepEqual(samplesIn(published), ['{"seq":1,"fault":"no-answer"}']);
  telemetry.close();
});

test("a reading that cannot be true is a fault, with what can be of it", async () => {
  deepEqual(
    await toldOf([
      { thermometer: { temperature: 200 }, hygrometer: { humidity: 40 } },
    ]),
    ['{"seq":1,"fault":"out-of-range","humidity":40}'],
  );
});

test("a reading that lacks a value is a fault, with what there is of it", async () => {
  deepEqual(
    await toldOf([
      { thermometer: { temperature: 20 }, hygrometer: {} },
      { thermometer: { temperature: NaN }, hygrometer: { humidity: 30 } },
      {},
    ]),
    [
      '{"seq":1,"fault":"incomplete","temperature":20}',
      '{"seq":2,"fault":"incomplete","humidity":30}',
      '{"seq":3,"fault":"incomplete"}',
    ],
  );
});

test("a sensor that says the very same again and again is stuck until it says something else", async () => {
  const told = await toldOf(
    [good, good, good, good, { thermometer: { temperature: 1 } }, good],
    { stuckAfter: 3 },
  );
  deepEqual(
    told.map((text) => text.includes("stuck")),
    [false, false, true, true, false, false],
  );
});

test("a fault that the driver tells is handed on", async () => {
  deepEqual(await toldOf([{ ...good, faults: { heater: true } }]), [
    '{"seq":1,"fault":"reported","temperature":21.46,"humidity":40}',
  ]);
});

test("what crosses a limit is told by the alarm channel as well, once", async () => {
  const hot = (temperature: number): Sample => ({
    thermometer: { temperature },
  });
  const { telemetry, published } = telemetryOf(
    [hot(20), hot(31), hot(32), hot(20), hot(31)],
    { settings: { alarms: [{ quantity: "temperature", above: 30 }] } },
  );
  telemetry.resume();
  telemetry.start();
  while (published.length < 8) await later(5);
  telemetry.close();
  const alarms = published.filter((text) => text.startsWith("alarm"));
  deepEqual(samplesIn(alarms), [
    '{"seq":1,"temperature":31}',
    '{"seq":2,"temperature":31}',
  ]);
});

test("the cloud is told which sensors there are, and in which units they measure", async () => {
  const { telemetry, published } = telemetryOf([], {
    settings: { options: { address: 0x45 } },
  });
  telemetry.resume();
  telemetry.start();
  const told = () => published.filter((text) => text.startsWith("sensors"));
  while (told().length === 0) await later(5);
  await later(30);
  equal(told().length, 1, "once");
  deepEqual(JSON.parse(told()[0].slice("sensors ".length)), {
    sensors: [
      {
        sensor: "model",
        driver: "test/Model",
        channel: 0,
        configuration: { address: 0x45 },
        units: { temperature: "Cel", humidity: "%RH" },
      },
    ],
  });
  telemetry.close();
});

test("flash that cannot be read is told as such", () => {
  let thrown: unknown;
  try {
    telemetryOf([], { flash: new ModelFlash(2, 512) });
  } catch (error) {
    thrown = error;
  }
  ok(thrown instanceof Failure && thrown.code === "flash.unreadable");
});
