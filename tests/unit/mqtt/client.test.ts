import { Failure } from "../../../modules/system/failure.js";
import MQTTClient, {
  type MQTTClientOptions,
} from "../../../modules/mqtt/client.js";
import type {
  ControlMessage,
  ReadableOptions,
} from "../../../modules/mqtt/client-options.js";
import { deepEqual, equal, ok, throws } from "../assert.js";
import { test } from "../harness.js";
import { packet, raw, text, toHex, wait, Wire } from "./wire.js";

/** A client on a wire, with what it called. */
class Fixture {
  readonly client: MQTTClient;
  readonly controls: ControlMessage[] = [];
  readonly failures: Failure[] = [];
  readonly messages: { options: ReadableOptions; payload: string }[] = [];
  writable: number[] = [];
  closes = 0;

  constructor(options: Partial<MQTTClientOptions> = {}) {
    this.client = new MQTTClient({
      host: "broker",
      id: "node",
      socket: { io: Wire },
      onReadable: (count, message) => {
        if (message.topic !== undefined)
          this.messages.push({ options: message, payload: "" });
        const one = this.messages[this.messages.length - 1];
        if (count > 0)
          one.payload += String.fromArrayBuffer(this.client.read(count)!);
      },
      onWritable: (count) => this.writable.push(count),
      onControl: (_operation, message) => this.controls.push(message),
      onClose: () => this.closes++,
      onError: (failure) => this.failures.push(failure),
      ...options,
    });
  }

  get wire(): Wire {
    return Wire.last;
  }

  /** Opens the connection; `properties` are CONNACK's in hex. */
  connect(properties = ""): this {
    this.wire.open();
    this.wire.take();
    this.wire.receive(
      packet("20", `00 00 ${packet("", properties).trim()}`.trim()),
    );
    return this;
  }

  get code(): string | undefined {
    return this.failures[0]?.code;
  }
}

const bytes = (value: string) => ArrayBuffer.fromString(value);

test("sends CONNECT when the socket is open, and nothing else before CONNACK", () => {
  const fixture = new Fixture({ keepAlive: 60_000 });
  deepEqual(fixture.wire.take(), []);
  fixture.wire.open();
  deepEqual(fixture.wire.take(), [
    packet("10", `${text("MQTT")} 05 02 00 3c 03 21 00 20 ${text("node")}`),
  ]);
  throws(() => fixture.client.write(bytes("x"), { topic: "a" }), /CONNACK/);
  fixture.wire.drain();
  deepEqual(fixture.wire.take(), []);
  equal(fixture.writable.length, 0);
  fixture.client.close();
  ok(fixture.wire.closed);
});

test("sends will, user, password and a kept session in MQTT 3.1.1", () => {
  const fixture = new Fixture({
    protocol: "3.1.1",
    clean: false,
    keepAlive: 1500,
    will: { topic: "w", message: "gone", QoS: 1, retain: true },
    user: "u",
    password: "p",
  });
  fixture.wire.open();
  deepEqual(fixture.wire.take(), [
    packet(
      "10",
      `${text("MQTT")} 04 ec 00 02 ${text("node")} ${text("w")} ${text("gone")} ${text("u")} ${text("p")}`,
    ),
  ]);
  fixture.wire.receive("20 02 01 00");
  equal(fixture.controls[0].sessionPresent, true);
  fixture.client.close();
});

test("takes CONNACK in single bytes and reports its properties", () => {
  const fixture = new Fixture();
  fixture.wire.open();
  fixture.wire.receive(packet("20", `00 00 06 21 00 05 13 00 1e`), 1);
  deepEqual(fixture.controls, [
    {
      operation: MQTTClient.CONNACK,
      properties: { receiveMaximum: 5, serverKeepAlive: 30 },
      reasonCode: 0,
      sessionPresent: false,
      keepAlive: 30_000,
    },
  ]);
  equal(fixture.writable.length, 1);
  fixture.client.close();
});

test("names why the broker refuses the connection", () => {
  const fixture = new Fixture();
  fixture.wire.open();
  fixture.wire.receive(
    packet("20", `00 87 ${packet("", `1f ${text("no")}`).trim()}`),
  );
  equal(fixture.code, "policy.connect-denied");
  equal(fixture.failures[0].detail, "not authorized (0x87): no");
  ok(fixture.wire.closed);

  const old = new Fixture({ protocol: "3.1.1" });
  old.wire.open();
  old.wire.receive("20 02 00 02");
  equal(old.code, "mqtt.refused");
  equal(old.failures[0].detail, "client identifier not valid (0x85)");
});

test("tells a broker that hangs up on CONNECT from one that hangs up later", () => {
  const early = new Fixture();
  early.wire.open();
  early.wire.cut(new Failure("tls.closed"));
  equal(early.code, "mqtt.closed-before-connack");
  const late = new Fixture().connect();
  late.wire.cut(new Failure("tls.closed"));
  equal(late.code, "tls.closed");
  const refused = new Fixture();
  refused.wire.open();
  refused.wire.cut(new Failure("tls.certificate-refused"));
  equal(refused.code, "tls.certificate-refused");
});

test("gives up when CONNACK does not come", async () => {
  const fixture = new Fixture({ timeout: 20 });
  fixture.wire.open();
  await wait(60);
  equal(fixture.code, "mqtt.no-connack");
});

test("publishes header and payload in one record", () => {
  const fixture = new Fixture().connect();
  fixture.wire.records = [];
  fixture.client.write(bytes("hello"), { topic: "a/b", QoS: 1, retain: true });
  deepEqual(fixture.wire.take(), [
    packet("33", `${text("a/b")} 00 01 00 ${raw("hello")}`),
  ]);
  fixture.client.write(new Uint8Array(1000), { topic: "a/b" });
  deepEqual(fixture.wire.records, [15, 1009]);
  fixture.client.close();
});

test("sends what the socket has no room for when it has room", () => {
  const fixture = new Fixture().connect();
  fixture.wire.room = 0;
  fixture.wire.drain(7);
  equal(fixture.client.write(bytes("0123456789"), { topic: "a" }), 0);
  throws(() => fixture.client.write(bytes("x"), { topic: "a" }), /onWritable/);
  fixture.wire.drain(4);
  fixture.wire.drain(1);
  fixture.writable = [];
  fixture.wire.drain(100);
  deepEqual(fixture.wire.take(), [
    packet("30", `${text("a")} 00 ${raw("0123456789")}`),
  ]);
  // 5 bytes were left, and 8 are held back for the next header.
  deepEqual(fixture.writable, [100 - 4 - 8]);
  fixture.client.close();
});

test("writes a message in pieces and lets nothing come between them", () => {
  const fixture = new Fixture().connect();
  fixture.client.write(bytes("ab"), { topic: "t", byteLength: 6 });
  throws(() => fixture.client.write(bytes("x"), { topic: "t" }), /missing/);
  // A QoS 1 message comes in between: its PUBACK has to wait.
  fixture.wire.receive(packet("32", `${text("q")} 00 09 00`));
  fixture.client.write(bytes("cd"));
  throws(() => fixture.client.write(bytes("too much")), RangeError);
  fixture.client.write(bytes("ef"));
  deepEqual(fixture.wire.take(), [
    packet("30", `${text("t")} 00 ${raw("abcdef")}`),
    "40 02 00 09",
  ]);
  fixture.client.close();
});

test("refuses wrong arguments at once and sends nothing", () => {
  const fixture = new Fixture().connect(`24 00 25 00 27 00 00 00 20 28 00`);
  const write = (options: object) => () =>
    fixture.client.write(new Uint8Array(30), options);
  const code = (body: () => unknown) => (throws(body, Failure) as Failure).code;
  equal(code(write({ topic: "a", QoS: 2 })), "mqtt.unsupported");
  equal(code(write({ topic: "a", QoS: 1 })), "mqtt.unsupported");
  equal(code(write({ topic: "a", retain: true })), "mqtt.unsupported");
  equal(code(write({ topic: "a" })), "mqtt.too-large");
  equal(
    code(write({ operation: 8, items: [{ topic: "a/#" }] })),
    "mqtt.unsupported",
  );
  throws(write({ topic: "a/#" }), RangeError);
  throws(write({ topic: "" }), RangeError);
  throws(write({ topic: "a\u0000b" }), RangeError);
  throws(write({ topic: "a\ud800b" }), RangeError);
  throws(write({ operation: 8, items: [] }), RangeError);
  throws(write({ operation: 10, items: [{ topic: "a#" }] }), RangeError);
  throws(write({ operation: 1 }), RangeError);
  throws(write({ topic: "a", properties: { receiveMaximum: 1 } }), TypeError);
  throws(write({ topic: "a", properties: { topicAlias: 1 } }), TypeError);
  equal(fixture.wire.pending, 0);
  equal(fixture.code, undefined);
  fixture.client.close();
  throws(
    () => new Fixture({ will: { topic: "a", message: "", QoS: 2 } }),
    Failure,
  );
  throws(() => new Fixture({ keepAlive: 1e9 }), RangeError);
});

test("subscribes and unsubscribes with every option", () => {
  const fixture = new Fixture().connect();
  fixture.client.write(undefined, {
    operation: MQTTClient.SUBSCRIBE,
    id: 300,
    items: [
      {
        topic: "a/+",
        QoS: 1,
        noLocal: true,
        retainAsPublished: true,
        retainHandling: 2,
      },
      { topic: "b" },
    ],
    properties: { subscriptionIdentifier: 200 },
  });
  fixture.client.write(undefined, {
    operation: MQTTClient.UNSUBSCRIBE,
    id: 301,
    items: [{ topic: "b" }],
  });
  deepEqual(fixture.wire.take(), [
    packet("82", `01 2c 03 0b c8 01 ${text("a/+")} 2d ${text("b")} 00`),
    packet("a2", `01 2d 00 ${text("b")}`),
  ]);
  fixture.wire.receive(
    `${packet("90", "01 2c 00 01 87")} ${packet("b0", "01 2d 00 11")}`,
  );
  deepEqual(fixture.controls.slice(1), [
    { operation: MQTTClient.SUBACK, id: 300, payload: [1, 0x87] },
    { operation: MQTTClient.UNSUBACK, id: 301, payload: [0x11] },
  ]);
  fixture.client.close();
});

test("acknowledges a QoS 1 message only after all of it was read", () => {
  const fixture = new Fixture({ onReadable: () => undefined }).connect();
  fixture.wire.receive(packet("32", `${text("t")} 00 07 00 ${raw("abcdef")}`));
  deepEqual(fixture.wire.take(), []);
  equal(String.fromArrayBuffer(fixture.client.read(4)!), "abcd");
  deepEqual(fixture.wire.take(), []);
  const rest = new Uint8Array(8);
  equal(fixture.client.read(rest), 2);
  equal(toHex(rest), `${raw("ef")} 00 00 00 00 00 00`);
  equal(fixture.client.read(), undefined);
  return wait(5).then(() => {
    deepEqual(fixture.wire.take(), ["40 02 00 07"]);
    fixture.client.close();
  });
});

test("gives whole, split, empty and large messages, whatever the pieces on the wire", () => {
  const large = "0123456789".repeat(200);
  const input = [
    packet("30", `${text("empty")} 00`),
    packet("3b", `${text("a/é")} 00 01 00 ${raw("x")}`),
    packet("30", `${text("large")} 00 ${raw(large)}`),
    packet("32", `${text("last")} 00 02 05 02 00 00 00 09 ${raw("y")}`),
  ].join(" ");
  for (const size of [1, 2, 3, 7, 100, 511, 512, 513, 5000]) {
    const fixture = new Fixture().connect();
    fixture.wire.receive(input, size);
    const { messages } = fixture;
    deepEqual(
      messages.map(({ payload }) => payload),
      ["", "x", large, "y"],
      `in pieces of ${size}`,
    );
    deepEqual(
      messages.map(({ options }) => options.topic),
      ["empty", "a/é", "large", "last"],
    );
    equal(messages[1].options.QoS, 1);
    equal(messages[1].options.duplicate, true);
    equal(messages[1].options.retain, true);
    equal(messages[2].options.byteLength, 2000);
    deepEqual(messages[3].options.properties, { messageExpiryInterval: 9 });
    deepEqual(fixture.wire.take(), ["40 02 00 01", "40 02 00 02"]);
    fixture.client.close();
  }
});

test("stops reading when acknowledgements cannot be sent, and loses none", () => {
  const fixture = new Fixture().connect();
  fixture.wire.drain(0);
  let input = "";
  for (let id = 1; id <= 200; id++)
    input += `${packet("32", `${text("t")} 00 ${toHex([id])} 00 ${raw("z")}`)} `;
  fixture.wire.receive(input);
  ok(fixture.messages.length < 100, "it read on and on");
  for (let turn = 0; turn < 100; turn++) fixture.wire.drain(10);
  equal(fixture.messages.length, 200);
  deepEqual(
    fixture.wire.take(),
    Array.from({ length: 200 }, (_, index) => `40 02 00 ${toHex([index + 1])}`),
  );
  fixture.client.close();
});

test("uses a topic alias once the broker is known to know it", () => {
  const fixture = new Fixture().connect("22 00 02");
  const publish = (topic: string, options = {}) => {
    fixture.client.write(bytes("x"), { topic, ...options });
    return fixture.wire.take()[0];
  };
  const whole = (topic: string, alias: string) =>
    packet("30", `${text(topic)} 03 23 00 ${alias} 78`);
  const short = (alias: string) => packet("30", `00 00 03 23 00 ${alias} 78`);
  equal(publish("a"), whole("a", "01"));
  equal(publish("a"), short("01"));
  const unsure = packet("32", `${text("b")} 00 05 03 23 00 02 78`);
  equal(publish("b", { QoS: 1, id: 5 }), unsure);
  equal(publish("b", { QoS: 1, id: 5 }), unsure);
  fixture.wire.receive("40 02 00 05");
  equal(publish("b"), short("02"));
  const full = packet("30", `${text("c")} 00 78`);
  equal(publish("c"), full, "no alias is left");
  equal(publish("c"), whole("c", "01"), "twice in a row takes the oldest");
  equal(publish("b"), short("02"));
  const again = publish("b", { QoS: 1, id: 6, duplicate: true });
  equal(again, packet("3a", `${text("b")} 00 06 03 23 00 02 78`));
  fixture.client.close();
});

test("understands the broker's topic aliases and refuses wrong ones", () => {
  const properties = { topicAliasMaximum: 2 };
  const fixture = new Fixture({ properties }).connect();
  const alias = (topic: string, number: string) =>
    packet("30", `${text(topic)} 03 23 00 ${number} 78`);
  fixture.wire.receive(
    [alias("a", "01"), alias("", "01"), alias("b", "01"), alias("", "01")].join(
      " ",
    ),
  );
  deepEqual(
    fixture.messages.map(({ options }) => options.topic),
    ["a", "a", "b", "b"],
  );
  fixture.wire.receive(alias("c", "03"));
  equal(fixture.code, "mqtt.malformed");
  deepEqual(fixture.wire.take(), ["e0 01 94"]);
  const unset = new Fixture({ properties }).connect();
  unset.wire.receive(alias("", "02"));
  deepEqual(unset.wire.take(), ["e0 01 82"]);
});

test("ends with DISCONNECT and waits for the broker to hang up", async () => {
  const fixture = new Fixture().connect();
  fixture.client.write(undefined, {
    operation: MQTTClient.DISCONNECT,
    reasonCode: 4,
    properties: { sessionExpiryInterval: 1 },
  });
  deepEqual(fixture.wire.take(), ["e0 07 04 05 11 00 00 00 01"]);
  throws(() => fixture.client.write(bytes("x"), { topic: "a" }));
  equal(fixture.closes, 0);
  fixture.wire.cut();
  equal(fixture.closes, 1);
  equal(fixture.code, undefined);
  await wait(1);
});

test("reports why the broker disconnects", () => {
  const expected: [string, string][] = [
    ["e0 00", "mqtt.disconnected"],
    ["e0 01 8e", "mqtt.session-taken"],
    ["e0 02 8b 00", "mqtt.disconnected"],
    ["e0 01 95", "mqtt.too-large"],
    ["e0 01 87", "policy.likely"],
  ];
  for (const [input, code] of expected) {
    const fixture = new Fixture().connect();
    fixture.wire.receive(input);
    equal(fixture.code, code);
    equal(fixture.failures.length, 1);
  }
});

test("turns what the socket throws into a Failure, not into an exception", async () => {
  const fixture = new Fixture().connect();
  fixture.wire.closed = true;
  fixture.client.write(bytes("x"), { topic: "a" });
  equal(fixture.code, undefined);
  await wait(5);
  equal(fixture.code, "tcp.closed");
});

test("reports a socket that cannot even be made", async () => {
  class Linkless {
    constructor() {
      throw new Error("no link");
    }
    read = () => undefined;
    write = () => undefined;
    close = () => undefined;
  }
  const fixture = new Fixture({ socket: { io: Linkless } });
  equal(fixture.code, undefined);
  await wait(1);
  equal(fixture.code, "tcp.unreachable");
});

test("may be closed in any of its callbacks", () => {
  const closing = new Fixture({
    onReadable() {
      this.close();
    },
  }).connect();
  closing.wire.receive(
    `${packet("30", `${text("a")} 00 78`)} ${packet("30", `${text("a")} 00 78`)}`,
  );
  ok(closing.wire.closed);
  const early = new Fixture({
    onControl() {
      this.close();
    },
  }).connect();
  ok(early.wire.closed);
  equal(early.writable.length, 0);
  equal(early.client.writable, 0);
});
