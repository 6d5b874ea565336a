import Time from "time";
import Timer from "timer";
import { Backoff } from "../../../modules/system/backoff.js";
import { Failure } from "../../../modules/system/failure.js";
import { deepEqual, equal, ok, rejects, throws } from "../assert.js";
import { test } from "../harness.js";
import { fromHex, packet, raw, text, Wire } from "../mqtt/wire.js";
import { Fixture, Rotating, turn } from "./fixture.js";

const bytes = (value: string) => ArrayBuffer.fromString(value);
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "acknowledged",
    (error: unknown) => (error as Failure).code,
  );

/** Runs with another function of the SDK in place of one. */
async function instead(
  object: object,
  name: string,
  value: unknown,
  body: () => Promise<void>,
): Promise<void> {
  const before = Object.getOwnPropertyDescriptor(object, name)!;
  Object.defineProperty(object, name, { ...before, value });
  try {
    await body();
  } finally {
    Object.defineProperty(object, name, before);
  }
}

test("tries again by itself after a failure, which it tells", async () => {
  const fixture = new Fixture();
  await fixture.nextWire(() => fixture.connection.open());
  await fixture.nextWire(() =>
    fixture.wire.cut(new Failure("tcp.unreachable")),
  );
  await fixture.nextWire(() => fixture.wire.cut(new Failure("tls.truncated")));
  deepEqual(fixture.failures, ["tcp.unreachable", "tls.truncated"]);
  fixture.accept();
  equal(fixture.connection.online, true);
  fixture.connection.close();
});

test("tries nothing while there is no network, and goes on when there is one", async () => {
  const fixture = new Fixture();
  const { count } = Wire;
  fixture.connection.open();
  fixture.connection.suspend();
  await turn();
  equal(Wire.count, count);
  await fixture.connect();
  fixture.connection.suspend();
  ok(fixture.wire.closed);
  await fixture.nextWire(() => fixture.connection.open());
  fixture.connection.close();
  fixture.connection.open();
  await turn();
  equal(Wire.count, count + 2);
});

test("never sends two CONNECTs within a second, and connects at once after more days than ticks can count", async () => {
  const fixture = new Fixture();
  await fixture.connect();
  const before = Time.ticks;
  await fixture.nextWire(() => fixture.wire.cut());
  fixture.accept();
  ok(Time.delta(before) >= 980, `${Time.delta(before)} ms`);
  // From 25 to 50 days on, the difference of two 32-bit numbers is negative.
  await instead(
    Time,
    "delta",
    () => -1e9,
    async () => {
      await fixture.nextWire(() => fixture.wire.cut());
    },
  );
  ok(Time.delta(before) < 1_000_000);
  fixture.connection.close();
});

test("waits longer after each loss, and not longer only after 30 s online", async () => {
  const waits: number[] = [];
  let proven: (() => void) | undefined;
  const set = Timer.set.bind(Timer) as (
    callback: () => void,
    delay?: number,
    repeat?: number,
  ) => Timer;
  const fixture = new Fixture({
    backoff: new Backoff({ random: () => 0.9999 }),
  });
  await instead(
    Timer,
    "set",
    (callback: () => void, delay = 0) => {
      if (delay === 30_000) proven = callback;
      return set(callback, Math.min(delay, 10));
    },
    async () => {
      await fixture.connect();
      for (let loss = 0; loss < 9; loss++) {
        if (loss === 8) proven?.();
        await fixture.nextWire(() => fixture.wire.cut());
        waits.push(Math.round(fixture.records[loss].wait! / 1000));
        fixture.accept();
      }
    },
  );
  deepEqual(waits, [1, 2, 4, 8, 16, 32, 64, 120, 1]);
  fixture.connection.close();
});

test("tries 443 with ALPN when nothing comes of 8883, and remembers over restarts what worked", async () => {
  let kept: number | undefined;
  const portStore = {
    read: () => kept,
    write: (port: number) => {
      kept = port;
    },
  };
  const first = new Fixture({ port: undefined, portStore });
  await first.nextWire(() => first.connection.open());
  equal(first.opened.port, 8883);
  equal(first.opened.secure.alpn, undefined);
  await first.nextWire(() => first.wire.cut(new Failure("tcp.timed-out")));
  equal(first.opened.port, 443);
  deepEqual(first.opened.secure.alpn, ["x-amzn-mqtt-ca"]);
  equal(kept, undefined);
  first.accept();
  equal(kept, 443);
  deepEqual(first.failures, []);
  first.connection.close();

  const second = new Fixture({ port: undefined, portStore });
  await second.nextWire(() => second.connection.open());
  equal(second.opened.port, 443);
  await second.nextWire(() => second.wire.cut(new Failure("tls.unknown-root")));
  equal(second.opened.port, 8883);
  // The second one worked before, so it is not the network's fault.
  second.wire.cut(new Failure("tcp.unreachable"));
  while (second.failures.length === 0) await turn();
  deepEqual(second.failures, ["tls.unknown-root"]);
  second.connection.close();
});

test("tries every address of the endpoint before it waits", async () => {
  const fixture = new Fixture({ port: undefined });
  Rotating.addresses = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
  const tried: string[] = [];
  await fixture.nextWire(() => fixture.connection.open());
  for (;;) {
    tried.push(`${fixture.opened.address}:${fixture.opened.port}`);
    if (tried.length === 6) break;
    await fixture.nextWire(() => fixture.wire.cut(new Failure("tcp.closed")));
  }
  deepEqual(tried, [
    "192.0.2.1:8883",
    "192.0.2.1:443",
    "192.0.2.2:8883",
    "192.0.2.2:443",
    "192.0.2.3:8883",
    "192.0.2.3:443",
  ]);
  deepEqual(fixture.failures, []);
  await fixture.nextWire(() => fixture.wire.cut(new Failure("tcp.closed")));
  deepEqual(fixture.failures, ["tcp.closed"]);
  fixture.connection.close();
});

test("gives every reason of MQTT 5 for a message that is not taken in words", async () => {
  const fixture = new Fixture();
  await fixture.connect();
  const outcomes = ["87", "97", "90", "99", "00", "10"].map((code, index) => {
    const outcome = codeOf(fixture.connection.publish("t", bytes("x")));
    fixture.wire.receive(packet("40", `00 0${index + 1} ${code}`));
    return outcome;
  });
  deepEqual(await Promise.all(outcomes), [
    "policy.publish-denied",
    "mqtt.quota",
    "mqtt.topic-invalid",
    "mqtt.rejected",
    "acknowledged",
    "acknowledged",
  ]);
  fixture.connection.close();
});

test("says of a message that the broker hangs up on what it is likely to be", async () => {
  for (const [protocol, accepted, end, code] of [
    ["3.1.1", "00 00", undefined, "policy.likely"],
    ["5", "01 00 00", "e0 01 95", "mqtt.too-large"],
  ] as const) {
    const fixture = new Fixture({ protocol });
    const outcome = rejects(fixture.connection.publish("a/b", bytes("x")));
    await fixture.nextWire(() => fixture.connection.open());
    for (let turns = 0; turns < 3; turns++) {
      fixture.accept(accepted);
      await fixture.nextWire(() => {
        if (end) fixture.wire.receive(end);
        else fixture.wire.cut(new Failure("tls.closed"));
      });
    }
    const failure = (await outcome) as Failure;
    equal(failure.code, code);
    equal(failure.detail, "PUBLISH to a/b");
    ok(fixture.failures[0].startsWith(`${code} PUBLISH to a/b`));
    fixture.connection.close();
  }
});

test("a refusal before CONNACK is told as IoT Core means it", async () => {
  const fixture = new Fixture();
  await fixture.nextWire(() => fixture.connection.open());
  fixture.wire.open();
  await fixture.nextWire(() => fixture.wire.cut(new Failure("tls.closed")));
  fixture.wire.open();
  await fixture.nextWire(() => fixture.wire.receive("20 03 00 87 00"));
  fixture.wire.open();
  // The network's end is not the broker's.
  await fixture.nextWire(() => fixture.wire.cut(new Failure("tls.truncated")));
  deepEqual(fixture.failures, [
    "mqtt.closed-before-connack client id node-1",
    "policy.connect-denied not authorized (0x87)",
    "tls.truncated",
  ]);
  fixture.connection.close();
});

test("refuses what is beyond IoT Core's limits and names the limit, before anything is sent", async () => {
  const fixture = new Fixture();
  await fixture.connect();
  const { connection } = fixture;
  for (const [topic, size, words] of [
    ["a/b", 131_073, /131073 bytes, IoT Core takes 131072/],
    ["a/".repeat(8), 1, /8 slashes, IoT Core takes 7/],
    ["é".repeat(129), 1, /258 bytes, IoT Core takes 256/],
    ["a/#", 1, /must not hold/],
  ] as const)
    await rejects(connection.publish(topic, new ArrayBuffer(size)), words);
  for (let index = 0; index < 50; index++)
    connection.subscribe(`f/${index}`, {}, () => undefined);
  throws(
    () => connection.subscribe("one/more", {}, () => undefined),
    /50 subscriptions/,
  );
  // The first one goes at once, the others eight at a time when it is acknowledged.
  const filters = () =>
    fixture.wire
      .take()
      .map((one) => fromHex(one).filter((byte) => byte === 0x66).length);
  deepEqual(filters(), [1]);
  fixture.wire.receive(packet("90", "00 01 00 01"));
  deepEqual(filters(), [8]);
  connection.close();
});

test("publishes no faster than IoT Core takes it", async () => {
  const fixture = new Fixture({ capacity: 100 });
  await fixture.connect();
  for (let index = 0; index < 30; index++)
    void codeOf(fixture.connection.publish("t", bytes("x")));
  const sent = fixture.wire.take().length;
  equal(sent, 20);
  let later = 0;
  while (later < 10) {
    await turn();
    later += fixture.wire.take().length;
  }
  fixture.connection.close();
});

test("tells who is interested whether the node is there", async () => {
  const fixture = new Fixture({ presence: "p" });
  await fixture.nextWire(() => fixture.connection.open());
  const connect = fixture.accept();
  ok(connect.includes(raw('{"online":false}')));
  const [arrived] = fixture.wire.take();
  ok(arrived.startsWith("33 "), "QoS 1, retained");
  ok(arrived.includes(raw('{"online":true,"time":')));
  fixture.connection.close();
  deepEqual(fixture.wire.take(), [
    packet("31", `${text("p")} 00 ${raw('{"online":false}')}`),
    "e0 00",
  ]);
});

test("keeps a record of every attempt, from its beginning to its end", async () => {
  const fixture = new Fixture({
    vitals: { RSSI: () => -61, memory: () => 45_000 },
  });
  await fixture.nextWire(() => fixture.connection.open());
  await fixture.nextWire(() =>
    fixture.wire.cut(new Failure("tcp.unreachable")),
  );
  fixture.accept();
  const { end, online, ...running } = {
    end: "",
    online: 0,
    ...fixture.records[1],
  };
  equal(end, "");
  equal(online, 0);
  deepEqual(Object.keys(running).sort(), [
    "RSSI",
    "address",
    "connack",
    "dns",
    "memory",
    "port",
    "time",
    "tls",
  ]);
  equal(running.RSSI, -61);
  equal(running.memory, 45_000);
  fixture.connection.suspend();
  const [first, second] = fixture.records;
  equal(first.end, "tcp.unreachable");
  equal(first.wait, 0);
  equal(second.end, "suspended");
  equal(typeof second.online, "number");
  equal(fixture.records.length, 2);
  fixture.connection.close();
});

test("refuses options that IoT Core would not take", () => {
  for (const options of [
    { clientId: "x".repeat(129) },
    { clientId: "$me" },
    { keepAlive: 10_000 },
    { presence: "a/+" },
  ])
    throws(() => new Fixture(options), Failure);
});
