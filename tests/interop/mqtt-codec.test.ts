/** Packets that our code reads or writes, on XS, against mqtt-packet as the other opinion, in both versions. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parser } from "mqtt-packet";
import {
  data,
  encode,
  incoming,
  long,
  message,
  normal,
  optional,
  payload,
  readNormal,
  runInBatches,
  sample,
  seed,
  text,
  toHex,
  topic,
  uint16,
  uint32,
  userProperties,
  type Level,
  type Values,
} from "./mqtt-packets.js";

/** Packets of each kind. */
const count = 300;

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
    const packets = sample(incoming(level), count) as Values[];
    const sizes = sample(
      fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 600 })), {
        minLength: 1,
        maxLength: 5,
      }),
      count,
    );
    const decode = packets.map((one, index) => ({
      level,
      sizes: sizes[index],
      hex: toHex(encode(level, one)),
    }));
    const lines = await runInBatches("subject-codec", "decode", decode);
    assert.equal(lines.length, packets.length);
    lines.forEach((line, index) => {
      const sent = packets[index];
      const why = `seed ${seed}: ${decode[index].hex}`;
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
        assert.equal(line.duplicate, sent.dup, why);
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
    const items = fc.array(
      fc.record({
        topic,
        QoS,
        noLocal: boolean,
        retainAsPublished: boolean,
        retainHandling: fc.constantFrom(0, 1, 2),
      }),
      { minLength: 1, maxLength: 8 },
    );
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
              password: data,
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
            duplicate: boolean,
            payload,
            ...properties(message),
          }),
        }),
        fc.record({
          operation: fc.constant(8),
          options: fc.record({
            items,
            ...properties({
              userProperties,
              subscriptionIdentifier: fc.integer({ min: 1, max: 268_435_455 }),
            }),
          }),
        }),
        fc.record({
          operation: fc.constant(10),
          options: fc.record({ items, ...properties({ userProperties }) }),
        }),
        fc.record({ operation: fc.constant(12), options: fc.constant({}) }),
        fc.record({
          operation: fc.constant(14),
          options: fc.record({
            reasonCode: fc.constantFrom(0, 4, 0x80, 0x81, 0x97),
            ...properties({
              sessionExpiryInterval: uint32,
              reasonString: text,
              userProperties,
            }),
          }),
        }),
      ),
      count,
    ) as { operation: number; options: Values }[];
    const vectors = requests.map((request, index) => ({
      level,
      id: (index % 65_535) + 1,
      ...request,
    }));
    const lines = await runInBatches("subject-codec", "encode", vectors);
    assert.equal(lines.length, requests.length);
    lines.forEach((line, index) => {
      const { operation, options } = requests[index];
      const hex = String(line.hex);
      const why = `seed ${seed}: ${hex}`;
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
    assert.deepEqual(
      packet.password && toHex(packet.password as Uint8Array),
      options.password && toHex(options.password as Uint8Array),
      why,
    );
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
  if (operation === 12) {
    same("cmd", "pingreq");
    return;
  }
  if (operation === 14) {
    same("cmd", "disconnect");
    if (level === 5) same("reasonCode", options.reasonCode);
    return;
  }
  if (operation === 3) {
    same("topic", options.topic);
    same("qos", options.QoS);
    same("retain", options.retain);
    same("dup", options.duplicate === true && options.QoS === 1);
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
