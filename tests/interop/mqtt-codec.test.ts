/** Packets that our code reads or writes, on XS, against mqtt-packet as the other opinion, in both versions. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { generate, parser, type Packet } from "mqtt-packet";
import { runMQTTSubject } from "./mqtt-subject.js";

type Level = 4 | 5;
type Values = Record<string, unknown>;

const toHex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");

/** Runs of 300 packets of each kind; a failing one is told with the seed that made it. */
const runs = { numRuns: 300, seed: Date.now() & 0x7fffffff };
const sample = <T>(arbitrary: fc.Arbitrary<T>): T[] =>
  fc.sample(arbitrary, runs);

// MQTT has no U+0000, and a topic no wildcards; the interesting characters are those of two to four bytes.
const text = fc
  .string({ unit: "grapheme", maxLength: 40 })
  .map((value) => value.replaceAll("\0", "0"));
const topic = text.map((value) => `t${value.replaceAll(/[#+]/g, "/")}`);
const long = fc.oneof(
  { weight: 9, arbitrary: topic },
  {
    weight: 1,
    arbitrary: fc.nat(400).map((count) => "é".repeat(count + 1)),
  },
);
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc.nat(800).map((length) => new Uint8Array(length).fill(7)),
);
const id = fc.integer({ min: 1, max: 65_535 });
const uint16 = fc.integer({ min: 1, max: 65_535 });
const uint32 = fc.integer({ min: 1, max: 0xffffffff });
const data = fc.uint8Array({ minLength: 1, maxLength: 200 });
// Not empty: mqtt-packet forgets an empty value when its name comes again.
const userProperties = fc.array(fc.tuple(topic, topic), {
  minLength: 1,
  maxLength: 4,
});
const optional = (record: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(record, { requiredKeys: [] });

const message = {
  payloadFormatIndicator: fc.constantFrom(0, 1),
  messageExpiryInterval: uint32,
  contentType: text,
  responseTopic: topic,
  correlationData: data,
  userProperties,
};
const reasoned = { reasonString: text, userProperties };

/** Our properties as mqtt-packet has them: it wants an object of lists for user properties, and some numbers as flags. */
function theirs(properties: Values | undefined): Values {
  const result: Values = {};
  for (const [name, value] of Object.entries(properties ?? {}))
    if (name === "userProperties") {
      const named: Record<string, string[]> = {};
      for (const [key, one] of value as [string, string][])
        (named[key] ??= []).push(one);
      result[name] = named;
    } else if (name === "payloadFormatIndicator") result[name] = value === 1;
    else
      result[name] = value instanceof Uint8Array ? Buffer.from(value) : value;
  return result;
}

/** The order of equal names is all that an object of lists keeps. */
function normal(properties: Values | undefined): Values {
  const result: Values = {};
  for (const [name, value] of Object.entries(theirs(properties)))
    if (name === "userProperties")
      result[name] = Object.entries(value as Record<string, string[]>).sort(
        ([a], [b]) => (a < b ? -1 : 1),
      );
    else if (value instanceof Uint8Array) result[name] = toHex(value);
    else result[name] = value;
  return result;
}

const incoming = (level: Level) => {
  const properties = (record: Record<string, fc.Arbitrary<unknown>>) =>
    level === 5 ? optional(record) : fc.constant({});
  const codes = level === 5 ? [0, 1, 0x80, 0x87, 0x97] : [0, 1, 0x80];
  const puback = level === 5 ? [0, 0x10, 0x87, 0x97] : [0];
  return fc.oneof(
    fc.record({
      cmd: fc.constant("publish"),
      topic: long,
      qos: fc.constantFrom(0, 1),
      retain: fc.boolean(),
      messageId: id,
      payload,
      properties: properties({
        ...message,
        subscriptionIdentifier: fc.integer({ min: 1, max: 268_435_455 }),
        topicAlias: uint16,
      }),
    }),
    fc.record({
      cmd: fc.constant("connack"),
      sessionPresent: fc.boolean(),
      properties: properties({
        ...reasoned,
        sessionExpiryInterval: uint32,
        receiveMaximum: uint16,
        maximumQoS: fc.constantFrom(0, 1),
        retainAvailable: fc.boolean(),
        maximumPacketSize: uint32,
        assignedClientIdentifier: text,
        topicAliasMaximum: uint16,
        wildcardSubscriptionAvailable: fc.boolean(),
        subscriptionIdentifiersAvailable: fc.boolean(),
        sharedSubscriptionAvailable: fc.boolean(),
        serverKeepAlive: uint16,
        responseInformation: text,
        serverReference: text,
        authenticationMethod: text,
        authenticationData: data,
      }),
    }),
    fc.record({
      cmd: fc.constant("puback"),
      messageId: id,
      reasonCode: fc.constantFrom(...puback),
      properties: properties(reasoned),
    }),
    fc.record({
      cmd: fc.constant("suback"),
      messageId: id,
      granted: fc.array(fc.constantFrom(...codes), {
        minLength: 1,
        maxLength: 8,
      }),
      properties: properties(reasoned),
    }),
    fc.record({
      cmd: fc.constant("unsuback"),
      messageId: id,
      granted: fc.array(fc.constantFrom(0, 0x11, 0x87), {
        minLength: 1,
        maxLength: 8,
      }),
      properties: properties(reasoned),
    }),
    fc.constant({ cmd: "pingresp", properties: {} }),
    ...(level === 5
      ? [
          fc.record({
            cmd: fc.constant("disconnect"),
            reasonCode: fc.constantFrom(0, 0x8b, 0x8e, 0xa2),
            properties: optional({ ...reasoned, serverReference: text }),
          }),
        ]
      : []),
  );
};

/** Runs our code over the packets, as many at a time as the program's configuration may hold. */
async function runCodec(
  kind: "decode" | "encode",
  vectors: object[],
): Promise<Values[]> {
  const lines: Values[] = [];
  let batch: unknown[] = [];
  let size = 0;
  for (const [index, vector] of vectors.entries()) {
    const json = JSON.stringify(vector, (_name, value: unknown) =>
      value instanceof Uint8Array ? { hex: toHex(value) } : value,
    );
    batch.push(JSON.parse(json));
    size += Buffer.byteLength(json);
    if (size < 8000 && index < vectors.length - 1) continue;
    lines.push(...(await runMQTTSubject("subject-codec", { [kind]: batch })));
    batch = [];
    size = 0;
  }
  return lines;
}

const numbers: Record<string, number> = {
  connack: 2,
  publish: 3,
  puback: 4,
  suback: 9,
  unsuback: 11,
  pingresp: 13,
  disconnect: 14,
};

for (const level of [4, 5] as const) {
  const version = level === 4 ? "3.1.1" : "5";

  test(`reads what mqtt-packet writes, in any pieces, MQTT ${version}`, async () => {
    const packets = sample(incoming(level)) as Values[];
    const sizes = sample(
      fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 600 })), {
        minLength: 1,
        maxLength: 5,
      }),
    );
    const decode = packets.map((one, index) => ({
      level,
      sizes: sizes[index],
      hex: toHex(
        generate(
          {
            returnCode: 0,
            reasonCode: 0,
            dup: false,
            ...one,
            ...(one.payload !== undefined && {
              payload: Buffer.from(one.payload as Uint8Array),
            }),
            properties: theirs(one.properties as Values),
          } as unknown as Packet,
          { protocolVersion: level },
        ),
      ),
    }));
    const lines = await runCodec("decode", decode);
    assert.equal(lines.length, packets.length);
    lines.forEach((line, index) => {
      const sent = packets[index];
      const why = `seed ${runs.seed}: ${decode[index].hex}`;
      assert.equal(line.type, numbers[String(sent.cmd)], why);
      assert.equal(line.left, 0, why);
      assert.deepEqual(
        normal(line.properties as Values),
        normal(sent.properties as Values),
        why,
      );
      if (sent.cmd === "publish") {
        assert.equal(line.topic, sent.topic, why);
        assert.equal(line.QoS, sent.qos, why);
        assert.equal(line.retain, sent.retain, why);
        assert.equal(line.payload, toHex(sent.payload as Uint8Array), why);
        if (sent.qos === 1) assert.equal(line.packetId, sent.messageId, why);
      } else if (sent.messageId !== undefined)
        assert.equal(line.packetId, sent.messageId, why);
      if (sent.cmd === "connack")
        assert.equal(line.sessionPresent, sent.sessionPresent, why);
      if (sent.cmd === "suback" || (sent.cmd === "unsuback" && level === 5))
        assert.deepEqual(line.reasonCodes, sent.granted, why);
      if (sent.reasonCode !== undefined)
        assert.equal(line.reasonCode, sent.reasonCode, why);
    });
  });

  test(`writes what mqtt-packet reads, MQTT ${version}`, async () => {
    const properties = (record: Record<string, fc.Arbitrary<unknown>>) =>
      level === 5 ? { properties: optional(record) } : {};
    const boolean = fc.boolean();
    const QoS = fc.constantFrom(0, 1);
    const requests = sample(
      fc.oneof(
        fc.record({
          operation: fc.constant(1),
          options: fc.record(
            {
              host: fc.constant("broker"),
              id: topic,
              clean: boolean,
              keepAlive: fc
                .integer({ min: 0, max: 65_535 })
                .map((s) => s * 1000),
              user: text.map((value) => `u${value}`),
              will: fc.record({
                topic,
                message: data,
                QoS,
                retain: boolean,
                ...properties({ ...message, willDelayInterval: uint32 }),
              }),
              ...properties({
                sessionExpiryInterval: uint32,
                receiveMaximum: uint16,
                maximumPacketSize: uint32,
                topicAliasMaximum: uint16,
                requestResponseInformation: boolean,
                requestProblemInformation: boolean,
                userProperties,
                authenticationMethod: text,
                authenticationData: data,
              }),
            },
            { requiredKeys: ["host", "id"] },
          ),
        }),
        fc.record({
          operation: fc.constant(3),
          options: fc.record({
            topic: long,
            QoS,
            retain: boolean,
            payload,
            ...properties(message),
          }),
        }),
        fc.record({
          operation: fc.constantFrom(8, 10),
          options: fc.record({
            items: fc.array(
              fc.record({
                topic,
                QoS,
                noLocal: boolean,
                retainAsPublished: boolean,
                retainHandling: fc.constantFrom(0, 1, 2),
              }),
              { minLength: 1, maxLength: 8 },
            ),
            ...properties({ userProperties }),
          }),
        }),
      ),
    ) as { operation: number; options: Values }[];
    const encode = requests.map((request, index) => ({
      level,
      id: (index % 65_535) + 1,
      ...request,
    }));
    const lines = await runCodec("encode", encode);
    assert.equal(lines.length, requests.length);
    lines.forEach((line, index) => {
      const { operation, options } = requests[index];
      const hex = String(line.hex);
      const why = `seed ${runs.seed}: ${hex}`;
      const read: Values[] = [];
      const other = parser({ protocolVersion: level });
      other.on("packet", (one) => read.push(one as unknown as Values));
      other.on("error", (error: Error) =>
        assert.fail(`${error.message}; ${why}`),
      );
      other.parse(Buffer.from(hex.replaceAll(" ", ""), "hex"));
      assert.equal(read.length, 1, why);
      const packet = read[0];
      compare(operation, level, packet, options, index + 1, why);
    });
  });
}

function compare(
  operation: number,
  level: Level,
  packet: Values,
  options: Values,
  messageId: number,
  why: string,
): void {
  const same = (name: string, expected: unknown) =>
    assert.deepEqual(packet[name], expected, `${name}, ${why}`);
  const properties = (actual: unknown, expected: unknown) =>
    assert.deepEqual(
      readNormal(actual as Values),
      normal(expected as Values),
      why,
    );
  if (operation === 1) {
    same("clientId", options.id);
    same("clean", options.clean ?? true);
    same("keepalive", Number(options.keepAlive ?? 0) / 1000);
    same("username", options.user);
    same("protocolVersion", level);
    if (level === 5)
      properties(packet.properties, {
        receiveMaximum: 32,
        ...(options.properties as Values),
      });
    const will = options.will as Values | undefined;
    const got = packet.will as Values | undefined;
    assert.equal(got === undefined, will === undefined, why);
    if (!will || !got) return;
    assert.equal(got.topic, will.topic, why);
    assert.equal(got.qos, will.QoS, why);
    assert.equal(got.retain, will.retain, why);
    assert.equal(
      toHex(got.payload as Buffer),
      toHex(will.message as Uint8Array),
      why,
    );
    if (level === 5) properties(got.properties, will.properties);
    return;
  }
  if (level === 5) properties(packet.properties, options.properties);
  if (operation === 3) {
    same("topic", options.topic);
    same("qos", options.QoS);
    same("retain", options.retain);
    if (options.QoS === 1) same("messageId", messageId);
    assert.equal(
      toHex(packet.payload as Buffer),
      toHex(options.payload as Uint8Array),
      why,
    );
    return;
  }
  same("messageId", messageId);
  const items = options.items as Values[];
  if (operation === 10) {
    same(
      "unsubscriptions",
      items.map((item) => item.topic),
    );
    return;
  }
  assert.deepEqual(
    packet.subscriptions,
    items.map((item) =>
      level === 4
        ? { topic: item.topic, qos: item.QoS }
        : {
            topic: item.topic,
            qos: item.QoS,
            nl: item.noLocal,
            rap: item.retainAsPublished,
            rh: item.retainHandling,
          },
    ),
    why,
  );
}

/** What mqtt-packet has read: user properties as one text or a list of them. */
function readNormal(properties: Values | undefined): Values {
  const result: Values = {};
  for (const [name, value] of Object.entries(properties ?? {}))
    if (name === "userProperties")
      result[name] = Object.entries(value as Record<string, string | string[]>)
        .map(([key, one]) => [key, typeof one === "string" ? [one] : one])
        .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
    else if (value instanceof Uint8Array) result[name] = toHex(value);
    else result[name] = value;
  return result;
}
