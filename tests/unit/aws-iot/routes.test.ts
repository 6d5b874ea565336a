import { Routes } from "../../../modules/aws-iot/routes.js";
import type { Completion } from "../../../modules/mqtt/delivery.js";
import type { Message } from "../../../modules/mqtt/incoming.js";
import { Failure } from "../../../modules/system/failure.js";
import { deepEqual } from "../assert.js";
import { test } from "../harness.js";

/** Routes over a session that is the test, and what they asked of it. */
function fixture() {
  const asked: string[] = [];
  const answers = new Map<string, Completion>();
  const routes = new Routes({
    subscribe: (filter, options, callback) => {
      asked.push(`subscribe ${filter} ${options?.QoS}`);
      answers.set(filter, callback!);
    },
    unsubscribe: (filter) => asked.push(`unsubscribe ${filter}`),
  });
  const heard: string[] = [];
  const listen = (name: string) => (topic: string) =>
    void heard.push(`${name}: ${topic}`);
  const deliver = (topic: string) =>
    routes.deliver(topic, new ArrayBuffer(0), { topic } as Message);
  return { routes, asked, answers, heard, listen, deliver };
}

test("hands a message to every listener whose filter it matches, wildcards included", () => {
  const { routes, heard, listen, deliver } = fixture();
  for (const filter of ["a/b", "a/+", "a/#", "#", "$share/g/a/b", "+/c"])
    routes.add(filter, {}, listen(filter));
  deliver("a/b");
  deliver("x/c");
  deliver("$aws/b");
  deepEqual(heard, [
    "a/b: a/b",
    "a/+: a/b",
    "a/#: a/b",
    "#: a/b",
    "$share/g/a/b: a/b",
    "#: x/c",
    "+/c: x/c",
  ]);
});

test("asks the broker once for a filter that several share, and again for a higher QoS", () => {
  const { routes, asked, heard, listen, deliver } = fixture();
  const one = routes.add("f", { QoS: 0 }, listen("one"));
  const two = routes.add("f", { QoS: 0 }, listen("two"));
  const three = routes.add("f", { QoS: 1 }, listen("three"));
  deliver("f");
  for (const subscription of [one, one, two, three]) subscription.close();
  deliver("f");
  deepEqual(heard, ["one: f", "two: f", "three: f"]);
  deepEqual(asked, ["subscribe f 0", "subscribe f 1", "unsubscribe f"]);
});

test("tells each subscriber once what the broker said, and forgets a filter that it refused", () => {
  const { routes, asked, answers, heard, listen, deliver } = fixture();
  const told: string[] = [];
  const tell = (name: string) => ({
    onSubscribed: (failure: Failure | undefined) =>
      void told.push(`${name} ${failure?.code ?? "granted"}`),
  });
  routes.add("f", tell("one"), listen("one"));
  answers.get("f")!(undefined, 1);
  routes.add("f", tell("two"), listen("two"));
  routes.lost("f", new Failure("mqtt.quota"));
  const refused = routes.add("f", tell("three"), listen("three"));
  answers.get("f")!(new Failure("policy.subscribe-denied"), 0x87);
  refused.close();
  deliver("f");
  deepEqual(told, [
    "one granted",
    "two granted",
    "three policy.subscribe-denied",
  ]);
  deepEqual(heard, []);
  deepEqual(asked, ["subscribe f 1", "subscribe f 1"]);
});

test("goes on when a listener throws or ends its own subscription", () => {
  const { routes, heard, listen, deliver } = fixture();
  routes.add("f", {}, () => {
    throw new Error("an application's mistake");
  });
  const own = routes.add("f", {}, () => own.close());
  routes.add("f", {}, listen("last"));
  deliver("f");
  deliver("f");
  deepEqual(heard, ["last: f", "last: f"]);
});
