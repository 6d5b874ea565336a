import Time from "time";
import { Pace } from "../../../modules/aws-iot/pace.js";
import { equal, ok } from "../assert.js";
import { test } from "../harness.js";

/** Runs with a clock that the test moves. */
function atTime(body: (advance: (milliseconds: number) => void) => void): void {
  let now = 0;
  const names = ["ticks", "delta"];
  const before = names.map((name) =>
    Object.getOwnPropertyDescriptor(Time, name)!,
  );
  Object.defineProperty(Time, "ticks", { configurable: true, get: () => now });
  Object.defineProperty(Time, "delta", {
    configurable: true,
    value: (ticks: number) => (now - ticks) | 0,
  });
  try {
    body((milliseconds) => (now += milliseconds));
  } finally {
    names.forEach((name, index) =>
      Object.defineProperty(Time, name, before[index]),
    );
  }
}

test("lets no more than 100 messages and 512 KB go in any second, and nearly as much in the long run", () => {
  for (const size of [10, 8000, 131_072])
    atTime((advance) => {
      const pace = new Pace();
      const times: number[] = [];
      for (let at = 0; at < 20_000;) {
        const wait = pace.next(size);
        if (wait > 0) {
          at += wait;
          advance(wait);
        } else times.push(at);
      }
      let first = 0;
      for (let last = 0; last < times.length; last++) {
        while (times[last] - times[first] >= 1000) first++;
        ok(last - first + 1 <= 100, `${last - first + 1} messages in a second`);
        ok((last - first + 1) * size <= 524_288, "too many bytes in a second");
      }
      const perSecond = times.length / 20;
      ok(perSecond >= 75 || perSecond * size >= 350_000, `${perSecond}`);
    });
});

test("counts what comes in, and starts afresh after more days than ticks can count", () => {
  atTime((advance) => {
    const pace = new Pace();
    for (let count = 0; count < 20; count++) pace.received(10);
    ok(pace.next(10) > 0);
    advance(3e9);
    equal(pace.next(10), 0);
  });
});
