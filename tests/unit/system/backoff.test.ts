import { Backoff } from "../../../modules/system/backoff.js";
import { equal, ok } from "../assert.js";
import { test } from "../harness.js";

test("the bound of the waits doubles up to the limit", () => {
  const backoff = new Backoff({ base: 1000, limit: 120_000, random: () => 1 });
  const waits = Array.from({ length: 10 }, () => backoff.next());
  equal(
    waits.join(),
    "1000,2000,4000,8000,16000,32000,64000,120000,120000,120000",
  );
});

test("a wait is anywhere between nothing and its bound", () => {
  const numbers = [0, 0.5, 0.999];
  const backoff = new Backoff({ base: 1000, random: () => numbers.shift()! });
  equal(backoff.next(), 0);
  equal(backoff.next(), 1000);
  equal(backoff.next(), 3996);
});

test("a reset starts from the shortest wait again", () => {
  const backoff = new Backoff({ base: 1000, random: () => 1 });
  backoff.next();
  backoff.next();
  backoff.reset();
  equal(backoff.attempts, 0);
  equal(backoff.next(), 1000);
});

test("a thousand failed attempts do not overflow the wait", () => {
  const backoff = new Backoff({ random: () => 1 });
  for (let attempt = 0; attempt < 1000; attempt++)
    ok(backoff.next() <= 120_000);
});
