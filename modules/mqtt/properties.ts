import * as packet from "./packet-types.js";

/**
 * The properties of MQTT 5 (section 2.2.2.2), by the specification's names. Times are in seconds and sizes in bytes, as on
 * the wire. What is not there is undefined; what each one's absence means stands with the packet in the specification.
 */
export interface Properties {
  /** 0: bytes; 1: UTF-8 text. */
  payloadFormatIndicator?: number;
  messageExpiryInterval?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: ArrayBuffer;
  /** 1 to 268,435,455. In an incoming PUBLISH there may be several, and then this is the first: see `subscriptionIdentifiers`. */
  subscriptionIdentifier?: number;
  /** Incoming PUBLISH only, and only when it carries more than one. */
  subscriptionIdentifiers?: number[];
  /** 0xFFFFFFFF: never. */
  sessionExpiryInterval?: number;
  assignedClientIdentifier?: string;
  serverKeepAlive?: number;
  authenticationMethod?: string;
  authenticationData?: ArrayBuffer;
  requestProblemInformation?: boolean;
  willDelayInterval?: number;
  requestResponseInformation?: boolean;
  responseInformation?: string;
  serverReference?: string;
  reasonString?: string;
  receiveMaximum?: number;
  topicAliasMaximum?: number;
  topicAlias?: number;
  maximumQoS?: number;
  retainAvailable?: boolean;
  /** Name and value; names may repeat and their order is kept. */
  userProperties?: [name: string, value: string][];
  maximumPacketSize?: number;
  wildcardSubscriptionAvailable?: boolean;
  subscriptionIdentifiersAvailable?: boolean;
  sharedSubscriptionAvailable?: boolean;
}

/** How a property's value stands on the wire (MQTT 5, 1.5). A flag is a byte that must be 0 or 1. */
export type PropertyType =
  "flag" | "bit" | "uint16" | "uint32" | "variable" | "text" | "data" | "pair";

/** One kind of property. */
export interface PropertyRow {
  readonly identifier: number;
  readonly name: Exclude<keyof Properties, "subscriptionIdentifiers">;
  readonly type: PropertyType;
  /** Bit n is set when packet type n may carry it; bit 0 stands for a will. */
  readonly packets: number;
  /** Smallest value that is no protocol error. */
  readonly least: number;
}

const bit = (...types: number[]): number =>
  types.reduce((bits, type) => bits | (1 << type), 0);

const message = bit(packet.PUBLISH, packet.WILL);
const connect = bit(packet.CONNECT);
const connack = bit(packet.CONNACK);
const both = connect | connack;
const authenticating = both | bit(packet.AUTH);
const reasoned =
  connack |
  bit(packet.PUBACK, packet.PUBREC, packet.PUBREL, packet.PUBCOMP) |
  bit(packet.SUBACK, packet.UNSUBACK, packet.DISCONNECT, packet.AUTH);
const all =
  message | connect | reasoned | bit(packet.SUBSCRIBE, packet.UNSUBSCRIBE);

const row = (
  identifier: number,
  name: PropertyRow["name"],
  type: PropertyType,
  packets: number,
  least = 0,
): PropertyRow => ({ identifier, name, type, packets, least });

/** Table 2-4 of MQTT 5: identifiers, types, and the packets that may carry them. */
export const propertyRows: readonly PropertyRow[] = [
  row(1, "payloadFormatIndicator", "bit", message),
  row(2, "messageExpiryInterval", "uint32", message),
  row(3, "contentType", "text", message),
  row(8, "responseTopic", "text", message),
  row(9, "correlationData", "data", message),
  row(
    11,
    "subscriptionIdentifier",
    "variable",
    bit(packet.PUBLISH, packet.SUBSCRIBE),
    1,
  ),
  row(17, "sessionExpiryInterval", "uint32", both | bit(packet.DISCONNECT)),
  row(18, "assignedClientIdentifier", "text", connack),
  row(19, "serverKeepAlive", "uint16", connack),
  row(21, "authenticationMethod", "text", authenticating),
  row(22, "authenticationData", "data", authenticating),
  row(23, "requestProblemInformation", "flag", connect),
  row(24, "willDelayInterval", "uint32", bit(packet.WILL)),
  row(25, "requestResponseInformation", "flag", connect),
  row(26, "responseInformation", "text", connack),
  row(28, "serverReference", "text", connack | bit(packet.DISCONNECT)),
  row(31, "reasonString", "text", reasoned),
  row(33, "receiveMaximum", "uint16", both, 1),
  row(34, "topicAliasMaximum", "uint16", both),
  row(35, "topicAlias", "uint16", bit(packet.PUBLISH), 1),
  row(36, "maximumQoS", "bit", connack),
  row(37, "retainAvailable", "flag", connack),
  row(38, "userProperties", "pair", all),
  row(39, "maximumPacketSize", "uint32", both, 1),
  row(40, "wildcardSubscriptionAvailable", "flag", connack),
  row(41, "subscriptionIdentifiersAvailable", "flag", connack),
  row(42, "sharedSubscriptionAvailable", "flag", connack),
];

/** The row of an identifier, or undefined when MQTT 5 knows none. */
export function propertyRow(identifier: number): PropertyRow | undefined {
  for (const one of propertyRows) if (one.identifier === identifier) return one;
  return undefined;
}
