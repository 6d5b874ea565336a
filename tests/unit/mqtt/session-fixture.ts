import MQTTClient from "../../../modules/mqtt/client.js";
import type { Completion } from "../../../modules/mqtt/delivery.js";
import type {
  SessionConnectOptions,
  SessionOptions,
} from "../../../modules/mqtt/session-options.js";
import { Session } from "../../../modules/mqtt/session.js";
import { packet, raw, text, Wire } from "./wire.js";

/** A session, its connections on wires, and what it called. */
export class Fixture {
  readonly session: Session;
  /** What the callbacks of publish, subscribe and unsubscribe were told: a reason code, or a failure's code. */
  readonly outcomes: string[] = [];
  readonly messages: string[] = [];
  readonly dropped: string[] = [];
  readonly closed: string[] = [];
  present: boolean | undefined;

  constructor(options: SessionOptions = {}) {
    this.session = new Session({
      onMessage: (topic, payload) =>
        this.messages.push(`${topic}: ${String.fromArrayBuffer(payload)}`),
      onDropped: (failure) => this.dropped.push(failure.detail),
      ...options,
    });
  }

  get wire(): Wire {
    return Wire.last;
  }

  /** Connects; `answer` is CONNACK without its first byte and length. Takes CONNECT off the wire and returns it. */
  connect(
    answer = "00 00 00",
    options: Partial<SessionConnectOptions> = {},
  ): string {
    this.session.connect({
      io: MQTTClient,
      host: "broker",
      id: "node",
      socket: { io: Wire },
      onConnected: ({ sessionPresent }) => (this.present = sessionPresent),
      onClosed: (failure, suspect) =>
        this.closed.push(
          `${failure?.code ?? "closed"} ${suspect ?? ""}`.trim(),
        ),
      ...options,
    });
    this.wire.open();
    const [connect] = this.wire.take();
    this.wire.receive(packet("20", answer));
    return connect;
  }

  outcome(name: string): Completion {
    return (failure, reasonCode) =>
      this.outcomes.push(`${name} ${failure?.code ?? reasonCode}`);
  }

  publish(payload: string, topic = "t", QoS: 0 | 1 = 1): void {
    this.session.publish(
      topic,
      ArrayBuffer.fromString(payload),
      { QoS },
      this.outcome(payload),
    );
  }
}

/** PUBLISH to `t` as the session sends it. */
export const published = (id: string, payload: string, duplicate = false) =>
  packet(duplicate ? "3a" : "32", `${text("t")} 00 ${id} 00 ${raw(payload)}`);
/** SUBSCRIBE as the session sends it. */
export const subscribed = (id: string, ...filters: string[]) =>
  packet(
    "82",
    `00 ${id} 00 ${filters.map((filter) => `${text(filter)} 01`).join(" ")}`,
  );
/** CONNACK of MQTT 5 that the session was kept; see `Fixture.connect`. */
export const present = "01 00 00";
