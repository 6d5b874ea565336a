import type { Broker, Routed } from "../mqtt/broker.js";
import type { Message } from "../mqtt/message.js";
import {
  writePayload,
  type PayloadFormat,
  type PayloadMap,
} from "./payload.js";

/** A message that a service sends. */
export function serviceMessage(
  topic: string,
  payload: PayloadMap,
  format: PayloadFormat = "json",
): Message {
  return {
    topic,
    payload: writePayload(format, payload),
    // AWS does not say which QoS its own messages have; this way a subscription of QoS 1 loses none.
    qos: 1,
    retain: false,
  };
}

/** How services send messages to whoever is subscribed. */
export class ServicePublisher {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  publish(
    topic: string,
    payload: PayloadMap,
    format: PayloadFormat = "json",
  ): Routed {
    return this.#broker.publish(serviceMessage(topic, payload, format));
  }
}
