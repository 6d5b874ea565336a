import MQTTClient from "../../../modules/mqtt/client.js";
import type { Failure } from "../../../modules/system/failure.js";
import { deepEqual, equal, ok } from "../assert.js";
import { test } from "../harness.js";
import { packet, text, Wire } from "./wire.js";

/** Connects, lets the broker send something, and returns how it ended and what DISCONNECT said. */
function receive(
  input: string,
  protocol: "5" | "3.1.1" = "5",
): { failure: Failure | undefined; said: string[] } {
  let failure: Failure | undefined;
  const client = new MQTTClient({
    host: "broker",
    protocol,
    ...(protocol === "5" && {
      properties: { maximumPacketSize: 1000, topicAliasMaximum: 4 },
    }),
    socket: { io: Wire },
    onError: (error) => (failure = error),
  });
  Wire.last.open();
  Wire.last.receive(protocol === "5" ? "20 03 00 00 00" : "20 02 00 00");
  Wire.last.take();
  // Byte by byte, so that a rule is not only found when all is there.
  Wire.last.receive(input, 1);
  const said = Wire.last.take();
  if (failure) ok(Wire.last.closed, "the connection is still open");
  client.close();
  return { failure, said };
}

const publish = (first: string, topic: string, rest: string) =>
  packet(first, `${text(topic)} ${rest}`);

/** What the broker sends, in hex; the reason code that it deserves; a part of the rule that is named. */
const breaches: [string, string, string][] = [
  // Fixed header
  ["00 00", "81", "packet type 0"],
  ["10 00", "82", "CONNECT from the server"],
  ["82 00", "82", "SUBSCRIBE from the server"],
  ["c0 00", "82", "PINGREQ from the server"],
  ["50 02 00 01", "82", "PUBREC from the server"],
  ["f0 00", "82", "AUTH from the server"],
  ["41 02 00 01", "81", "MQTT-2.1.3-1"],
  ["d4 00", "81", "MQTT-2.1.3-1"],
  ["e1 00", "81", "MQTT-2.1.3-1"],
  ["d0 80 00", "81", "MQTT-1.5.5-1"],
  ["30 ff ff ff ff 01", "81", "more than four bytes"],
  ["30 e9 07", "95", "MQTT-3.1.2-24"],
  // CONNACK
  ["20 03 00 00 00", "82", "second time"],
  // PUBLISH
  [publish("36", "a", "00 01 00"), "81", "MQTT-3.3.1-4"],
  [publish("34", "a", "00 01 00"), "9b", "QoS 2"],
  [publish("38", "a", "00"), "81", "MQTT-3.3.1-2"],
  [publish("30", "a/#", "00"), "90", "MQTT-3.3.2-2"],
  [publish("30", "+", "00"), "90", "MQTT-3.3.2-2"],
  [publish("30", "", "00"), "82", "without an alias"],
  [publish("32", "a", "00 00 00"), "82", "MQTT-2.2.1-4"],
  ["30 01", "81", "inside its topic"],
  ["30 03 00 05 61", "81", "inside its topic"],
  ["32 03 00 01 61", "81", "inside its topic"],
  ["30 03 00 01 61", "81", "inside its properties"],
  [publish("30", "a", "05"), "81", "inside its properties"],
  [publish("30", "a", "80"), "81", "inside its properties"],
  ["30 06 00 03 ed a0 80 00", "81", "MQTT-1.5.4-1"],
  ["30 05 00 02 c0 80 00", "81", "MQTT-1.5.4-1"],
  ["30 04 00 01 00 00", "81", "MQTT-1.5.4-1"],
  // Properties
  [publish("30", "a", "02 7f 00"), "81", "unknown property 127"],
  [publish("30", "a", "03 21 00 01"), "81", "receiveMaximum in PUBLISH"],
  [publish("30", "a", "04 01 00 01 00"), "82", "more than once"],
  [publish("30", "a", "02 01 02"), "82", "payloadFormatIndicator 2"],
  [publish("30", "a", "03 23 00 00"), "94", "topicAlias 0"],
  [publish("30", "a", "03 23 00 05"), "94", "MQTT-3.1.2-26"],
  [publish("30", "a", "02 0b 00"), "82", "subscriptionIdentifier 0"],
  [publish("30", "a", "03 0b 81 00"), "81", "MQTT-1.5.5-1"],
  [publish("30", "a", "02 23 00"), "81", "cut off"],
  [publish("30", "a", "04 03 00 05 61"), "81", "cut off"],
  [publish("30", "a", "05 03 00 02 61 ff"), "81", "contentType is no UTF-8"],
  // Acknowledgements
  ["40 01 00", "81", "PUBACK of 1"],
  ["40 02 00 00", "82", "MQTT-2.2.1-4"],
  ["40 03 00 01 05", "81", "MQTT-3.4.2-1"],
  ["40 05 00 01 00 00 00", "81", "after the properties"],
  ["40 04 00 01 00 05", "81", "property length"],
  ["90 02 00 01", "81", "cut off"],
  ["90 03 00 01 00", "81", "without a code"],
  ["90 04 00 01 00 03", "81", "SUBACK with code 3"],
  ["b0 04 00 01 00 01", "81", "UNSUBACK with code 1"],
  ["d0 01 00", "81", "PINGRESP of 1"],
  // DISCONNECT
  ["e0 01 04", "81", "MQTT-3.14.2-1"],
  ["e0 07 00 05 11 00 00 00 01", "82", "MQTT-3.14.2-2"],
];

test("ends with the right reason code and names the rule that the broker broke", () => {
  for (const [input, code, rule] of breaches) {
    const { failure, said } = receive(input);
    equal(failure?.code, "mqtt.malformed", `${input} (${rule})`);
    ok(failure?.detail.includes(rule), `${input}: ${failure?.detail ?? ""}`);
    deepEqual(said, [`e0 01 ${code}`], input);
  }
});

test("ends without DISCONNECT codes in MQTT 3.1.1, which has none", () => {
  for (const input of [
    "e0 00",
    "40 03 00 01 00",
    "b0 03 00 01 00",
    "90 03 00 01 87",
    "20 02 00 00",
    "30 03 00 01 2b",
  ]) {
    const { failure, said } = receive(input, "3.1.1");
    equal(failure?.code, "mqtt.malformed", input);
    deepEqual(said, [], input);
  }
});

test("refuses anything but a proper CONNACK as the first packet, and says nothing", () => {
  const inputs: [string, string][] = [
    ["40 02 00 01", "MQTT-3.2.0-1"],
    ["e0 01 8b", "MQTT-3.2.0-1"],
    [publish("30", "a", "00 78"), "MQTT-3.2.0-1"],
    ["20 03 02 00 00", "MQTT-3.2.2-1"],
    ["20 03 01 00 00", "MQTT-3.2.2-2"],
    ["20 03 01 87 00", "MQTT-3.2.2-6"],
    ["20 03 00 01 00", "MQTT-3.2.2-8"],
    ["20 02 00 00", "CONNACK of 2"],
    ["20 06 00 00 03 21 00 00", "receiveMaximum 0"],
    ["48 54 54 50", "MQTT-2.1.3-1"],
  ];
  for (const [input, rule] of inputs) {
    let failure: Failure | undefined;
    new MQTTClient({
      host: "broker",
      socket: { io: Wire },
      onError: (error) => (failure = error),
    });
    Wire.last.open();
    Wire.last.take();
    Wire.last.receive(input, 1);
    equal(failure?.code, "mqtt.malformed", input);
    ok(failure?.detail.includes(rule), `${input}: ${failure?.detail ?? ""}`);
    deepEqual(Wire.last.take(), [], input);
    ok(Wire.last.closed);
  }
});

test("takes everything that looks odd but is allowed", () => {
  const inputs = [
    "40 02 00 07",
    "40 03 00 07 10",
    "40 04 00 07 00 00",
    packet("40", `00 07 87 05 1f ${text("no")}`),
    packet(
      "40",
      `00 07 00 0d 26 ${text("a")} ${text("b")} 26 ${text("a")} ${text("")}`,
    ),
    "90 04 00 01 00 80",
    "d0 00",
    publish("30", "$", "00"),
    publish("31", "a", "00"),
    publish("30", "a", "04 0b 01 0b 02"),
    publish("30", "\u{10FFFF}\u0001", "00"),
  ];
  for (const input of inputs) equal(receive(input).failure, undefined, input);
});

test("survives noise: whatever comes, it ends with one Failure and never with an exception", () => {
  let seed = 12345;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  const seeds = breaches.map(([input]) => input);
  for (let round = 0; round < 1500; round++) {
    const input = seeds[random(seeds.length)].split(" ");
    for (let change = random(4); change >= 0; change--)
      input[random(input.length)] = random(256).toString(16);
    const { failure } = receive(input.join(" "), random(2) ? "5" : "3.1.1");
    if (failure)
      ok(
        /^(mqtt|policy)\./.test(failure.code),
        `${input.join(" ")}: ${failure.code}`,
      );
  }
});
