import type { Packet } from "mqtt-packet";

/** A packet as a line of evidence. */
export function describePacket(packet: Packet): string {
  const name = packet.cmd.toUpperCase();
  switch (packet.cmd) {
    case "connect":
      return `${name} ${packet.clientId}, MQTT ${packet.protocolVersion === 5 ? "5" : "3.1.1"}, keep-alive ${packet.keepalive ?? 0} s, ${packet.clean === false ? "keeps its session" : "clean"}`;
    case "connack":
      return `${name} session ${packet.sessionPresent ? "present" : "new"}`;
    case "publish":
      return `${name}${packet.dup ? " DUP" : ""} ${packet.qos > 0 ? `id ${packet.messageId ?? 0} ` : ""}${packet.topic}, QoS ${packet.qos}, ${packet.payload.length} bytes`;
    case "subscribe":
      return `${name} id ${packet.messageId ?? 0} ${packet.subscriptions.map(({ topic, qos }) => `${topic} QoS ${qos}`).join(", ")}`;
    case "unsubscribe":
      return `${name} id ${packet.messageId ?? 0} ${packet.unsubscriptions.join(", ")}`;
    default:
      return packet.messageId === undefined
        ? name
        : `${name} id ${packet.messageId}`;
  }
}
