import { CBORMessage } from "../../../modules/telemetry/cbor-message.js";
import { JSONMessage } from "../../../modules/telemetry/json-message.js";
import { Gap, LogRecord } from "../../../modules/telemetry/log-record.js";
import type { MessageFormat } from "../../../modules/telemetry/message-format.js";
import { quantities } from "../../../modules/telemetry/quantities.js";
import { Reading } from "../../../modules/telemetry/reading.js";
import {
  loadReading,
  storeReading,
  storedTime,
} from "../../../modules/telemetry/stored-reading.js";
import { deepEqual, equal, ok } from "../assert.js";
import { test } from "../harness.js";
import { decodeCBOR } from "./cbor-decoder.js";

const time = 1_800_000_000_123;

const reading = (...values: number[]): Reading => {
  const one = new Reading();
  one.begin(0, time);
  values.forEach((value, place) => one.set(place, value));
  return one;
};

const fault = (): Reading => {
  const one = new Reading();
  one.begin(0, time);
  one.fault = "no-answer";
  return one;
};

const gap = (): Gap =>
  Object.assign(new Gap(), { first: 17, count: 46, last: 62 });

const textOf = (message: MessageFormat): string =>
  String.fromArrayBuffer(message.payload.slice().buffer);

test("one sample is an object of JSON", () => {
  const message = new JSONMessage(256);
  message.begin();
  ok(message.addReading(7, "sht3x", reading(2146, 4020)));
  equal(
    textOf(message),
    '{"seq":7,"time":1800000000123,"sensor":"sht3x","temperature":21.46,"humidity":40.2}',
  );
});

test("a fault is a sample of its own kind", () => {
  const message = new JSONMessage(256);
  message.begin();
  ok(message.addReading(8, "sht3x", fault()));
  equal(
    textOf(message),
    '{"seq":8,"time":1800000000123,"sensor":"sht3x","fault":"no-answer"}',
  );
});

test("what was given up is told with its numbers", () => {
  const message = new JSONMessage(256);
  message.begin();
  ok(message.addGap(gap()));
  equal(textOf(message), '{"seq":17,"dropped":46,"last":62}');
});

test("every value is the number that it is", () => {
  for (const [value, text] of [
    [0, "0"],
    [1, "0.01"],
    [-1, "-0.01"],
    [-5, "-0.05"],
    [10, "0.1"],
    [-250, "-2.5"],
    [100, "1"],
    [-314, "-3.14"],
    [2147483647, "21474836.47"],
    [-2147483648, "-21474836.48"],
  ] as const) {
    const message = new JSONMessage(256);
    message.begin();
    message.addReading(1, "s", reading(value));
    const found = /"temperature":([^}]*)/.exec(textOf(message))?.[1];
    equal(found, text);
  }
});

test("several samples are a list, in JSON and in CBOR the same", () => {
  const json = new JSONMessage(1024);
  const cbor = new CBORMessage(1024);
  for (const message of [json, cbor]) {
    message.begin();
    ok(message.addReading(1, "sht3x", reading(2146, -5)));
    ok(message.addReading(70_000, "bmp280", reading(-2100)));
    ok(message.addReading(3, "sht3x", fault()));
    ok(message.addGap(gap()));
    equal(message.count, 4);
  }
  const asJSON = JSON.parse(textOf(json)) as { samples: object[] };
  equal(asJSON.samples.length, 4);
  deepEqual(decodeCBOR(cbor.payload), asJSON);
  ok(
    cbor.payload.length < 0.85 * json.payload.length,
    `${cbor.payload.length} bytes of CBOR, ${json.payload.length} of JSON`,
  );
});

test("one sample in CBOR is an object too", () => {
  const message = new CBORMessage(256);
  message.begin();
  ok(message.addReading(24, "sht3x", reading(2146)));
  deepEqual(decodeCBOR(message.payload), {
    seq: 24,
    time,
    sensor: "sht3x",
    temperature: 21.46,
  });
});

test("what does not fit is not in the message, and what is in it stays whole", () => {
  for (const Format of [JSONMessage, CBORMessage])
    for (let size = 60; size < 330; size++) {
      const message = new Format(size);
      message.begin();
      let added = 0;
      while (message.addReading(added + 1, "sht3x", reading(2146, 4020)))
        added++;
      equal(message.count, added);
      if (added === 0) continue;
      ok(message.payload.length <= size, `${size}`);
      const value = (
        Format === JSONMessage
          ? JSON.parse(textOf(message))
          : decodeCBOR(message.payload)
      ) as { seq?: number; samples?: { seq: number }[] };
      equal(added === 1 ? value.seq : value.samples?.at(-1)?.seq, added);
    }
});

test("a reading comes out of flash as it went in", () => {
  const record = new LogRecord();
  const out = new Reading();
  for (const value of [
    0, 1, -1, 63, 64, -64, -65, 8191, 8192, 101_325, 2147483647, -2147483648,
  ]) {
    const one = reading();
    one.begin(3, 253_402_300_799_999);
    one.set(0, value);
    one.set(quantities.length - 1, -value | 0);
    one.fault = "stuck";
    one.isTimeUnset = value > 0;
    storeReading(one, record);
    equal(storedTime(record), 253_402_300_799_999);
    loadReading(record, out);
    deepEqual(
      [
        out.sensor,
        out.time,
        out.isTimeUnset,
        out.fault,
        out.has,
        [...out.values],
      ],
      [
        one.sensor,
        one.time,
        one.isTimeUnset,
        one.fault,
        one.has,
        [...one.values],
      ],
    );
  }
});

test("a reading of three values takes less than 20 bytes of flash", () => {
  const record = new LogRecord();
  storeReading(reading(2146, 4020, 101_325), record);
  ok(record.length < 20, `${record.length}`);
});

test("a reading tells itself in words", () => {
  equal(reading(2146, 4020).toString(), "21.46 Cel, 40.20 %RH");
  equal(fault().toString(), "no-answer");
});
