import { Failure } from "../../../modules/system/failure.js";
import { PostMortem } from "../../../modules/system/post-mortem.js";
import { Retained } from "../../../modules/system/retained.js";
import type { ResetReason } from "../../../modules/system/power.js";
import { deepEqual, equal } from "../assert.js";
import { test } from "../harness.js";
import { ModelPower } from "./model-power.js";

const lifeOf = (reason: ResetReason, retained?: string) => {
  const power = new ModelPower(reason, retained);
  const postMortem = new PostMortem(power, new Retained(power));
  postMortem.close();
  return { power, postMortem };
};

const told = async (postMortem: PostMortem) => {
  const payloads: string[] = [];
  await postMortem.tell((payload) => {
    payloads.push(String.fromArrayBuffer(payload));
    return Promise.resolve();
  });
  return payloads;
};

test("tells once how the life before ended, and its last failure", async () => {
  const before = lifeOf("power-on");
  before.postMortem.note(new Failure("wifi.lost"));
  before.postMortem.note(new Failure("tls.out-of-memory"));
  const { postMortem } = lifeOf("watchdog", before.power.retained);
  deepEqual(await told(postMortem), [
    '{"reset":"watchdog","failure":"tls.out-of-memory","heapLow":40000}',
  ]);
  deepEqual(await told(postMortem), []);
});

test("tells again what could not be told", async () => {
  const { postMortem } = lifeOf("panic");
  await postMortem.tell(() => Promise.reject(new Failure("mqtt.closed")));
  deepEqual(await told(postMortem), ['{"reset":"panic"}']);
});

test("keeps what could not be told over lives without a connection, the first ends and the last", async () => {
  let life = lifeOf("panic");
  life = lifeOf("sleep", life.power.retained);
  deepEqual(life.postMortem.report, { reset: "panic" });
  for (const reset of ["watchdog", "software", "brownout"] as const) {
    life.postMortem.note(new Failure("wifi.not-found"));
    life = lifeOf(reset, life.power.retained);
  }
  const failed = { failure: "wifi.not-found", heapLow: 40_000 };
  const report = {
    reset: "brownout",
    ...failed,
    earlier: [{ reset: "panic" }, { reset: "watchdog", ...failed }],
  };
  deepEqual(await told(life.postMortem), [JSON.stringify(report)]);
  deepEqual(lifeOf("sleep", life.power.retained).postMortem.report, undefined);
});

test("tells how little heap was left of a life that ended without a failure", () => {
  const { power } = lifeOf("power-on");
  const { postMortem } = lifeOf("panic", power.retained);
  deepEqual(postMortem.report, { reset: "panic", heapLow: 40_000 });
});

test("says nothing of being switched on, nor of waking", async () => {
  deepEqual(await told(lifeOf("power-on").postMortem), []);
  deepEqual(await told(lifeOf("sleep").postMortem), []);
});

test("a failure is told of the life it was in, not of the one after", () => {
  const first = lifeOf("power-on");
  first.postMortem.note(new Failure("wifi.lost"));
  const second = lifeOf("panic", first.power.retained);
  equal(second.postMortem.report?.failure, "wifi.lost");
  const third = lifeOf("panic", second.power.retained);
  equal(third.postMortem.report?.failure, undefined);
});

test("takes what it cannot read for nothing", () => {
  deepEqual(lifeOf("brownout", "\u0001{").postMortem.report, {
    reset: "brownout",
  });
});
