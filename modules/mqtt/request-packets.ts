import type { WriteOptions } from "./client-options.js";
import { checkQoS } from "./connect-packet.js";
import {
  packetName,
  PUBLISH,
  SUBSCRIBE,
  type ProtocolLevel,
} from "./packet-types.js";
import type { PacketWriter } from "./packet-writer.js";
import type { ServerLimits } from "./server-limits.js";
import type { OutgoingAliases } from "./topic-aliases.js";
import { checkTopicFilter } from "./topics.js";

/** Writes PUBLISH but for its payload (MQTT 5, 3.3). Throws before anything of the connection's state has changed. */
export function writePublish(
  writer: PacketWriter,
  level: ProtocolLevel,
  options: WriteOptions,
  id: number,
  byteLength: number,
  aliases: OutgoingAliases,
  limits: ServerLimits,
): void {
  const { topic = "", QoS = 0, retain, duplicate, properties } = options;
  checkQoS(QoS, topic);
  if (properties?.topicAlias !== undefined)
    throw new TypeError("topicAlias is the client's own to choose");
  if (properties && level === 4)
    throw new TypeError("MQTT 3.1.1 has no properties");
  writer.setTopic(topic);
  const alias = aliases.choose(topic);
  // What is sent again says all: the broker may never have seen what it was to remember.
  const short = alias !== 0 && !duplicate && aliases.isKnown(alias);
  writer.begin();
  if (short) writer.uint16(0);
  else writer.topic();
  if (QoS > 0) writer.uint16(id);
  if (level === 5) writer.properties(PUBLISH, properties, alias);
  writer.finish(
    (PUBLISH << 4) |
      (duplicate && QoS > 0 ? 8 : 0) |
      (QoS << 1) |
      (retain ? 1 : 0),
    byteLength,
  );
  limits.checkSize(writer.length + byteLength, topic);
  if (alias !== 0 && !short) aliases.told(alias, QoS === 0 ? 0 : id);
}

/** Writes SUBSCRIBE or UNSUBSCRIBE (MQTT 5, 3.8 and 3.10). */
export function writeSubscription(
  writer: PacketWriter,
  operation: number,
  level: ProtocolLevel,
  options: WriteOptions,
  id: number,
): void {
  const { items = [], properties } = options;
  if (items.length === 0)
    throw new RangeError(`${packetName(operation)} needs at least one item`);
  if (properties && level === 4)
    throw new TypeError("MQTT 3.1.1 has no properties");
  writer.begin();
  writer.uint16(id);
  if (level === 5) writer.properties(operation, properties);
  for (const item of items) {
    const { topic, QoS = 0, retainHandling = 0 } = item;
    checkTopicFilter(topic);
    writer.text(topic, "The filter");
    if (operation !== SUBSCRIBE) continue;
    checkQoS(QoS, topic);
    if (item.noLocal && topic.startsWith("$share/"))
      throw new RangeError("MQTT-3.8.3-4: noLocal on a shared subscription");
    if (![0, 1, 2].includes(retainHandling))
      throw new RangeError("retainHandling: 0, 1 or 2");
    writer.byte(
      level === 4
        ? QoS
        : QoS |
            (item.noLocal ? 4 : 0) |
            (item.retainAsPublished ? 8 : 0) |
            (retainHandling << 4),
    );
  }
  writer.finish((operation << 4) | 2);
}
