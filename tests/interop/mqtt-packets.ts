/** MQTT packets to be made at random, and what our code and mqtt-packet have read of them in one form. */
import fc from "fast-check";
import { generate, type Packet } from "mqtt-packet";
import { runMQTTSubject } from "./mqtt-subject.js";

export type Level = 4 | 5;
export type Values = Record<string, unknown>;

export const toHex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");

/** A failing packet is told with the seed that made it. */
export const seed = Date.now() & 0x7fffffff;

/** Values of an arbitrary. */
export const sample = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number): T[] =>
  fc.sample(arbitrary, { numRuns, seed });

// MQTT has no U+0000, and a topic no wildcards; the interesting characters are those of two to four bytes.
export const text = fc
  .string({ unit: "grapheme", maxLength: 40 })
  .map((value) => value.replaceAll("\0", "0"));
export const topic = text.map((value) => `t${value.replaceAll(/[#+]/g, "/")}`);
export const long = fc.oneof(
  { weight: 9, arbitrary: topic },
  {
    weight: 1,
    arbitrary: fc.nat(400).map((count) => "é".repeat(count + 1)),
  },
);
export const payload = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc.nat(800).map((length) => new Uint8Array(length).fill(7)),
);
const id = fc.integer({ min: 1, max: 65_535 });
export const uint16 = fc.integer({ min: 1, max: 65_535 });
export const uint32 = fc.integer({ min: 1, max: 0xffffffff });
export const data = fc.uint8Array({ minLength: 1, maxLength: 200 });
// Not empty: mqtt-packet forgets an empty value when its name comes again.
export const userProperties = fc.array(fc.tuple(topic, topic), {
  minLength: 1,
  maxLength: 4,
});
export const optional = (record: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(record, { requiredKeys: [] });

export const message = {
  payloadFormatIndicator: fc.constantFrom(0, 1),
  messageExpiryInterval: uint32,
  contentType: text,
  responseTopic: topic,
  correlationData: data,
  userProperties,
};
const reasoned = { reasonString: text, userProperties };

/** Our properties as mqtt-packet has them: it wants an object of lists for user properties, and some numbers as flags. */
export function theirs(properties: Values | undefined): Values {
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
export function normal(properties: Values | undefined): Values {
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

export const incoming = (level: Level) => {
  const properties = (record: Record<string, fc.Arbitrary<unknown>>) =>
    level === 5 ? optional(record) : fc.constant({});
  const codes = level === 5 ? [0, 1, 0x80, 0x87, 0x97] : [0, 1, 0x80];
  // CONNACK's, as MQTT 3.1.1 and 5 have them.
  const returnCode = fc.constantFrom(0, 0, 0, 0, 1, 2, 3, 4, 5);
  const reasonCodes = [0, 0x84, 0x85, 0x88, 0x86, 0x87];
  const puback = level === 5 ? [0, 0x10, 0x87, 0x97] : [0];
  return fc.oneof(
    fc
      .record({
        cmd: fc.constant("publish"),
        topic: long,
        qos: fc.constantFrom(0, 1),
        retain: fc.boolean(),
        dup: fc.boolean(),
        messageId: id,
        payload,
        properties: properties({
          ...message,
          subscriptionIdentifier: fc.integer({ min: 1, max: 268_435_455 }),
          topicAlias: uint16,
        }),
      })
      .map((one) => ({ ...one, dup: one.dup && one.qos === 1 })),
    fc
      .record({
        cmd: fc.constant("connack"),
        sessionPresent: fc.boolean(),
        returnCode,
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
      })
      .map((one) => ({
        ...one,
        sessionPresent: one.sessionPresent && one.returnCode === 0,
        reasonCode: reasonCodes[one.returnCode],
      })),
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

/** A packet of `incoming` as mqtt-packet writes it. */
export function encode(level: Level, packet: Values): Uint8Array {
  const { payload: bytes } = packet;
  return generate(
    {
      returnCode: 0,
      reasonCode: 0,
      dup: false,
      ...packet,
      ...(bytes !== undefined && { payload: Buffer.from(bytes as Uint8Array) }),
      properties: theirs(packet.properties as Values),
    } as unknown as Packet,
    { protocolVersion: level },
  );
}

/** What mqtt-packet has read: user properties as one text or a list of them. */
export function readNormal(properties: Values | undefined): Values {
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

/** Runs a subject over all that is in a list, as many at a time as the program's configuration may hold. */
export async function runInBatches(
  subject: string,
  list: string,
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
    lines.push(...(await runMQTTSubject(subject, { [list]: batch })));
    batch = [];
    size = 0;
  }
  return lines;
}
