import Timer from "timer";
import { Clock, releaseTime } from "../../../modules/system/clock.js";
import {
  TimeService,
  type TimeClient,
} from "../../../modules/system/time-service.js";
import { deepEqual, equal } from "../assert.js";
import { test } from "../harness.js";

type Answer = Parameters<TimeClient["getTime"]>[0];

const nothingKept = { read: () => undefined, write: () => undefined };

/** A service whose time client answers when the test says so. */
const serviceOf = (options: { timeout?: number; retry?: number } = {}) => {
  const clock = new Clock({ time: nothingKept, drift: nothingKept });
  const questions: Answer[] = [];
  const closed: number[] = [];
  const asked: string[] = [];
  const service = new TimeService({
    clock,
    servers: ["one", "two", "three"],
    ...options,
    client: (servers) => {
      asked.push(servers.join());
      const number = questions.length;
      return {
        getTime: (callback) => questions.push(callback),
        close: () => closed.push(number),
      };
    },
  });
  return { clock, questions, closed, asked, service };
};

const later = (milliseconds: number) =>
  new Promise<void>((resolve) => Timer.set(() => resolve(), milliseconds));

test("an answer sets the clock and closes the client", async () => {
  const { clock, questions, closed, service } = serviceOf();
  const set = service.synchronise();
  questions[0](null, releaseTime + 86_400_000);
  equal(await set, true);
  equal(clock.isSet, true);
  equal(closed.join(), "0");
  service.close();
});

test("silence lets the node go on, and is asked about again", async () => {
  const { clock, questions, closed, service } = serviceOf({
    timeout: 5,
    retry: 10,
  });
  equal(await service.synchronise(), false);
  equal(clock.isSet, false);
  equal(closed.join(), "0");
  await later(40);
  equal(questions.length >= 2, true);
  service.close();
});

test("an answer after the time limit is not listened to", async () => {
  const { clock, questions, service } = serviceOf({ timeout: 5 });
  await service.synchronise();
  questions[0](null, releaseTime + 86_400_000);
  equal(clock.isSet, false);
  service.close();
});

test("a time before the firmware was made is not believed", async () => {
  const { clock, questions, service } = serviceOf();
  const set = service.synchronise();
  questions[0](null, releaseTime - 1);
  equal(await set, false);
  equal(clock.isSet, false);
  service.close();
});

test("a service that was closed asks nobody any more", async () => {
  const { questions, service } = serviceOf({ timeout: 5, retry: 5 });
  await service.synchronise();
  service.close();
  await later(30);
  equal(questions.length, 1);
});

test("begins with the next server after one whose time was not believed", async () => {
  const { questions, asked, service } = serviceOf({ retry: 1 });
  void service.synchronise();
  questions[0](null, releaseTime - 1);
  while (questions.length < 2) await later(2);
  questions[1](null, releaseTime + 86_400_000);
  deepEqual(asked, ["one,two,three", "two,three,one"]);
  service.close();
});

test("a node waits for its first time, not for those after it", async () => {
  const { clock, questions, service } = serviceOf();
  let ready = false;
  const first = service.ready().then(() => (ready = true));
  await later(2);
  equal(ready, false);
  questions[0](null, releaseTime + 86_400_000);
  await first;
  equal(clock.isSet, true);
  await service.ready();
  equal(questions.length, 2);
  service.close();
});

test("settles when the clock is set, and without a time after the limit", async () => {
  const { questions, service } = serviceOf();
  const settled = service.settled(60_000);
  void service.synchronise();
  questions[0](null, releaseTime + 86_400_000);
  await settled;
  service.close();
  const unanswered = serviceOf();
  await unanswered.service.settled(2);
  unanswered.service.close();
});
