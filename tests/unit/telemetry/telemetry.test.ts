import Timer from "timer";
import { Failure } from "../../../modules/system/failure.js";
import { encode } from "../../../modules/telemetry/sample.js";
import { Telemetry } from "../../../modules/telemetry/telemetry.js";
import { deepEqual, equal } from "../assert.js";
import { test } from "../harness.js";

/** What a sensor's sample() gives, or an error that it throws. */
type Reading = { temperature?: number; humidity?: number } | Error;

const good = { temperature: 21.456, humidity: 40 };

/** Telemetry every 5 ms with a sensor that reads from a list, and a cloud that takes everything, or fails. */
const telemetryOf = (
  readings: Reading[],
  { count = 0, failure }: { count?: number; failure?: Failure } = {},
) => {
  const published: string[] = [];
  const failures: string[] = [];
  let next: number | undefined;
  let finished = 0;
  const telemetry = new Telemetry({
    sensor: {
      sample: () => {
        const reading = readings.shift() ?? good;
        if (reading instanceof Error) throw reading;
        const { temperature, humidity } = reading;
        return { thermometer: { temperature }, hygrometer: { humidity } };
      },
      close: () => undefined,
    },
    now: () => 1_800_000_000_123,
    publish: (topic, payload) => {
      published.push(`${topic} ${String.fromArrayBuffer(payload)}`);
      return failure ? Promise.reject(failure) : Promise.resolve();
    },
    topic: "dt/test",
    interval: 5,
    sequence: {
      read: () => next,
      write: (number) => {
        next = number;
      },
    },
    count,
    onFinished: () => finished++,
    onFailed: ({ code }) => failures.push(code),
  });
  return { telemetry, published, failures, finished: () => finished };
};

const later = (milliseconds: number) =>
  new Promise<void>((resolve) => Timer.set(() => resolve(), milliseconds));

test("a sample is one line of JSON with two decimals", () => {
  const bytes = encode({
    seq: 7,
    time: 1_800_000_000_123,
    temperature: -3.14159,
    humidity: 99.999,
  });
  equal(
    String.fromArrayBuffer(bytes),
    '{"seq":7,"time":1800000000123,"temperature":-3.14,"humidity":100}',
  );
});

test("stops after the count, when all of them are with the cloud", async () => {
  const { telemetry, published, finished } = telemetryOf([], { count: 3 });
  telemetry.resume();
  telemetry.start();
  await later(60);
  equal(published.length, 3);
  equal(finished(), 1);
  telemetry.close();
});

test("a network that comes back starts no second series of samples", async () => {
  const { telemetry, published, finished } = telemetryOf([], { count: 1 });
  telemetry.start();
  // The network was lost before the only sample could be sent.
  telemetry.start();
  telemetry.resume();
  await later(10);
  equal(published.length, 1);
  equal(finished(), 1);
  telemetry.close();
});

test("the count is of what the cloud has, not of what was measured: samples given up are made up for", async () => {
  const { telemetry, published, finished } = telemetryOf([], { count: 70 });
  telemetry.start();
  await later(5 * 80);
  telemetry.resume();
  while (finished() === 0) await later(5);
  equal(published.length, 70);
  telemetry.close();
});

test("what is measured while the cloud is away is sent when it is back, in order", async () => {
  const { telemetry, published } = telemetryOf([], { count: 3 });
  telemetry.start();
  await later(40);
  equal(published.length, 0);
  telemetry.resume();
  await later(10);
  deepEqual(
    published.map(
      (text) =>
        (JSON.parse(text.slice(text.indexOf("{"))) as { seq: number }).seq,
    ),
    [1, 2, 3],
  );
  telemetry.close();
});

test("a sensor that fails costs no sequence number and no later sample", async () => {
  const { telemetry, published } = telemetryOf(
    [new Error("no answer on the bus"), { temperature: 20 }, good],
    { count: 1 },
  );
  telemetry.resume();
  telemetry.start();
  await later(60);
  deepEqual(published, [
    'dt/test {"seq":1,"time":1800000000123,"temperature":21.46,"humidity":40}',
  ]);
  telemetry.close();
});

test("a failure is handed on", async () => {
  const { telemetry, failures } = telemetryOf([], {
    count: 1,
    failure: new Failure("policy.publish-denied"),
  });
  telemetry.resume();
  telemetry.start();
  await later(20);
  deepEqual(failures, ["policy.publish-denied"]);
  telemetry.close();
});
