import { Failure } from "../system/failure.js";
import type { FailureCode } from "../system/failures.js";
import type { ProtocolLevel } from "./packet-types.js";

/** MQTT 5, table 2-6: what each reason code means. Codes below 0x80 are successes. */
const words: Record<number, string> = {
  0x00: "success",
  0x01: "granted QoS 1",
  0x02: "granted QoS 2",
  0x04: "disconnect with will message",
  0x10: "no matching subscribers",
  0x11: "no subscription existed",
  0x18: "continue authentication",
  0x19: "re-authenticate",
  0x80: "unspecified error",
  0x81: "malformed packet",
  0x82: "protocol error",
  0x83: "implementation specific error",
  0x84: "unsupported protocol version",
  0x85: "client identifier not valid",
  0x86: "bad user name or password",
  0x87: "not authorized",
  0x88: "server unavailable",
  0x89: "server busy",
  0x8a: "banned",
  0x8b: "server shutting down",
  0x8c: "bad authentication method",
  0x8d: "keep alive timeout",
  0x8e: "session taken over",
  0x8f: "topic filter invalid",
  0x90: "topic name invalid",
  0x91: "packet identifier in use",
  0x92: "packet identifier not found",
  0x93: "receive maximum exceeded",
  0x94: "topic alias invalid",
  0x95: "packet too large",
  0x96: "message rate too high",
  0x97: "quota exceeded",
  0x98: "administrative action",
  0x99: "payload format invalid",
  0x9a: "retain not supported",
  0x9b: "QoS not supported",
  0x9c: "use another server",
  0x9d: "server moved",
  0x9e: "shared subscriptions not supported",
  0x9f: "connection rate exceeded",
  0xa0: "maximum connect time",
  0xa1: "subscription identifiers not supported",
  0xa2: "wildcard subscriptions not supported",
};

/** MQTT 3.1.1, table 3.1: CONNACK's return codes 1 to 5, as the reason codes of MQTT 5 that mean the same. */
const returnCodes = [0x00, 0x84, 0x85, 0x88, 0x86, 0x87];

/** A reason code in words with its number: `not authorized (0x87)`. */
export function describe(code: number, reasonString?: string): string {
  const number = code.toString(16).padStart(2, "0");
  const text = `${words[code] ?? "unknown reason"} (0x${number})`;
  return reasonString ? `${text}: ${reasonString}` : text;
}

// The codes that each packet may carry in MQTT 5. Made once: a literal inside a function is made at each call.
const connackReasons = [
  0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f,
];
const pubackReasons = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
const subackReasons = [0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2];
const unsubackReasons = [0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91];
const disconnectReasons = [0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b];

/** CONNACK's code as a reason code of MQTT 5, or undefined when the version does not have it. */
export function connackReason(
  code: number,
  level: ProtocolLevel,
): number | undefined {
  if (level === 4) return returnCodes[code];
  // Table 3-1: all errors but those that only other packets carry.
  if (code === 0x00) return code;
  const possible =
    (code >= 0x80 && code <= 0x8a) || connackReasons.includes(code);
  return possible ? code : undefined;
}

/** Tells whether MQTT 5 lets PUBACK (3.4.2.1) carry the code. */
export function isPubackReason(code: number): boolean {
  return pubackReasons.includes(code);
}

/** Tells whether SUBACK may carry the code: MQTT 5, 3.9.3; MQTT 3.1.1, [MQTT-3.9.3-2]. */
export function isSubackReason(code: number, level: ProtocolLevel): boolean {
  if (code <= 0x02 || code === 0x80) return true;
  return level === 5 && subackReasons.includes(code);
}

/** Tells whether MQTT 5 lets UNSUBACK (3.11.3) carry the code. */
export function isUnsubackReason(code: number): boolean {
  return unsubackReasons.includes(code);
}

/** Tells whether MQTT 5 lets a server's DISCONNECT (3.14.2.1) carry the code. */
export function isDisconnectReason(code: number): boolean {
  return (
    disconnectReasons.includes(code) ||
    (code >= 0x8d && code <= 0x90) ||
    (code >= 0x93 && code <= 0xa2)
  );
}

/**
 * Why the broker refused the connection.
 *
 * @param code a reason code of MQTT 5, also for 3.1.1
 */
export function connectFailure(code: number, reasonString?: string): Failure {
  return new Failure(
    code === 0x87 ? "policy.connect-denied" : "mqtt.refused",
    describe(code, reasonString),
  );
}

/** What reason codes mean, whatever packet carries them. */
const meanings: Partial<Record<number, FailureCode>> = {
  0x8e: "mqtt.session-taken",
  0x8f: "mqtt.topic-invalid",
  0x90: "mqtt.topic-invalid",
  0x95: "mqtt.too-large",
  0x97: "mqtt.quota",
};

/** Why the broker ended the connection. */
export function disconnectFailure(
  code: number,
  reasonString?: string,
): Failure {
  return new Failure(
    code === 0x87 ? "policy.likely" : (meanings[code] ?? "mqtt.disconnected"),
    describe(code, reasonString),
  );
}

/** Why the broker did not take a message. */
export function publishFailure(
  topic: string,
  code: number,
  reasonString?: string,
): Failure {
  return new Failure(
    code === 0x87
      ? "policy.publish-denied"
      : (meanings[code] ?? "mqtt.rejected"),
    `${topic}: ${describe(code, reasonString)}`,
  );
}

/** Why the broker did not take a subscription, or the end of one. */
export function subscribeFailure(
  filter: string,
  code: number,
  reasonString?: string,
): Failure {
  return new Failure(
    code === 0x87
      ? "policy.subscribe-denied"
      : (meanings[code] ?? "mqtt.rejected"),
    `${filter}: ${describe(code, reasonString)}`,
  );
}
