/**
 * What a broker may send, right or wrong: our client, on XS, with mqtt-packet as the other opinion, in both versions.
 *
 * Whatever the client takes mqtt-packet must read in the same way; what it refuses, mqtt-packet refuses too or is known not
 * to look at; it ends with the reason code of the rule; and it is all the same in which pieces the bytes come.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parser } from "mqtt-packet";
import {
  encode,
  incoming,
  normal,
  readNormal,
  runInBatches,
  sample,
  seed,
  toHex,
  type Level,
  type Values,
} from "./mqtt-packets.js";

const long = process.env.FIELDNODE_LONG !== undefined;
/** Of each way to make a case. */
const count = long ? 5000 : 250;

interface Case {
  level: Level;
  hex: string;
  first: boolean;
  sizes: number[];
}

/** What the client made of it. */
interface Outcome {
  events: Values[];
  failure?: { code: string; detail: string };
  /** What it wrote, a packet each. */
  said: string[];
}

/** Rules that the client holds a broker to and mqtt-packet does not look at, by the words of the client's failure. */
const notLookedAt = [
  // It reads what clients send as well, and knows no order of packets.
  /^(CONNECT|PUBREC|PUBREL|PUBCOMP|SUBSCRIBE|UNSUBSCRIBE|PINGREQ|AUTH) from the server$/,
  /^DISCONNECT from a server in MQTT 3\.1\.1$/,
  /^CONNACK a second time$/,
  /^MQTT-3\.2\.0-1: /,
  // Lengths: too short or too long a packet or property section, values that run over its end, what stands behind it.
  /^(CONNACK|PUBACK|SUBACK|UNSUBACK|PINGRESP) of \d+ bytes$/,
  /^(SUBACK|UNSUBACK) without a code$/,
  /^a property is cut off$/,
  /^a wrong property length in /,
  /^bytes after the properties of /,
  /^PUBLISH ends inside its (topic|properties)$/,
  /^MQTT-1\.5\.5-1: a (length|number) in more bytes than needed$/,
  // Limits that the client announced or has.
  /^MQTT-3\.1\.2-24: /,
  /^a header of \d+ bytes, more than /,
  /^QoS 2, which was not subscribed to$/,
  // Texts and topics.
  /^MQTT-1\.5\.4-1: .* is no UTF-8$/,
  /^MQTT-3\.3\.2-2: /,
  /^an empty topic name without an alias$/,
  /topic alias/,
  // Properties in a packet that must not have them, twice, or with a value they cannot have.
  /^[a-zA-Z]+ in (CONNACK|PUBLISH|PUBACK|SUBACK|UNSUBACK|DISCONNECT)$/,
  /^[a-zA-Z]+ more than once$/,
  /^[a-zA-Z]+ \d+$/,
  // Single values.
  /^MQTT-2\.2\.1-4: packet identifier 0$/,
  /^MQTT-3\.3\.1-2: DUP with QoS 0$/,
  /^MQTT-3\.2\.2-6: session present in a refusal$/,
  /^MQTT-3\.2\.2-8: CONNACK with code \d+$/,
  /^MQTT-3\.14\.2-1: DISCONNECT with code 4$/,
  /^MQTT-3\.14\.2-2: /,
];

/** MQTT 5, 4.13: codes for what breaks a rule. */
const breaches = ["81", "82", "90", "94", "95", "97", "9b"];

/** Changes a packet's bytes in one place. */
const edit = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom("flip", "set", "insert", "remove", "repeat", "cut"),
  value: fc.oneof(fc.nat(255), fc.nat(3)),
});
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

const sizes = fc.array(
  fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 40 })),
  { minLength: 1, maxLength: 4 },
);

function edited(bytes: readonly number[], edits: readonly Edit[]): number[] {
  const result = [...bytes];
  for (const { at: anywhere, kind, value } of edits) {
    const at = anywhere % (result.length + 1);
    if (kind === "insert") result.splice(at, 0, value);
    else if (kind === "remove") result.splice(at, (value % 4) + 1);
    else if (kind === "cut") result.splice(at);
    else if (kind === "repeat")
      result.splice(at, 0, ...result.slice(at, at + (value % 12) + 1));
    else if (at < result.length)
      result[at] = kind === "set" ? value : result[at] ^ (1 << (value % 8));
  }
  return result;
}

/** A packet of this first byte and content. */
function framed(first: number, content: readonly number[]): number[] {
  const length: number[] = [];
  let rest = content.length;
  do {
    length.push((rest & 127) | (rest > 127 ? 128 : 0));
    rest >>= 7;
  } while (rest > 0);
  return [first, ...length, ...content];
}

/** The content of a packet, after its length. */
function contentOf(bytes: readonly number[]): readonly number[] {
  return bytes.slice(bytes.findIndex((byte, at) => at > 0 && byte < 128) + 1);
}

/** Ways to make what a broker sends. */
const ways: Record<string, (level: Level) => fc.Arbitrary<number[]>> = {
  "packets that are right": (level) =>
    fc
      .tuple(
        incoming(level),
        fc.array(
          incoming(level).filter(({ cmd }) => cmd !== "connack"),
          { maxLength: 2 },
        ),
      )
      .map(([first, others]) =>
        [first, ...others].flatMap((one) => [...encode(level, one as Values)]),
      ),
  "packets that are cut off": (level) =>
    fc.tuple(incoming(level), fc.nat()).map(([one, at]) => {
      const bytes = encode(level, one);
      return [...bytes.subarray(0, at % bytes.length)];
    }),
  "packets in which something is changed": (level) =>
    fc
      .tuple(incoming(level), fc.array(edit, { minLength: 1, maxLength: 3 }))
      .map(([one, edits]) => edited([...encode(level, one as Values)], edits)),
  "packets of the right length in which something is changed": (level) =>
    fc
      .tuple(incoming(level), fc.array(edit, { minLength: 1, maxLength: 3 }))
      .map(([one, edits]) => {
        const bytes = [...encode(level, one)];
        return framed(bytes[0], edited(contentOf(bytes), edits));
      }),
  "packets of any bytes": () =>
    fc
      .tuple(
        fc.oneof(
          fc.constantFrom(0x20, 0x30, 0x32, 0x40, 0x90, 0xb0, 0xd0, 0xe0),
          fc.nat(255),
        ),
        fc.array(
          fc.oneof(
            fc.nat(4),
            fc.constantFrom(0x0b, 0x11, 0x1f, 0x21, 0x23, 0x26, 0x80, 0x87),
            fc.nat(255),
          ),
          { maxLength: 16 },
        ),
      )
      .map(([first, content]) => framed(first, content)),
};

/** Bytes of the packet that begins here; undefined when its length is not all there. A length of five bytes is none. */
function sizeOf(bytes: readonly number[]): number | undefined {
  let length = 0;
  for (let digit = 1; digit < bytes.length; digit++) {
    length += (bytes[digit] & 127) * 128 ** (digit - 1);
    if (bytes[digit] < 128) return digit + 1 + length;
    if (digit === 4) return bytes.length;
  }
  return undefined;
}

/** The whole packets in what was sent, and what follows them. */
function split(hex: string): { packets: number[][]; rest: number[] } {
  const packets: number[][] = [];
  let rest = (hex === "" ? [] : hex.split(" ")).map((byte) =>
    parseInt(byte, 16),
  );
  for (;;) {
    const size = sizeOf(rest) ?? Infinity;
    if (rest.length === 0 || size > rest.length) return { packets, rest };
    packets.push(rest.slice(0, size));
    rest = rest.slice(size);
  }
}

/** A packet of which the rest has not come, with zeros in its place; undefined when it is too large for that. */
function completed(bytes: readonly number[]): number[] | undefined {
  const whole = sizeOf(bytes) === undefined ? [...bytes, 0] : [...bytes];
  const missing = sizeOf(whole)! - whole.length;
  if (missing > 10_000) return undefined;
  return [...whole, ...Array<number>(Math.max(0, missing)).fill(0)];
}

/** What mqtt-packet makes of one packet; undefined when it refuses it. */
function other(level: Level, bytes: number[]): Values | undefined {
  const read: Values[] = [];
  const errors: Error[] = [];
  const own = parser({ protocolVersion: level });
  own.on("packet", (one) => read.push(one as unknown as Values));
  own.on("error", (error: Error) => errors.push(error));
  try {
    own.parse(Buffer.from(bytes));
  } catch {
    // It reads beyond the end of some packets.
    return undefined;
  }
  return errors.length > 0 ? undefined : read[0];
}

/** mqtt-packet's reading in the form of ours. */
function reading(level: Level, theirs: Values): Values {
  const { cmd, messageId, granted } = theirs;
  const properties = readNormal(theirs.properties as Values | undefined);
  switch (cmd) {
    case "publish":
      return {
        ...{ cmd, topic: theirs.topic, qos: theirs.qos, retain: theirs.retain },
        ...{ dup: theirs.dup, properties },
        payload: toHex(theirs.payload as Uint8Array),
      };
    case "connack": {
      const { sessionPresent } = theirs;
      return { cmd, sessionPresent, reasonCode: 0, properties };
    }
    case "puback":
      return { cmd, messageId, reasonCode: theirs.reasonCode ?? 0, properties };
    case "suback":
      return { cmd, messageId, granted, properties };
    case "unsuback":
      return {
        cmd,
        messageId,
        granted: level === 5 ? granted : [],
        properties,
      };
    default:
      return { cmd, properties };
  }
}

/** Our reading in the same form. */
function ownReading(event: Values): Values {
  const properties = { ...(event.properties as Values | undefined) };
  // mqtt-packet has one list under the name of one.
  if (properties.subscriptionIdentifiers) {
    properties.subscriptionIdentifier = properties.subscriptionIdentifiers;
    delete properties.subscriptionIdentifiers;
  }
  return { ...event, properties: normal(properties) };
}

function check(one: Case, outcome: Outcome, found: Set<string>): void {
  const { level, hex, first } = one;
  const why = `seed ${seed}, MQTT level ${level}${first ? ", first" : ""}: ${hex}\n${JSON.stringify(outcome)}`;
  assert.ok(
    Array.isArray(outcome.events),
    `other pieces, another outcome; ${why}`,
  );
  const { packets, rest } = split(hex);
  const { events, failure } = outcome;
  const acknowledged = outcome.said.filter((said) => said.startsWith("40 "));
  const last = outcome.said.filter((said) => !said.startsWith("40 "));

  const expected: string[] = [];
  events.forEach((event, index) => {
    const theirs = other(level, packets[index]);
    assert.ok(theirs, `mqtt-packet refuses packet ${index}; ${why}`);
    assert.deepEqual(
      JSON.parse(JSON.stringify(ownReading(event))),
      JSON.parse(JSON.stringify(reading(level, theirs))),
      why,
    );
    if (theirs.cmd === "publish" && theirs.qos === 1)
      expected.push(
        toHex(
          Uint8Array.of(
            0x40,
            2,
            Number(theirs.messageId) >> 8,
            Number(theirs.messageId) & 255,
          ),
        ),
      );
  });
  if (!failure) {
    assert.equal(events.length, packets.length, `something is missing; ${why}`);
    assert.deepEqual(acknowledged, expected, why);
    assert.deepEqual(last, [], why);
    return;
  }

  // The packet at which it ended, which may be refused before all of it is there.
  const culprit = packets[events.length] as number[] | undefined;
  assert.ok(culprit ?? rest.length > 0, why);
  const whole = culprit ?? completed(rest);
  const theirs = whole && other(level, whole);
  if (failure.code !== "mqtt.malformed") {
    const code = /\(0x(..)\)/.exec(failure.detail)?.[1];
    assert.ok(theirs, why);
    const { cmd, returnCode, reasonCode } = theirs;
    const translated = [0, 0x84, 0x85, 0x88, 0x86, 0x87][Number(returnCode)];
    assert.equal(
      Number(`0x${code}`),
      cmd === "connack" && level === 4 ? translated : reasonCode,
      why,
    );
    assert.deepEqual(last, [], why);
    return;
  }
  if (level === 5 && !(first && events.length === 0)) {
    assert.match(last[0], /^e0 01 ..$/, why);
    assert.ok(breaches.includes(last[0].slice(-2)), why);
    assert.equal(last.length, 1, why);
  } else assert.deepEqual(last, [], why);
  if (theirs === undefined) return;
  if (!notLookedAt.some((rule) => rule.test(failure.detail)))
    found.add(`${failure.detail}: ${hex}`);
}

for (const level of [4, 5] as const)
  for (const [name, make] of Object.entries(ways))
    test(`agrees with mqtt-packet on ${name}, MQTT ${level === 4 ? "3.1.1" : "5"}`, async () => {
      const cases = sample(fc.tuple(make(level), sizes), count).map(
        ([bytes, pieces]): Case => ({
          level,
          hex: toHex(Uint8Array.from(bytes)),
          first: bytes[0] >> 4 === 2,
          sizes: pieces,
        }),
      );
      const found = new Set<string>();
      const outcomes = await runInBatches("subject-fuzz", "cases", cases);
      assert.equal(outcomes.length, cases.length);
      cases.forEach((one, index) =>
        check(one, outcomes[index] as unknown as Outcome, found),
      );
      assert.deepEqual(
        [...found],
        [],
        `refused by the client alone, seed ${seed}`,
      );
    });
