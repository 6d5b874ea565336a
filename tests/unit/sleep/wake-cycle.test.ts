import Timer from "timer";
import { WakeCycle } from "../../../modules/sleep/wake-cycle.js";
import type {
  ResetReason,
  SleepOptions,
} from "../../../modules/system/power.js";
import { Retained } from "../../../modules/system/retained.js";
import { deepEqual, equal, ok } from "../assert.js";
import { test } from "../harness.js";
import { ModelPower } from "../system/model-power.js";

interface Scene {
  reset?: ResetReason;
  retained?: string;
  isAlarm?: boolean;
  connectEvery?: number;
  limit?: number;
  pin?: SleepOptions["pin"];
}

const lifeOf = ({
  reset = "sleep",
  retained,
  isAlarm = false,
  connectEvery = 3,
  limit = 1000,
  pin,
}: Scene = {}) => {
  const power = new ModelPower(reset, retained);
  const events: string[] = [];
  const world = { isDelivered: false, power, events };
  const traffic = { sent: 0, received: 0 };
  const cycle = new WakeCycle({
    power,
    retained: new Retained(power),
    interval: 60_000,
    connectEvery,
    limit,
    ...(pin === undefined ? {} : { pin }),
    traffic,
    measure: () => {
      events.push("measure");
      return Promise.resolve(isAlarm);
    },
    connect: () => {
      events.push("connect");
      traffic.sent = 300;
      traffic.received = 200;
    },
    isDelivered: () => world.isDelivered,
    disconnect: () => events.push("disconnect"),
  });
  return { cycle, ...world, world };
};

/** A cloud that has what was published. */
const taken = () => Promise.resolve();

const later = (milliseconds: number) =>
  new Promise<void>((resolve) => Timer.set(() => resolve(), milliseconds));

test("measures and sleeps again, without the radio", async () => {
  const { cycle, power, events } = lifeOf();
  await cycle.run();
  deepEqual(events, ["measure"]);
  equal(power.sleeps.length, 1);
  const { milliseconds } = power.sleeps[0];
  ok(milliseconds > 50_000 && milliseconds <= 60_000, `${milliseconds}`);
});

test("connects on every third wake, and sleeps once all is acknowledged, not before", async () => {
  const connects: boolean[] = [];
  let retained: string | undefined;
  for (let wake = 1; wake <= 6; wake++) {
    const { cycle, power, events, world } = lifeOf({ retained });
    await cycle.run();
    connects.push(events.includes("connect"));
    if (connects.at(-1)) {
      cycle.delivered();
      await cycle.tell(taken);
      equal(power.sleeps.length, 0);
      world.isDelivered = true;
      cycle.delivered();
      await later(80);
      deepEqual(events, ["measure", "connect", "disconnect"]);
    }
    equal(power.sleeps.length, 1);
    retained = power.retained;
  }
  deepEqual(connects, [false, false, true, false, false, true]);
});

for (const reset of ["power-on", "panic", "watchdog"] as const)
  test(`connects on the first wake after ${reset}`, async () => {
    const { cycle, events } = lifeOf({ reset });
    await cycle.run();
    deepEqual(events, ["measure", "connect"]);
  });

test("connects at once on an alarm", async () => {
  const { cycle, events } = lifeOf({ isAlarm: true });
  await cycle.run();
  deepEqual(events, ["measure", "connect"]);
});

test("sleeps on what is in flash when the cloud does not answer in time", async () => {
  const { cycle, power, events } = lifeOf({ isAlarm: true, limit: 5 });
  await cycle.run();
  while (power.sleeps.length === 0) await later(2);
  deepEqual(events, ["measure", "connect", "disconnect"]);
  cycle.delivered();
  await later(80);
  equal(power.sleeps.length, 1);
});

test("adds up what the wakes have cost", async () => {
  let retained: string | undefined;
  for (let wake = 0; wake < 4; wake++) {
    const { cycle, power, world } = lifeOf({ retained, connectEvery: 2 });
    world.isDelivered = true;
    await cycle.run();
    if (wake % 2 === 1) await cycle.tell(taken);
    await later(80);
    retained = power.retained;
  }
  const { figures } = lifeOf({ retained }).cycle;
  equal(figures.wakes, 4);
  equal(figures.bytes, 1000);
  ok(figures.awake >= figures.radio);
});

test("tells the figures of the wakes before, and does not sleep before they are told", async () => {
  const before = '{"wakes":{"wakes":2,"awake":50,"radio":0,"bytes":0}}';
  const { cycle, power, world } = lifeOf({ retained: before });
  world.isDelivered = true;
  await cycle.run();
  cycle.delivered();
  await later(80);
  equal(power.sleeps.length, 0);
  const told: string[] = [];
  await cycle.tell((payload) => {
    told.push(String.fromArrayBuffer(payload));
    return Promise.resolve();
  });
  await later(80);
  deepEqual(told, ['{"wakes":2,"awake":50,"radio":0,"bytes":0}']);
  equal(power.sleeps.length, 1);
});

test("sleeps by the timer alone where the pin cannot wake the chip", async () => {
  const { cycle, power } = lifeOf({ pin: { number: 99, level: 0 } });
  await cycle.run();
  equal(power.sleeps.length, 1);
  equal(power.sleeps[0].pin, undefined);
});

test("begins to count anew after what it cannot read", () => {
  const { figures } = lifeOf({ retained: '{"wakes":{"wakes":"x"}}' }).cycle;
  deepEqual(figures, { wakes: 0, awake: 0, radio: 0, bytes: 0 });
});
