import Timer from "timer";
import { Failure } from "../../../modules/system/failure.js";
import { Outbox } from "../../../modules/telemetry/outbox.js";
import type { Sample } from "../../../modules/telemetry/sample.js";
import { deepEqual, equal } from "../assert.js";
import { test } from "../harness.js";

const sample = (seq: number): Sample => ({
  seq,
  time: 0,
  temperature: 20,
  humidity: 50,
});

/** An outbox whose sends end when the test says so. */
const outboxOf = (capacity?: number) => {
  const sends: {
    seq: number;
    resolve: () => void;
    reject: (failure: Failure) => void;
  }[] = [];
  const sent: number[] = [];
  const failed: string[] = [];
  const dropped: number[] = [];
  const outbox = new Outbox({
    send: ({ seq }) =>
      new Promise((resolve, reject) => sends.push({ seq, resolve, reject })),
    onSent: ({ seq }) => sent.push(seq),
    onFailed: ({ seq }, { code }) => failed.push(`${seq} ${code}`),
    onDropped: ({ seq }) => dropped.push(seq),
    ...(capacity === undefined ? {} : { capacity }),
  });
  return { outbox, sends, sent, failed, dropped };
};

/** Lets promises that are settled tell those who wait for them. */
const settled = () =>
  new Promise<void>((resolve) => Timer.set(() => resolve()));

test("nothing is sent while there is no connection", () => {
  const { outbox, sends } = outboxOf();
  outbox.add(sample(1));
  equal(sends.length, 0);
  outbox.resume();
  equal(sends.length, 1);
});

test("samples go out one after another, in order", async () => {
  const { outbox, sends, sent } = outboxOf();
  outbox.resume();
  for (const seq of [1, 2, 3]) outbox.add(sample(seq));
  for (let index = 0; index < 3; index++) {
    equal(sends.length, index + 1);
    sends[index].resolve();
    await settled();
  }
  deepEqual(sent, [1, 2, 3]);
  equal(outbox.length, 0);
});

test("a sample whose failure heals is sent again when the connection is back", async () => {
  const { outbox, sends, sent, failed } = outboxOf();
  outbox.resume();
  outbox.add(sample(1));
  outbox.pause();
  sends[0].reject(new Failure("mqtt.closed"));
  await settled();
  equal(sends.length, 1);
  outbox.resume();
  sends[1].resolve();
  await settled();
  deepEqual(failed, ["1 mqtt.closed"]);
  deepEqual(sent, [1]);
});

test("a sample whose failure does not heal makes room for the next", async () => {
  const { outbox, sends, failed } = outboxOf();
  outbox.resume();
  outbox.add(sample(1));
  outbox.add(sample(2));
  sends[0].reject(new Failure("policy.publish-denied"));
  await settled();
  deepEqual(failed, ["1 policy.publish-denied"]);
  equal(sends[1].seq, 2);
});

test("a full outbox gives up the oldest sample that is not on its way, and says so", async () => {
  const { outbox, sends, sent, dropped } = outboxOf(2);
  outbox.resume();
  for (const seq of [1, 2, 3]) outbox.add(sample(seq));
  deepEqual(dropped, [2]);
  for (let index = 0; index < 2; index++) {
    sends[index].resolve();
    await settled();
  }
  deepEqual(sent, [1, 3]);
});
