import Timer from "timer";
import { deepEqual, equal, throws } from "../assert.js";
import { test } from "../harness.js";

test("calls back once, with the timer, and never before its time", async () => {
  const start = Date.now();
  const given = await new Promise<Timer>((resolve) => {
    const timer: Timer = Timer.set((itself) => {
      equal(itself, timer);
      resolve(itself);
    }, 20);
  });
  equal(Date.now() - start >= 20, true);
  Timer.clear(given);
});

test("fires in the order of the times, and of the calls where the times are equal", async () => {
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    Timer.set(() => {
      order.push("late");
      resolve();
    }, 100);
    Timer.set(() => order.push("first"), 2);
    Timer.set(() => order.push("second"), 2);
  });
  deepEqual(order, ["first", "second", "late"]);
});

test("repeats until its own callback clears it", async () => {
  let count = 0;
  await new Promise<void>((resolve) => {
    Timer.repeat((timer) => {
      if (++count === 3) {
        Timer.clear(timer);
        Timer.set(() => resolve(), 10);
      }
    }, 2);
  });
  equal(count, 3);
});

test("a cleared timer never fires, and clearing twice does nothing", async () => {
  let fired = false;
  const timer = Timer.set(() => (fired = true), 1);
  Timer.clear(timer);
  Timer.clear(timer);
  Timer.clear(undefined);
  Timer.clear(null);
  await new Promise((resolve) => Timer.set(resolve, 5));
  equal(fired, false);
});

test("a resting timer fires when it is scheduled again", async () => {
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    const timer = Timer.set(() => {
      order.push("woken");
      resolve();
    }, 1);
    Timer.schedule(timer);
    Timer.set(() => {
      order.push("waker");
      Timer.schedule(timer, 1);
    }, 5);
  });
  deepEqual(order, ["waker", "woken"]);
});

test("a callback cannot schedule its own timer: the SDK's do each another thing then", async () => {
  const message = await new Promise<string>((resolve) => {
    Timer.set((timer) => {
      try {
        Timer.schedule(timer, 1);
      } catch (error) {
        resolve(String(error));
      }
    }, 1);
  });
  equal(message, "Error: Timer: it cannot be scheduled by its own callback");
});

test("promise jobs run between two timers that are due together", async () => {
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    Timer.set(() => {
      order.push("timer");
      void Promise.resolve().then(() => order.push("job"));
    });
    Timer.set(() => {
      order.push("next");
      resolve();
    });
  });
  deepEqual(order, ["timer", "job", "next"]);
});

test("refuses a callback that is no function", () => {
  throws(() => Timer.set(undefined as never), TypeError);
});
