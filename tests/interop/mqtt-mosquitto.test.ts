/** The session and the client, on XS and over TCP, against a stock mosquitto. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Mosquitto } from "./mosquitto.js";
import { MQTTProxy } from "./mqtt-proxy.js";
import { runMQTTSubject, type MQTTEvent } from "./mqtt-subject.js";

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);
const only = (events: MQTTEvent[], name: string) =>
  events.filter(({ event }) => event === name);

for (const protocol of ["5", "3.1.1"] as const)
  describe(`mosquitto by MQTT ${protocol}`, { concurrency: false }, () => {
    let broker: Mosquitto;
    let identity = 0;
    const run = (
      script: object,
      onEvent?: (event: MQTTEvent) => void,
    ): Promise<MQTTEvent[]> =>
      runMQTTSubject(
        "subject-session",
        { port: broker.port, id: `node${++identity}`, protocol, ...script },
        onEvent,
      );
    before(async () => (broker = await Mosquitto.start()));
    after(() => broker.stop());

    test("gets every message of QoS 0 and 1 in order", async () => {
      for (const QoS of [0, 1]) {
        const watcher = await broker.watch(`order/${QoS}`);
        const events = await run({
          publish: { topic: `order/${QoS}`, QoS, count: 200 },
        });
        await watcher.until(({ length }) => length === 200);
        watcher.stop();
        assert.deepEqual(
          watcher.messages,
          numbers(200).map((number) => `order/${QoS} ${number}`),
        );
        assert.deepEqual(only(events, "failed"), []);
      }
    });

    test("keeps what is retained and sends it on subscribing", async () => {
      await broker.publish("-t", "kept/a", "-m", "before", "-r");
      await run({
        publish: { topic: "kept/b", QoS: 1, count: 1, retain: true },
      });
      const events = await run({ subscribe: ["kept/#", "none/+"], receive: 2 });
      const messages = only(events, "message").map((event) =>
        [event.topic, event.text, event.retain].join(" "),
      );
      assert.deepEqual(messages.sort(), [
        "kept/a before true",
        "kept/b 0 true",
      ]);
      assert.deepEqual(
        only(events, "subscribed").map(({ reasonCode }) => reasonCode),
        [1, 1],
      );
    });

    test("publishes the will of a node that is gone, not of one that says goodbye", async () => {
      const watcher = await broker.watch("will/#");
      const will = { topic: "will/said", message: "gone", QoS: 1 };
      const publish = { topic: "none", QoS: 1, count: 1 };
      await run({ will, publish, end: "disconnect" });
      await run({
        will: { ...will, topic: "will/gone" },
        publish,
        end: "gone",
      });
      await watcher.until(({ length }) => length > 0);
      watcher.stop();
      assert.deepEqual(watcher.messages, ["will/gone gone"]);
    });

    test("keeps messages for a node that is away, which subscribes only once", async () => {
      const proxy = new MQTTProxy(broker.port, protocol === "5" ? 5 : 4);
      const port = await proxy.listen();
      const events = await run(
        {
          port,
          subscribe: ["away/#"],
          receive: 3,
          leave: { after: 1, for: 400 },
        },
        ({ event }) => {
          if (event === "subscribed")
            void broker.publish("-t", "away/1", "-m", "1");
          if (event === "left")
            void delay(150).then(async () => {
              for (const number of ["2", "3"])
                await broker.publish("-q", "1", "-t", "away/x", "-m", number);
            });
        },
      );
      proxy.close();
      assert.deepEqual(
        only(events, "connected").map(({ sessionPresent }) => sessionPresent),
        [false, true],
      );
      assert.deepEqual(
        only(events, "message").map(({ text }) => text),
        ["1", "2", "3"],
      );
      assert.equal(proxy.count("subscribe"), 1);
      assert.equal(proxy.count("puback"), 2);
    });

    test("takes its part of a shared subscription", async () => {
      const other = await broker.watch("$share/group/shared/+");
      const events = await run(
        { subscribe: ["$share/group/shared/+"], receive: 5 },
        ({ event }) => {
          if (event === "subscribed")
            void (async () => {
              for (const number of numbers(10))
                await broker.publish("-t", `shared/${number}`, "-m", "x");
            })();
        },
      );
      await other.until(({ length }) => length === 5);
      other.stop();
      const topics = [
        ...only(events, "message").map(({ topic }) => String(topic)),
        ...other.messages.map((line) => line.split(" ")[0]),
      ];
      assert.deepEqual(
        topics.sort(),
        numbers(10).map((number) => `shared/${number}`),
      );
    });

    test("carries 100 KB in both directions through buffers of 512 bytes", async () => {
      const events = await run({
        subscribe: ["large"],
        publish: { topic: "large", QoS: 1, count: 2, size: 100_000, window: 1 },
        receive: 2,
      });
      assert.deepEqual(
        only(events, "large").map(({ byteLength, right }) => [
          byteLength,
          right,
        ]),
        [
          [100_000, true],
          [100_000, true],
        ],
      );
    });

    test("gets every message although a third of the acknowledgements is lost", async () => {
      let count = 0;
      const proxy = new MQTTProxy(
        broker.port,
        protocol === "5" ? 5 : 4,
        ({ cmd }) => !(cmd === "puback" || cmd === "suback") || ++count % 3 > 0,
      );
      const port = await proxy.listen();
      const watcher = await broker.watch("lossy");
      const events = await run({
        port,
        resendAfter: 100,
        subscribe: ["a", "b"],
        publish: { topic: "lossy", QoS: 1, count: 60 },
      });
      await watcher.until(({ length }) => length >= 60);
      watcher.stop();
      proxy.close();
      const first = [...new Set(watcher.messages)];
      assert.deepEqual(
        first,
        numbers(60).map((number) => `lossy ${number}`),
      );
      assert.equal(only(events, "connected").length, 1);
      assert.deepEqual(only(events, "failed"), []);
      const resent = proxy.fromClient.filter(
        (packet) => packet.cmd === "publish" && packet.dup,
      );
      assert.ok(resent.length >= 20, `${resent.length} were sent again`);
    });

    test("gets every message although it is killed again and again", async () => {
      let killing = Promise.resolve();
      let connections = 0;
      const count = 400;
      await run(
        {
          publish: {
            topic: "killed",
            QoS: 1,
            count,
            numbered: true,
            window: 5,
          },
        },
        ({ event }) => {
          if (event !== "connected" || ++connections > 3) return;
          killing = delay(connections * 3).then(async () => {
            await broker.kill();
            await broker.launch();
          });
        },
      );
      await killing;
      const received = new Set(
        [
          ...broker.log.matchAll(/Received PUBLISH from .*'killed\/(\d+)'/g),
        ].map(([, number]) => Number(number)),
      );
      assert.deepEqual(
        [...received].sort((a, b) => a - b),
        numbers(count),
      );
      assert.ok(connections > 1, "it was never killed in time");
    });
  });

describe("mosquitto by MQTT 5 alone", { concurrency: false }, () => {
  let broker: Mosquitto;
  before(async () => (broker = await Mosquitto.start()));
  after(() => broker.stop());

  test("learns a topic alias, and messages become shorter", async () => {
    const proxy = new MQTTProxy(broker.port, 5);
    const port = await proxy.listen();
    const watcher = await broker.watch("#");
    const topic = "dt/fieldnode/a-long-name-of-a-thing/telemetry";
    await runMQTTSubject("subject-session", {
      port,
      id: "alias",
      protocol: "5",
      publish: { topic, QoS: 1, count: 4, window: 1 },
    });
    await watcher.until(({ length }) => length === 4);
    watcher.stop();
    proxy.close();
    assert.deepEqual(
      watcher.messages,
      numbers(4).map((number) => `${topic} ${number}`),
    );
    const [first, ...others] = proxy.publishSizes;
    assert.deepEqual(
      others.map((size) => first - size),
      others.map(() => topic.length),
    );
  });

  test("understands topic aliases of a broker that has learnt them", async () => {
    // This mosquitto takes aliases, but gives none: they are put into what it sends.
    const aliases = new Map<string, number>();
    let shortened = 0;
    const proxy = new MQTTProxy(broker.port, 5, (packet) => {
      if (packet.cmd !== "publish") return true;
      const known = aliases.get(packet.topic);
      const topicAlias = known ?? aliases.size + 1;
      aliases.set(packet.topic, topicAlias);
      packet.properties = { ...packet.properties, topicAlias };
      if (known === undefined) return true;
      packet.topic = "";
      shortened++;
      return true;
    });
    const events = await runMQTTSubject(
      "subject-session",
      {
        ...{ port: await proxy.listen(), id: "aliased", protocol: "5" },
        properties: { topicAliasMaximum: 5 },
        subscribe: ["aliased/#"],
        publish: { topic: "aliased/a", QoS: 1, count: 4, window: 1 },
        receive: 5,
      },
      ({ event }) => {
        if (event === "subscribed")
          void broker.publish("-q", "1", "-t", "aliased/b", "-m", "b");
      },
    );
    proxy.close();
    const messages = only(events, "message").map(
      ({ topic, text }) => `${String(topic)} ${String(text)}`,
    );
    assert.deepEqual(messages.sort(), [
      ...numbers(4).map((number) => `aliased/a ${number}`),
      "aliased/b b",
    ]);
    assert.equal(shortened, 3);
  });

  test("carries properties both ways and tells its own limits", async () => {
    const events = await runMQTTSubject("subject-session", {
      port: broker.port,
      id: "",
      protocol: "5",
      properties: { topicAliasMaximum: 5, sessionExpiryInterval: 0 },
      subscribe: ["properties"],
      publish: {
        topic: "properties",
        QoS: 1,
        count: 2,
        window: 1,
        properties: {
          contentType: "text/plain",
          responseTopic: "answer",
          messageExpiryInterval: 60,
          payloadFormatIndicator: 1,
          userProperties: [
            ["a", "1"],
            ["a", "é"],
          ],
        },
      },
      receive: 2,
    });
    for (const { properties } of only(events, "message")) {
      const { topicAlias: _, ...rest } = properties as Record<string, unknown>;
      assert.deepEqual(rest, {
        contentType: "text/plain",
        responseTopic: "answer",
        messageExpiryInterval: 60,
        payloadFormatIndicator: 1,
        userProperties: [
          ["a", "1"],
          ["a", "é"],
        ],
      });
    }
    const [connected] = only(events, "connected");
    const said = connected.properties as Record<string, unknown>;
    assert.match(String(said.assignedClientIdentifier), /^auto-/);
    assert.equal(said.topicAliasMaximum, 10);
  });
});
