import type { TestCase } from "../test-case.js";
import type { Trial } from "../trial.js";
import { fail, pass, type Verdict } from "../verdict.js";
import { triggerSubscription } from "./subscription.js";

/** Packet identifier of the message that the advisor sends. */
const messageId = 7001;

/** The most that a TLS record carries (RFC 8446 section 5.1), in bytes. */
const fullRecord = 16_384;

/** Largest payload that IoT Core passes on, less room for topic and header. */
const largestPayload = 128 * 1024 - 512;

/** Sends a QoS 1 message of so many bytes to what the device subscribes to; it must acknowledge it. */
async function receive(trial: Trial, bytes: number): Promise<Verdict> {
  const { connection, topic } = await triggerSubscription(trial);
  const limit =
    connection.connect?.packet.properties?.maximumPacketSize ?? Infinity;
  if (bytes + 256 > limit)
    return fail(
      `It takes packets of at most ${limit} bytes; IoT Core's have up to 128 KB.`,
    );
  const payload = Buffer.alloc(bytes, "0123456789abcdef");
  connection.send({
    cmd: "publish",
    topic,
    qos: 1,
    dup: false,
    retain: false,
    messageId,
    payload,
  });
  const acknowledged = await trial.expect(
    `PUBACK for ${bytes} bytes on ${topic}`,
    () =>
      connection
        .all("puback")
        .find(({ packet }) => packet.messageId === messageId) ??
      connection.ended,
  );
  if (!("packet" in acknowledged))
    return fail(`It closed the connection instead of acknowledging.`);
  const { reasonCode = 0 } = acknowledged.packet;
  if (reasonCode >= 0x80)
    return fail(`It answered PUBACK with reason code ${reasonCode}.`);
  const { longest } = connection.wire!.sent;
  if (bytes >= fullRecord && longest < fullRecord)
    throw new Error(`the longest record had only ${longest} bytes`);
  return pass(
    `PUBACK for ${bytes} bytes on ${topic}${bytes >= fullRecord ? `, in records of up to ${fullRecord}` : ""}.`,
  );
}

export const tlsLargeFragments: TestCase = {
  number: "T2",
  id: "TLS_Receive_Maximum_Size_Fragments",
  group: "TLS",
  title: "takes records of 16 KB",
  required: true,
  timeout: 120,
  scale: 1,
  run: (trial) => receive(trial, fullRecord),
};

export const mqttPuback: TestCase = {
  number: "M2",
  id: "MQTT_Client_Puback_Qos1",
  group: "MQTT",
  title: "acknowledges a QoS 1 message",
  timeout: 120,
  scale: 1,
  run: (trial) => receive(trial, 100),
};

export const longPuback: TestCase = {
  number: "L7",
  id: "PUBACK_QOS_1",
  group: "MQTT long duration",
  title: "acknowledges a QoS 1 message",
  scenario: "Advanced",
  timeout: 300,
  scale: 1,
  run: (trial) => receive(trial, 100),
};

export const longLargePayload: TestCase = {
  number: "L8",
  id: "RECEIVE_LARGE_PAYLOAD",
  group: "MQTT long duration",
  title: "acknowledges a message of 128 KB",
  scenario: "Advanced",
  timeout: 300,
  scale: 1,
  run: (trial) => receive(trial, largestPayload),
};
