import { Failure } from "../system/failure.js";
import type { Bytes, ConnectOptions } from "./client-options.js";
import type { PacketWriter } from "./packet-writer.js";
import { CONNECT, WILL, type ProtocolLevel } from "./packet-types.js";
import { checkTopicName } from "./topics.js";

/** QoS 1 messages that this client takes before it has acknowledged the first of them (MQTT 5, 3.1.2.11.3). */
export const receiveMaximum = 32;

/** MQTT counts keep-alive in seconds; ECMA-419 in milliseconds. */
export function keepAliveSeconds(milliseconds: number): number {
  return Math.ceil(milliseconds / 1000);
}

/**
 * Checks what can be wrong with the options of a connection before it is opened.
 *
 * @throws RangeError or TypeError for an impossible value, Failure `mqtt.unsupported` for a will with QoS 2
 */
export function checkConnectOptions(
  options: ConnectOptions,
  level: ProtocolLevel,
): void {
  const { will, keepAlive = 0, id = "", clean = true } = options;
  if (!(keepAlive >= 0) || keepAliveSeconds(keepAlive) > 65_535)
    throw new RangeError("keepAlive must be from 0 to 65,535,000 ms");
  if (level === 4) {
    if (id === "" && !clean)
      throw new RangeError(
        "MQTT-3.1.3-7 of 3.1.1: no client identifier only with a clean session",
      );
    if (options.password !== undefined && options.user === undefined)
      throw new RangeError(
        "MQTT-3.1.2-22 of 3.1.1: a password only with a user",
      );
  }
  const most = options.properties?.receiveMaximum ?? receiveMaximum;
  if (most > receiveMaximum)
    throw new RangeError(`receiveMaximum must be at most ${receiveMaximum}`);
  if (!will) return;
  checkTopicName(will.topic);
  checkQoS(will.QoS ?? 0, "a will");
}

/**
 * Checks a quality of service. Throws a Failure `mqtt.unsupported` for 2, a RangeError for anything else but 0 and 1.
 *
 * @param what what has it, for the error
 */
export function checkQoS(QoS: number, what: string): void {
  if (QoS === 2) throw new Failure("mqtt.unsupported", `QoS 2 of ${what}`);
  if (QoS !== 0 && QoS !== 1) throw new RangeError(`QoS of ${what}: 0 or 1`);
}

/** Writes CONNECT (MQTT 5, 3.1; MQTT 3.1.1, 3.1). */
export function writeConnect(
  writer: PacketWriter,
  options: ConnectOptions,
  level: ProtocolLevel,
): void {
  const { id = "", clean = true, will, user, password } = options;
  writer.begin();
  writer.text("MQTT", "The protocol name");
  writer.byte(level);
  writer.byte(
    (clean ? 0x02 : 0) |
      (will ? 0x04 | ((will.QoS ?? 0) << 3) | (will.retain ? 0x20 : 0) : 0) |
      (password === undefined ? 0 : 0x40) |
      (user === undefined ? 0 : 0x80),
  );
  writer.uint16(keepAliveSeconds(options.keepAlive ?? 0));
  if (level === 5)
    writer.properties(CONNECT, { receiveMaximum, ...options.properties });
  writer.text(id, "The client identifier");
  if (will) {
    if (level === 5) writer.properties(WILL, will.properties);
    writer.text(will.topic, "The will's topic");
    writer.data(bytesOf(will.message), "The will's message");
  }
  if (user !== undefined) writer.text(user, "The user");
  if (password !== undefined) writer.data(bytesOf(password), "The password");
  writer.finish(CONNECT << 4);
}

function bytesOf(value: string | Bytes): Bytes {
  return typeof value === "string" ? ArrayBuffer.fromString(value) : value;
}
