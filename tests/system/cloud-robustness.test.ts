import assert from "node:assert/strict";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import mqttPacket, { type Packet } from "mqtt-packet";
import {
  PacketError,
  PacketReader,
} from "../../simulator/cloud/mqtt/packet-reader.js";
import {
  filterProblem,
  topicProblem,
} from "../../simulator/cloud/mqtt/topic.js";
import { TopicTree } from "../../simulator/cloud/mqtt/topic-tree.js";
import { sleep, TestCloud, WireClient, type Device } from "./cloud-fixture.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Bytes of buffers that are really in use. Freed ones are counted until a sweep that runs on the side is through. */
async function keptBytes(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    collectGarbage();
    await sleep(20);
  }
  return process.memoryUsage().arrayBuffers;
}

let cloud: TestCloud;
let free: Device;
let witness: WireClient;

before(async () => {
  cloud = await TestCloud.start({
    choices: {
      connectRate: 0,
      publishRate: 0,
      throughput: 0,
      connectTimeout: 300,
      handshakeTimeout: 300,
    },
  });
  free = await cloud.freeDevice("free");
  witness = await WireClient.connect(cloud, free, { clientId: "witness" });
});
after(() => cloud.stop());

describe("whatever comes after the handshake", () => {
  test("random bytes instead of a CONNECT end that connection only", async () => {
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const client = await WireClient.open(cloud, free);
      client.socket.write(
        Buffer.from(
          fc.sample(fc.uint8Array({ minLength: 40, maxLength: 400 }), {
            seed,
            numRuns: 1,
          })[0],
        ),
      );
      assert.equal(await client.hungUp(), true);
    }
    assert.equal(await witness.ping(), true);
  });

  test("mutated packets of a connected client never end the cloud", async () => {
    const packets: Packet[] = [
      {
        cmd: "publish",
        topic: "a/b",
        payload: Buffer.from("x"),
        qos: 1,
        dup: false,
        retain: false,
        messageId: 3,
        properties: {
          topicAlias: 1,
          userProperties: { a: "b" },
          messageExpiryInterval: 5,
        },
      },
      {
        cmd: "subscribe",
        messageId: 4,
        subscriptions: [
          { topic: "a/+/#", qos: 1, nl: false, rap: true, rh: 1 },
        ],
      },
      { cmd: "unsubscribe", messageId: 5, unsubscriptions: ["a", "b"] },
      { cmd: "puback", messageId: 6, reasonCode: 0 },
      {
        cmd: "disconnect",
        reasonCode: 4,
        properties: { sessionExpiryInterval: 9 },
      },
    ];
    const mutation = fc.tuple(
      fc.nat(packets.length - 1),
      fc.array(fc.tuple(fc.nat(60), fc.nat(255)), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.nat(30),
    );
    for (const [index, changes, cut] of fc.sample(mutation, {
      seed: 42,
      numRuns: 60,
    })) {
      const client = await WireClient.connect(cloud, free, {
        clientId: "mutant",
        protocolVersion: 5,
      });
      const bytes = mqttPacket.generate(packets[index], { protocolVersion: 5 });
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      client.socket.write(
        cut < 10 ? bytes.subarray(0, bytes.length - cut) : bytes,
      );
      client.socket.write(Buffer.from([0xc0, 0]));
      await sleep(2);
      await client.drop();
    }
    assert.equal(await witness.ping(), true);
    assert.deepEqual(
      cloud.events.filter(
        (event) =>
          "reason" in event &&
          event.reason?.includes("the cloud failed") === true,
      ),
      [],
    );
  });

  test("random bytes throw nothing but a PacketError out of the reader", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }),
        (pieces) => {
          const reader = new PacketReader(1_000);
          try {
            for (const piece of pieces) {
              reader.feed(Buffer.from(piece));
              while (reader.next());
            }
          } catch (error) {
            assert.ok(error instanceof PacketError, String(error));
          }
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test("packets are cut the same however their bytes arrive", () => {
    const packets: Packet[] = [
      {
        cmd: "connect",
        clientId: "c",
        protocolVersion: 4,
        protocolId: "MQTT",
        clean: true,
        keepalive: 5,
      },
      {
        cmd: "publish",
        topic: "t",
        payload: Buffer.alloc(300, 65),
        qos: 0,
        dup: false,
        retain: false,
      },
      { cmd: "pingreq" },
    ];
    const bytes = Buffer.concat(
      packets.map((packet) => mqttPacket.generate(packet)),
    );
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 20 }),
        (sizes) => {
          const reader = new PacketReader(1_000);
          const got: string[] = [];
          let at = 0;
          for (let turn = 0; at < bytes.length; turn++) {
            const size = sizes[turn % sizes.length];
            reader.feed(bytes.subarray(at, at + size));
            at += size;
            for (let packet = reader.next(); packet; packet = reader.next())
              got.push(packet.cmd);
          }
          assert.deepEqual(got, ["connect", "publish", "pingreq"]);
          assert.equal(reader.waiting, 0);
        },
      ),
    );
  });
});

describe("clients that do not play along", () => {
  test("a half-open connection is closed: without a ClientHello, and without a CONNECT", async () => {
    const silent = net.connect(cloud.cloud.port, "127.0.0.1");
    silent.on("error", () => silent.destroy());
    silent.resume();
    const gone = new Promise((resolve) => silent.on("close", resolve));
    const quiet = await WireClient.open(cloud, free);
    await gone;
    assert.equal(await quiet.hungUp(), true);
  });

  test("one that never reads holds a bounded amount of memory, others get their messages", async () => {
    const deaf = await WireClient.connect(cloud, free, { clientId: "deaf" });
    await deaf.subscribe([{ topic: "flood/#", qos: 1 }]);
    deaf.stopAnswering();
    deaf.socket.pause();
    const reader = await WireClient.connect(cloud, free, {
      clientId: "reader",
    });
    await reader.subscribe([{ topic: "flood/last", qos: 1 }]);
    const sender = await WireClient.connect(cloud, free, {
      clientId: "sender",
    });
    const payload = Buffer.alloc(100_000, 65);
    const before = await keptBytes();
    for (let round = 0; round < 10; round++) {
      for (let count = 0; count < 20; count++)
        sender.publish("flood/x", payload, {
          qos: count % 2,
          messageId: count + 1,
        });
      await sender.ping();
    }
    const grown = (await keptBytes()) - before;
    assert.ok(grown < 6_000_000, `${grown} bytes for 20 MB that nobody reads`);
    await cloud.event("discarded", ({ client }) => client === "deaf");
    const ended = cloud.events.filter(({ type }) => type === "disconnected");
    assert.ok(
      !ended.some((event) => "client" in event && event.client === "deaf"),
    );
    sender.publish("flood/last", "end", { qos: 1 });
    assert.deepEqual(await reader.message(), ["flood/last", "end"]);
    for (const client of [deaf, reader, sender]) await client.drop();
  });

  test("one that asks without reading the answers is not read any further", async () => {
    const greedy = await WireClient.connect(cloud, free, {
      clientId: "greedy",
    });
    greedy.socket.pause();
    const pings = Buffer.concat(
      Array.from({ length: 50_000 }, () => Buffer.from([0xc0, 0])),
    );
    for (let round = 0; round < 40; round++) greedy.socket.write(pings);
    await sleep(300);
    assert.ok(greedy.socket.writableLength > 0, "the cloud took all of it");
    assert.equal(await witness.ping(), true);
    await greedy.drop();
  });

  test("10,000 topics do no harm", async () => {
    const many = await WireClient.connect(cloud, free, { clientId: "many" });
    await many.subscribe("many/+/x");
    for (let index = 0; index < 10_000; index++)
      many.publish(`many/${index}/y`, "x");
    many.publish("many/last/x", "x", { qos: 1 });
    assert.deepEqual(await many.message(), ["many/last/x", "x"]);
    await many.disconnect();
  });
});

describe("topics and filters", () => {
  const level = fc.constantFrom("a", "b", "", "$x", "+");
  const topic = fc
    .array(fc.constantFrom("a", "b", "", "$x"), { minLength: 1, maxLength: 4 })
    .map((levels) => levels.join("/"));
  const filter = fc
    .tuple(fc.array(level, { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([levels, below]) => [...levels, ...(below ? ["#"] : [])].join("/"));

  /** AWS's rules by a regular expression. */
  function naive(text: string, name: string): boolean {
    if (name.startsWith("$") && /^[+#]/.test(text)) return false;
    const source = text
      .split("/")
      .map((part) =>
        part === "+" ? "[^/]*" : part === "#" ? ".*" : part.replace("$", "\\$"),
      )
      .join("/");
    return new RegExp(`^${source}$`).test(name);
  }

  test("the tree finds what a second, naive matcher finds, and forgets what is removed", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(filter, { maxLength: 6 }),
        topic,
        fc.nat(6),
        (filters, name, gone) => {
          const tree = new TopicTree<string>();
          for (const text of filters) tree.add(text, "key", text);
          const removed = filters.splice(gone, 1);
          for (const text of removed) tree.remove(text, "key");
          const found: string[] = [];
          tree.match(name, (text) => found.push(text));
          assert.deepEqual(
            found.sort(),
            filters.filter((text) => naive(text, name)).sort(),
          );
          for (const text of filters) tree.remove(text, "key");
          assert.equal(tree.empty, true);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test("what is malformed is refused", () => {
    for (const text of [
      "",
      "a/#/b",
      "a#",
      "#a",
      "a+/b",
      "a/b+",
      "$share/g",
      "$share//a",
      "$share/+/a",
      "$share/g/",
      "a\0b",
      `$share/${"g".repeat(129)}/a`,
    ])
      assert.notEqual(filterProblem(text), undefined, text);
    for (const text of [
      "#",
      "+",
      "/",
      "a/#",
      "+/+",
      "a//b",
      "$share/g/#",
      "$aws/things/+/shadow/#",
    ])
      assert.equal(filterProblem(text), undefined, text);
    for (const text of ["", "a/+", "#", "a\0", "$aws/rules/r/"])
      assert.notEqual(topicProblem(text), undefined, text);
  });
});
