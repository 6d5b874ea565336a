import type { Will } from "../mqtt/client-options.js";
import type { Session } from "../mqtt/session.js";

const absent = '{"online":false}';

/**
 * Tells whether the node is there, as a retained message: the node says that it came, and itself or the broker, by the
 * will, that it is gone. IoT Core wants iot:RetainPublish for the topic.
 */
export class Presence {
  readonly #topic: string;

  constructor(topic: string) {
    this.#topic = topic;
  }

  /** What the broker says when the node vanishes. */
  get will(): Will {
    return { topic: this.#topic, message: absent, QoS: 1, retain: true };
  }

  /** The node is connected since `time`, in ms since 1970. */
  arrived(session: Session, time: number): void {
    this.#say(session, `{"online":true,"time":${time}}`, 1);
  }

  /** The node is about to disconnect, after which the broker drops the will. */
  leaves(session: Session): void {
    this.#say(session, absent, 0);
  }

  #say(session: Session, text: string, QoS: 0 | 1): void {
    session.publish(this.#topic, ArrayBuffer.fromString(text), {
      QoS,
      retain: true,
    });
  }
}
