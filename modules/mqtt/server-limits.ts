import { Failure } from "../system/failure.js";
import type { WriteOptions } from "./client-options.js";
import type { Properties } from "./properties.js";
import { hasWildcard } from "./topics.js";

/** What the broker said in CONNACK that it does not do (MQTT 5, 3.2.2.3), held to by the client itself. */
export class ServerLimits {
  readonly #said: Properties;

  /** @param said CONNACK's properties; none in MQTT 3.1.1 */
  constructor(said: Properties = {}) {
    this.#said = said;
  }

  /** Throws a Failure `mqtt.unsupported` for a quality of service or a RETAIN that the broker does not take. */
  checkPublish({ QoS = 0, retain = false }: WriteOptions): void {
    // Both are protocol errors that would cost the connection [MQTT-3.2.2-11, MQTT-3.2.2-14].
    if (QoS > (this.#said.maximumQoS ?? 2))
      throw new Failure("mqtt.unsupported", `the broker takes no QoS ${QoS}`);
    if (retain && this.#said.retainAvailable === false)
      throw new Failure("mqtt.unsupported", "the broker retains nothing");
  }

  /** Throws a Failure `mqtt.unsupported` for a kind of subscription that the broker does not have. */
  checkSubscribe({ items = [], properties }: WriteOptions): void {
    const said = this.#said;
    for (const { topic } of items) {
      if (said.wildcardSubscriptionAvailable === false && hasWildcard(topic))
        throw new Failure("mqtt.unsupported", `${topic}: no wildcards`);
      if (
        said.sharedSubscriptionAvailable === false &&
        topic.startsWith("$share/")
      )
        throw new Failure("mqtt.unsupported", `${topic}: nothing shared`);
    }
    if (
      said.subscriptionIdentifiersAvailable === false &&
      properties?.subscriptionIdentifier !== undefined
    )
      throw new Failure("mqtt.unsupported", "no subscription identifiers");
  }

  /** Throws a Failure `mqtt.too-large` for a packet above the broker's Maximum Packet Size [MQTT-3.2.2-15]. */
  checkSize(bytes: number, what: string): void {
    const most = this.#said.maximumPacketSize ?? Infinity;
    if (bytes > most)
      throw new Failure("mqtt.too-large", `${what}: ${bytes} of ${most} bytes`);
  }
}
