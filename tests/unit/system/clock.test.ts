import { Clock, releaseTime } from "../../../modules/system/clock.js";
import { deepEqual, equal, ok } from "../assert.js";
import { test } from "../harness.js";

const hour = 3_600_000;
const day = 24 * hour;

/** Flash that holds a number and counts how often it is written. */
const store = (kept?: number) => ({
  kept,
  writes: 0,
  read() {
    return this.kept;
  },
  write(value: number) {
    this.kept = value;
    this.writes++;
  },
});

/** A system's clock that goes on when a test lets it. Like an ESP32's it starts in 1970 and is set in whole seconds. */
class ScriptedSystem {
  now = 0;
  set(seconds: number): void {
    this.now = seconds * 1000;
  }
}

const clockOf = ({ time = store(), drift = store() } = {}) => {
  const system = new ScriptedSystem();
  return { clock: new Clock({ time, drift, system }), system, time, drift };
};

test("never reads earlier than the firmware's release, and goes on from there", () => {
  const { clock, system } = clockOf();
  equal(clock.now, releaseTime);
  system.now += 5000;
  equal(clock.now, releaseTime + 5000);
});

test("never reads earlier than the last time kept in flash", () => {
  const later = releaseTime / 1000 + 400 * 86_400;
  equal(clockOf({ time: store(later) }).clock.now, later * 1000);
});

test("takes the system's word for the time after a sleep over which that one kept it", () => {
  const system = new ScriptedSystem();
  system.now = releaseTime + 3 * day;
  const clock = new Clock({ time: store(), drift: store(), system });
  equal(clock.now, releaseTime + 3 * day);
  equal(clock.isSet, false);
  const wasSet = { time: store(), drift: store(), wasSet: true, system };
  equal(new Clock(wasSet).isSet, true);
  system.now = 0;
  equal(new Clock(wasSet).isSet, false);
});

test("is not set until somebody who knows has set it", () => {
  const { clock } = clockOf();
  equal(clock.isSet, false);
  equal(clock.set(releaseTime + day), true);
  equal(clock.isSet, true);
});

test("keeps the milliseconds of the time it is given", () => {
  const { clock, system } = clockOf();
  clock.set(releaseTime + day + 789);
  system.now += 1;
  equal(clock.now, releaseTime + day + 790);
});

test("refuses a time before its floor, so that old certificates stay dead", () => {
  const { clock } = clockOf();
  equal(clock.set(releaseTime - 1), false);
  equal(clock.isSet, false);
});

test("keeps a time in flash only after a verified server, and at most once an hour", () => {
  const { clock, system, time } = clockOf();
  clock.set(releaseTime + day);
  equal(time.writes, 0);
  clock.confirm(releaseTime - 30 * day);
  equal(time.kept, (releaseTime + day) / 1000);
  system.now += hour;
  clock.confirm(releaseTime - 30 * day);
  equal(time.writes, 1);
  system.now += 1;
  clock.confirm(releaseTime - 30 * day);
  equal(time.writes, 2);
});

test("a false time a century ahead is undone by the next right one, also after a restart", () => {
  const { clock, time } = clockOf();
  clock.set(releaseTime + 36_500 * day);
  equal(clock.set(releaseTime + day), true);
  equal(clock.now, releaseTime + day);
  equal(clockOf({ time }).clock.now, releaseTime);
});

test("a jump back by a day, behind a time that was confirmed, is refused", () => {
  const { clock } = clockOf();
  clock.set(releaseTime + 10 * day);
  clock.confirm(releaseTime);
  equal(clock.set(releaseTime + 9 * day), false);
  equal(clock.now, releaseTime + 10 * day);
});

test("an unset clock learns from a server's certificate that it is not earlier than that", () => {
  const { clock, time } = clockOf();
  clock.confirm(releaseTime + 100 * day);
  equal(clock.now, releaseTime + 100 * day);
  equal(clock.isSet, false);
  equal(clock.set(releaseTime + 99 * day), false);
  equal(time.kept, (releaseTime + 100 * day) / 1000);
});

test("tells those who measure intervals by how much it was set forward or backward", () => {
  const { clock, system } = clockOf();
  const steps: number[] = [];
  clock.onStep = (milliseconds) => steps.push(milliseconds);
  clock.set(releaseTime + day);
  system.now += 1000;
  clock.set(releaseTime + day + 400);
  deepEqual(steps, [day, -600]);
});

test("counts steadily over lives and certificates until it is set, and tells by how much that was wrong", () => {
  const { clock, system, time } = clockOf();
  equal(clock.wentOn, false);
  const first = clock.steady;
  system.now += 1000;
  clock.confirm(first + 10 * hour);
  equal(clock.now, first + 10 * hour);
  equal(clock.steady, first + 1000);
  const next = new Clock({ time: store(), drift: store(), system });
  equal(next.wentOn, true);
  system.now += 1000;
  equal(next.steady, first + 2000);
  const steps: number[] = [];
  next.onStep = (step) => steps.push(step);
  next.set(first + 2000 + 5 * day);
  deepEqual(steps, [5 * day]);
  equal(next.steady, next.now);
  // A floor that is above the system's time breaks the chain: nobody knows how far apart they are.
  equal(
    new Clock({ time, drift: store(), system: new ScriptedSystem() }).wentOn,
    false,
  );
});

test("learns its crystal's error between two settings, and keeps it over a restart", () => {
  const { clock, system, drift } = clockOf();
  clock.set(releaseTime + day);
  system.now += 12 * hour;
  clock.set(releaseTime + day + 12 * hour + 864); // 20 ppm
  const start = clock.now;
  system.now += 1_000_000;
  equal(clock.now, start + 1_000_020);

  const restarted = clockOf({ drift });
  restarted.system.now += 1_000_000;
  equal(restarted.clock.now, releaseTime + 1_000_020);
});

test("takes a jump of the time for no drift", () => {
  const { clock, system, drift } = clockOf();
  clock.set(releaseTime + day);
  system.now += 2 * hour;
  clock.set(releaseTime + 2 * day);
  equal(drift.writes, 0);
});

test("goes on past 2038 and through the last second of a leap day", () => {
  const { clock, system } = clockOf();
  const leap = Date.UTC(2040, 1, 29, 23, 59, 59);
  ok(leap > 2 ** 31 * 1000);
  clock.set(leap);
  clock.confirm(releaseTime);
  system.now += 1000;
  equal(new Date(clock.now).toISOString(), "2040-03-01T00:00:00.000Z");
});

test("reads the time kept past 2038", () => {
  const seconds = Date.UTC(2040, 1, 29, 23, 59, 59) / 1000;
  equal(clockOf({ time: store(seconds) }).clock.now, seconds * 1000);
});

test("is set also where the time cannot be kept in flash", () => {
  const full = {
    read: () => undefined,
    write: () => {
      throw new Error("flash is full");
    },
  };
  const clock = new Clock({ time: full, drift: full });
  equal(clock.set(releaseTime + day), true);
  clock.confirm(releaseTime);
  equal(clock.isSet, true);
});
