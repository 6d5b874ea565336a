import type { Failure } from "../system/failure.js";
import type {
  Bytes,
  ClientCallbacks,
  ConnectOptions,
  WriteOptions,
} from "./client-options.js";
import type { IncomingOptions } from "./incoming.js";
import type { Properties } from "./properties.js";

/** Options of a session. All can be left out. */
export interface SessionOptions extends IncomingOptions {
  /** A subscription that was granted before is refused when it has to be made again. */
  onSubscriptionLost?: (filter: string, failure: Failure) => void;
  /** Most messages that wait or are unacknowledged; 64. */
  capacity?: number;
  /**
   * Milliseconds without an acknowledgement after which QoS 1 messages, SUBSCRIBE and UNSUBSCRIBE are sent again on the
   * same connection, with the same packet identifier: 10,000; 0 for never. AWS's Device Advisor demands it within 15 s, and
   * IoT Core drops messages above its rate without a word; MQTT 5 itself resends only on a new connection (4.4).
   */
  resendAfter?: number;
  /**
   * Asked before each message, with the bytes of its payload, for how many milliseconds it has to wait; 0 sends it now. For
   * brokers that drop what comes too fast.
   */
  pace?: (byteLength: number) => number;
  /** Most filters in one SUBSCRIBE or UNSUBSCRIBE; 8, IoT Core's limit. */
  filtersPerPacket?: number;
}

/** What a session needs of a client. `MQTTClient` is one, `StandardClient` makes one of any client of ECMA-419. */
export interface Client {
  /** The session. */
  readonly target: unknown;
  /** See `MQTTClient.writable`. */
  readonly writable: number;
  /** See `MQTTClient.write`. */
  write(data: Bytes | undefined, options?: WriteOptions): number;
  /** See `MQTTClient.read`. */
  read(buffer: Bytes): number | undefined;
  /** Ends the connection at once, without a callback. */
  close(): void;
}

/** Options of a client that a session makes. */
export interface ClientOptions extends ConnectOptions, ClientCallbacks<Client> {
  /** Becomes the client's property `target`. */
  target?: unknown;
}

/** The class of a client. */
export type ClientClass = new (options: ClientOptions) => Client;

/** One connection of a session: the client's options without its callbacks. */
export interface SessionConnectOptions extends ConnectOptions {
  /** The class of the client. */
  io: ClientClass;
  /** False when left out: the broker is to keep the session. */
  clean?: boolean;
  /** The socket is open and CONNECT on its way. */
  onSocketConnected?: () => void;
  onConnected: (result: ConnectResult) => void;
  /**
   * The connection has ended. Called once, unless `abort` or `close` ended it.
   *
   * @param failure undefined after `disconnect`
   * @param suspect what was the oldest thing without an answer, such as `PUBLISH to a/b`, when the broker hung up without
   *   saying why (in MQTT 3.1.1 IoT Core does that when a policy denies it) or said something that fits a message
   */
  onClosed: (failure: Failure | undefined, suspect?: string) => void;
}

/** What CONNACK said. */
export interface ConnectResult {
  sessionPresent: boolean;
  reasonCode: number;
  /** MQTT 5; empty in 3.1.1. */
  properties: Properties;
  /** Milliseconds in force, the broker's or our own; 0 for none. */
  keepAlive: number;
}

/** Options of a message. */
export interface PublishOptions {
  /** 1 when left out. */
  QoS?: number;
  retain?: boolean;
  /** MQTT 5. */
  properties?: Properties;
}
