import Time from "time";
import { equal, ok, throws } from "../assert.js";
import { test } from "../harness.js";

test("setting the clock moves Date, and not the ticks", () => {
  const ticks = Time.ticks;
  Time.set(Date.UTC(2030, 0, 2, 3, 4, 5) / 1000);
  equal(new Date().toISOString().slice(0, 18), "2030-01-02T03:04:0");
  ok(Time.delta(ticks) >= 0 && Time.delta(ticks) < 60_000);
  throws(() => Time.set(-1), RangeError);
});

test("the node's time is in UTC", () => {
  equal(new Date().getTimezoneOffset(), 0);
});

test("the difference of two ticks is right across their wrap", () => {
  equal(Time.delta(0x7fffffff, -0x80000000 + 4), 5);
  equal(Time.delta(-3, 4), 7);
});

test("microseconds grow", () => {
  const first = Time.microseconds;
  let second = first;
  while (second === first) second = Time.microseconds;
  ok(second > first);
});
