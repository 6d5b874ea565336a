import type { IPublishPacket } from "mqtt-packet";

/** Properties of MQTT 5 that travel with a message from its publisher to its receivers. */
export interface MessageProperties {
  readonly payloadFormatIndicator?: boolean;
  readonly contentType?: string;
  readonly responseTopic?: string;
  readonly correlationData?: Buffer;
  readonly userProperties?: Readonly<Record<string, string | string[]>>;
}

/** A message on its way through the broker. */
export interface Message {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  /** True for one that its publisher asked to keep. */
  readonly retain: boolean;
  readonly properties?: MessageProperties;
  /** Moment after which nobody gets it any more, in ms since 1970. */
  readonly expiresAt?: number;
}

/** What a subscription asks for (MQTT 5 section 3.8.3.1). */
export interface SubscriptionOptions {
  readonly qos: 0 | 1;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
}

/** Whether a message is too old to be delivered. */
export function isExpired(message: Message): boolean {
  return message.expiresAt !== undefined && message.expiresAt <= Date.now();
}

/** What of a packet's properties goes on to the receivers. */
export function forwardedProperties(
  properties: IPublishPacket["properties"],
): MessageProperties | undefined {
  if (!properties) return undefined;
  const {
    payloadFormatIndicator,
    contentType,
    responseTopic,
    correlationData,
    userProperties,
  } = properties;
  return {
    ...(payloadFormatIndicator !== undefined && { payloadFormatIndicator }),
    ...(contentType !== undefined && { contentType }),
    ...(responseTopic !== undefined && { responseTopic }),
    ...(correlationData !== undefined && { correlationData }),
    ...(userProperties !== undefined && { userProperties }),
  };
}

/** Memory a message takes, about, in bytes. */
export function messageBytes(message: Message): number {
  return message.payload.length + message.topic.length + 200;
}
