import { Clock, releaseTime } from "../../../modules/system/clock.js";
import { equal, ok } from "../assert.js";
import { test } from "../harness.js";

const store = (kept?: number) => ({
  kept,
  writes: 0,
  read() {
    return this.kept;
  },
  write(seconds: number) {
    this.kept = seconds;
    this.writes++;
  },
});

test("never reads earlier than the firmware's release", () => {
  ok(new Clock(store()).now >= releaseTime);
});

test("never reads earlier than the last time kept in flash", () => {
  const later = releaseTime / 1000 + 400 * 86_400;
  ok(new Clock(store(later)).now >= later * 1000);
});

test("is not set until somebody who knows has set it", () => {
  const clock = new Clock(store());
  equal(clock.isSet, false);
  equal(clock.set(releaseTime + 86_400_000), true);
  equal(clock.isSet, true);
});

test("keeps the milliseconds of the time it is given", () => {
  const clock = new Clock(store());
  const now = releaseTime + 86_400_789;
  clock.set(now);
  ok(clock.now >= now && clock.now < now + 1000, `${clock.now} for ${now}`);
});

test("refuses a time before its floor, so that old certificates stay dead", () => {
  const clock = new Clock(store());
  equal(clock.set(releaseTime - 1), false);
  equal(clock.isSet, false);
});

test("keeps the time in flash at most once an hour", () => {
  const kept = store();
  const clock = new Clock(kept);
  clock.set(releaseTime + 86_400_000);
  clock.set(releaseTime + 86_400_000 + 60_000);
  equal(kept.writes, 1);
  clock.set(releaseTime + 86_400_000 + 3_600_001);
  equal(kept.writes, 2);
});

test("is set also where the time cannot be kept in flash", () => {
  const clock = new Clock({
    read: () => undefined,
    write: () => {
      throw new Error("flash is full");
    },
  });
  equal(clock.set(releaseTime + 86_400_000), true);
  equal(clock.isSet, true);
});
