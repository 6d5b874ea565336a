import { randomUUID } from "node:crypto";
import type { IConnackPacket } from "mqtt-packet";
import { limits } from "../limits.js";
import type { Admission } from "./admission.js";
import { reason } from "./reason.js";

/** The CONNACK that lets a client in: MQTT 5 is told what applies to it. */
export function acceptance(
  admission: Admission,
  sessionPresent: boolean,
): IConnackPacket {
  if (admission.version === 4)
    return { cmd: "connack", sessionPresent, returnCode: 0 };
  const { expiry, requestedExpiry } = admission;
  return {
    cmd: "connack",
    sessionPresent,
    reasonCode: reason.success,
    properties: {
      ...((expiry > 0 || expiry !== requestedExpiry) && {
        sessionExpiryInterval: expiry,
      }),
      receiveMaximum: limits.inflight,
      maximumQoS: 1,
      retainAvailable: true,
      maximumPacketSize: limits.packet,
      ...(admission.assignedId && {
        assignedClientIdentifier: admission.clientId,
      }),
      topicAliasMaximum: limits.topicAliases,
      wildcardSubscriptionAvailable: true,
      subscriptionIdentifiersAvailable: false,
      sharedSubscriptionAvailable: true,
      serverKeepAlive: admission.keepAlive,
    },
  };
}

/** The CONNACK that refuses an MQTT 5 client. */
export function rejection(code: number): IConnackPacket {
  return {
    cmd: "connack",
    sessionPresent: false,
    reasonCode: code,
    properties: { reasonString: reasonString("CONNACK", rejectionText(code)) },
  };
}

/** A reason string as AWS words them: `<PACKET>:<English text>:<trace id>`. */
export function reasonString(packet: string, text: string): string {
  return `${packet}:${text}:${randomUUID()}`;
}

function rejectionText(code: number): string {
  switch (code) {
    case reason.notAuthorized:
      return "Client is not authenticated/authorized to send the message";
    case reason.clientIdentifierInvalid:
      return "The client identifier is not valid";
    case reason.topicNameInvalid:
      return "The will topic is not valid";
    case reason.qosNotSupported:
      return "The QoS of the will is not supported";
    case reason.quotaExceeded:
      return "Quota exceeded";
    default:
      return "The connection is refused";
  }
}
