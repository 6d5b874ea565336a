import Timer from "timer";
import { Failure } from "../../../modules/system/failure.js";
import type { ChannelSettings } from "../../../modules/system/telemetry-settings.js";
import { Outbox } from "../../../modules/telemetry/outbox.js";
import { Retained } from "../../../modules/system/retained.js";
import { Reading } from "../../../modules/telemetry/reading.js";
import { deepEqual, equal, ok, throws } from "../assert.js";
import { test } from "../harness.js";
import { ModelPower } from "../system/model-power.js";
import { ModelFlash } from "./model-flash.js";

const channel = (changes: Partial<ChannelSettings> = {}): ChannelSettings => ({
  number: 0,
  name: "telemetry",
  policy: "all",
  priority: 0,
  newestFirst: false,
  maxAge: 0,
  format: "json",
  batch: 12,
  rule: "",
  ...changes,
});

const alarm = channel({
  number: 1,
  name: "alarm",
  priority: 9,
  newestFirst: true,
});

interface Sent {
  topic: string;
  text: string;
  resolve: () => void;
  reject: (failure: Failure) => void;
}

/** An outbox whose messages are acknowledged when the test says so, or at once. */
class Bench {
  readonly outbox: Outbox;
  readonly sent: Sent[] = [];
  readonly failures: string[] = [];
  now: number | undefined = 1_800_000_000_000;
  acknowledges = true;

  readonly flash: ModelFlash;

  constructor(
    flash = new ModelFlash(16, 512),
    channels = [channel(), alarm],
    pace = 0,
    life: { retained?: Retained; wentOn?: boolean } = {},
  ) {
    this.flash = flash;
    this.outbox = new Outbox({
      openFlash: () => flash,
      channels,
      sensors: ["sht3x"],
      prefix: "dt/test/",
      publish: (topic, payload) =>
        new Promise((resolve, reject) => {
          const text = String.fromArrayBuffer(payload.slice().buffer);
          this.sent.push({ topic, text, resolve, reject });
          if (this.acknowledges) resolve();
        }),
      now: () => this.now,
      onSent: () => undefined,
      onFailed: (shipment, { code }) =>
        this.failures.push(`${shipment.toString()} ${code}`),
      pace,
      ...life,
    });
  }

  store(number = 0, time = this.now ?? 0, isTimeUnset = false): number {
    const reading = new Reading();
    reading.begin(0, time);
    reading.isTimeUnset = isTimeUnset;
    reading.set(0, 2000);
    return this.outbox.store(number, reading);
  }

  /** The times of all samples, as they were sent. */
  get times(): string[] {
    return this.sent.flatMap(({ text }) => {
      type Sample = { time: number; clock?: string };
      const message = JSON.parse(text) as Sample & { samples?: Sample[] };
      return (message.samples ?? [message]).map(({ time, clock }) =>
        [time, clock].join(" ").trim(),
      );
    });
  }

  /** The samples of each message, as `telemetry 1,2,3`; what was dropped with its numbers. */
  get messages(): string[] {
    return this.sent.map(({ topic, text }) => {
      type Sample = { seq: number; dropped?: number; last?: number };
      const message = JSON.parse(text) as Sample & { samples?: Sample[] };
      const samples = message.samples ?? [message];
      const seqs = samples.map(({ seq, dropped, last }) =>
        dropped === undefined ? seq : `${dropped} of ${seq}-${last ?? 0}`,
      );
      return `${topic.slice(topic.lastIndexOf("/") + 1)} ${seqs.join(",")}`;
    });
  }
}

const later = (milliseconds = 0) =>
  new Promise<void>((resolve) => Timer.set(() => resolve(), milliseconds));

/** Waits until everything is acknowledged. */
async function emptied({ outbox }: Bench): Promise<void> {
  while (!outbox.isEmpty) await later(1);
}

test("nothing is sent while there is no connection, and everything when there is one", async () => {
  const bench = new Bench();
  for (let index = 0; index < 3; index++) bench.store();
  await later(5);
  equal(bench.sent.length, 0);
  equal(bench.outbox.isEmpty, false);
  bench.outbox.resume();
  await emptied(bench);
  deepEqual(bench.messages, ["telemetry 1,2,3"]);
  equal(bench.sent[0].topic, "dt/test/telemetry");
});

test("a sample that is stored while there is a connection goes at once", () => {
  const bench = new Bench();
  bench.outbox.resume();
  bench.store();
  deepEqual(bench.messages, ["telemetry 1"]);
});

test("what was sent and not acknowledged is sent again after a restart", async () => {
  const bench = new Bench();
  bench.acknowledges = false;
  bench.outbox.resume();
  bench.store();
  bench.store();
  equal(bench.outbox.inFlight, 2);
  const again = new Bench(bench.flash.restart());
  again.outbox.resume();
  await emptied(again);
  deepEqual(again.messages, ["telemetry 1,2"]);
  equal(again.store(), 3);
});

test("what was acknowledged is not sent again after a restart", async () => {
  const bench = new Bench();
  bench.outbox.resume();
  bench.store();
  await emptied(bench);
  const again = new Bench(bench.flash.restart());
  again.outbox.resume();
  await later(5);
  equal(again.sent.length, 0);
  ok(again.outbox.isEmpty);
});

test("a connection that is lost and back sends nothing twice that is still on its way", async () => {
  const bench = new Bench();
  bench.acknowledges = false;
  bench.outbox.resume();
  bench.store();
  bench.outbox.pause();
  bench.store();
  bench.outbox.resume();
  await later(5);
  deepEqual(bench.messages, ["telemetry 1", "telemetry 2"]);
  for (const { resolve } of bench.sent) resolve();
  await emptied(bench);
  equal(bench.sent.length, 2);
});

test("old samples go in order, so many in a message, one message after another", async () => {
  const bench = new Bench(undefined, [channel({ batch: 5 })]);
  for (let index = 0; index < 12; index++) bench.store();
  bench.acknowledges = false;
  bench.outbox.resume();
  await later(5);
  deepEqual(bench.messages, ["telemetry 1,2,3,4,5"]);
  for (let next = 0; next < 3; next++) {
    bench.sent[next].resolve();
    await later(5);
  }
  deepEqual(bench.messages, [
    "telemetry 1,2,3,4,5",
    "telemetry 6,7,8,9,10",
    "telemetry 11,12",
  ]);
  await emptied(bench);
});

test("a fresh sample overtakes the old ones", async () => {
  const bench = new Bench(undefined, [channel({ batch: 2 })], 5);
  for (let index = 0; index < 20; index++) bench.store();
  bench.outbox.resume();
  await later(8);
  const before = bench.sent.length;
  ok(before < 5);
  equal(bench.store(), 21);
  equal(bench.messages[before], "telemetry 21");
  await emptied(bench);
  equal(bench.sent.length, 11);
});

test("after an outage the newest alarm goes first, then the one before, then the data", async () => {
  const bench = new Bench();
  bench.store();
  for (let index = 0; index < 3; index++) bench.store(1);
  bench.store();
  bench.outbox.resume();
  await emptied(bench);
  deepEqual(bench.messages, ["alarm 3", "alarm 2", "alarm 1", "telemetry 1,2"]);
});

test("of a channel that keeps the latest only that is sent", async () => {
  const bench = new Bench(undefined, [channel({ policy: "latest" })]);
  for (let index = 0; index < 40; index++) bench.store();
  bench.outbox.resume();
  await emptied(bench);
  deepEqual(bench.messages, ["telemetry 40"]);
});

test("samples that are too old are not sent, but counted", async () => {
  const bench = new Bench(undefined, [channel({ maxAge: 1000 })]);
  for (let index = 0; index < 5; index++) bench.store();
  bench.now = bench.now! + 2000;
  bench.store();
  bench.outbox.resume();
  await emptied(bench);
  deepEqual(bench.messages.sort(), ["telemetry 5 of 1-5", "telemetry 6"]);
});

test("no sample is too old as long as nobody knows the time", async () => {
  const bench = new Bench(undefined, [channel({ maxAge: 1000 })]);
  bench.store();
  bench.now = undefined;
  bench.outbox.resume();
  await emptied(bench);
  deepEqual(bench.messages, ["telemetry 1"]);
});

test("what was measured before the time was known is sent with its right time, also after restarts", async () => {
  const flash = new ModelFlash(16, 512);
  let power = new ModelPower();
  const nextLife = () => {
    power = new ModelPower("software", power.retained);
    return { retained: new Retained(power), wentOn: true };
  };
  // From another power-on, so long ago that nobody knows when.
  const before = new Bench(flash);
  before.store(0, 1000, true);
  const first = new Bench(flash, [channel()], 0, {
    retained: new Retained(power),
  });
  first.store(0, 5000, true);
  const second = new Bench(flash, [channel()], 0, nextLife());
  second.store(0, 7000, true);
  second.outbox.clockSet(1_000_000);
  second.outbox.clockSet(-3);
  second.store(0, 1_008_000);
  const third = new Bench(flash, [channel()], 0, nextLife());
  third.outbox.resume();
  await emptied(third);
  deepEqual(third.times, ["1000 unset", "1005000", "1007000", "1008000"]);
});

test("what was measured before the time was known is not taken for old", async () => {
  const bench = new Bench(undefined, [channel({ maxAge: 60_000 })]);
  bench.now = undefined;
  bench.store(0, 5000, true);
  bench.store(0, 95_000, true);
  bench.now = 1_800_000_000_000;
  bench.outbox.clockSet(bench.now - 100_000);
  bench.outbox.resume();
  await emptied(bench);
  deepEqual(bench.messages, ["telemetry 2", "telemetry 1 of 1-1"]);
});

test("when the flash is full, what was given up is told in the cloud", async () => {
  const bench = new Bench(undefined, [channel()]);
  for (let index = 0; index < 500; index++) bench.store();
  bench.outbox.resume();
  await emptied(bench);
  const told = bench.messages.join(",");
  const dropped = [...told.matchAll(/(\d+) of/g)]
    .map(([, count]) => Number(count))
    .reduce((sum, count) => sum + count, 0);
  const kept = told
    .replace(/\d+ of \d+-\d+/g, "")
    .match(/\d+/g)!
    .map(Number);
  equal(dropped + kept.length, 500);
  ok(kept.length > 150, `${kept.length}`);
  deepEqual(
    kept,
    [...kept].sort((a, b) => a - b),
  );
});

test("what a failure keeps from being sent waits, and other channels do not", async () => {
  const bench = new Bench();
  bench.acknowledges = false;
  bench.outbox.resume();
  bench.store();
  bench.sent[0].reject(new Failure("policy.publish-denied"));
  await later(5);
  deepEqual(bench.failures, ["seq 1 policy.publish-denied"]);
  bench.store();
  equal(bench.sent.length, 1, "the channel is held");
  bench.store(1);
  equal(bench.messages.at(-1), "alarm 1");
  bench.acknowledges = true;
  bench.sent[1].resolve();
  await emptied(bench);
  deepEqual(bench.messages.slice(2).sort(), ["telemetry 1", "telemetry 2"]);
});

test("Basic Ingest goes to the rule, past the broker", () => {
  const bench = new Bench(undefined, [channel({ rule: "store_samples" })]);
  bench.outbox.resume();
  bench.store();
  equal(bench.sent[0].topic, "$aws/rules/store_samples/dt/test/telemetry");
});

test("a sample that flash does not take is not counted, and costs no number", () => {
  const bench = new Bench();
  bench.store();
  for (let block = 0; block < 16; block++) bench.flash.broken.add(block);
  throws(() => bench.store(), /flash\.write-failed/);
  bench.flash.broken.clear();
  equal(new Bench(bench.flash.restart()).store(), 2);
});

test("a closed outbox does nothing about what comes back late", async () => {
  const bench = new Bench();
  bench.acknowledges = false;
  bench.outbox.resume();
  bench.store();
  bench.outbox.close();
  bench.sent[0].reject(new Failure("mqtt.closed"));
  await later(5);
  deepEqual(bench.failures, []);
});

test("two days at a sample a minute fit in 128 KB, and come within three minutes while fresh ones are not held up", async () => {
  const day = 86_400_000;
  const pace = 2;
  // What the node does in 100 ms this bench does in 2.
  const scale = 100 / pace;
  const bench = new Bench(new ModelFlash(32, 4096), undefined, pace);
  const minutes = (2 * day) / 60_000;
  for (let minute = 0; minute < minutes; minute++) {
    bench.now = bench.now! + 60_000;
    bench.store();
  }
  bench.outbox.resume();
  const delays: number[] = [];
  let stored = minutes;
  for (;;) {
    await later(20);
    if (bench.outbox.isEmpty) break;
    const before = bench.sent.length;
    const seq = `"seq":${bench.store()},`;
    stored++;
    delays.push(
      bench.sent.slice(before).findIndex(({ text }) => text.includes(seq)),
    );
  }
  ok(delays.length > 2 && delays.every((delay) => delay === 0), String(delays));
  const replay = bench.messages.filter((text) => text.includes(","));
  const seconds = (replay.length * pace * scale) / 1000;
  ok(seconds < 180, `${seconds} s`);
  const seqs = bench.messages.join(",").match(/\d+/g)!.map(Number);
  equal(seqs.length, stored);
  equal(new Set(seqs).size, stored);
  ok(!bench.messages.some((text) => text.includes("of")), "none was dropped");
});
