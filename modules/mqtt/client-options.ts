import type { Failure } from "../system/failure.js";
import type { Socket } from "./outlet.js";
import type { Properties } from "./properties.js";

/** Bytes in any of the forms that the client takes. */
export type Bytes = ArrayBuffer | Uint8Array;

/** What the broker publishes when this client vanishes without a DISCONNECT (MQTT 5, 3.1.2.5). */
export interface Will {
  topic: string;
  message: string | Bytes;
  QoS?: number;
  retain?: boolean;
  /** MQTT 5: a will's own properties, `willDelayInterval` among them. */
  properties?: Properties;
}

/** The first call for a message has all of it; later calls only `more`. */
export interface ReadableOptions {
  /** False when this is the last of the message. */
  more: boolean;
  topic?: string;
  QoS?: number;
  /** Bytes of the whole message. */
  byteLength?: number;
  retain?: boolean;
  duplicate?: boolean;
  properties?: Properties | undefined;
}

/** A packet other than PUBLISH that came from the broker. */
export interface ControlMessage {
  operation: number;
  /** Packet identifier, where the packet has one. */
  id?: number;
  /** CONNACK, PUBACK: of MQTT 5; 3.1.1's are translated. */
  reasonCode?: number;
  /** CONNACK. */
  sessionPresent?: boolean;
  /** CONNACK: milliseconds in force, the broker's or our own; 0 for none. */
  keepAlive?: number;
  /** SUBACK, and UNSUBACK of MQTT 5: a code for each filter. */
  payload?: number[];
  properties?: Properties | undefined;
}

/** An ECMA-419 TCP class, or one of its shape such as SecureSocket. */
export type SocketClass = new (options: never) => Socket;

/** Options of the socket: its class as `io`, the address, and whatever else it takes. */
export interface SocketOptions {
  io: SocketClass;
  address?: string;
  [option: string]: unknown;
}

/** Options of one connection: ECMA-419, clause 25, and MQTT 5. Times in milliseconds. */
export interface ConnectOptions {
  /** Name of the broker; handed to the socket, which gets the address to use in its own options. */
  host: string;
  /** 1883 when left out. */
  port?: number;
  /** "" lets the broker choose one (MQTT 5: it tells in `assignedClientIdentifier`). */
  id?: string;
  /** Start without the session that the broker may have kept (Clean Session, Clean Start); true when left out. */
  clean?: boolean;
  /** 0, when left out: none, unless the broker says one (MQTT 5). At most 65,535 s. */
  keepAlive?: number;
  /** From CONNECT to CONNACK; 20 s when left out. */
  timeout?: number;
  will?: Will;
  user?: string;
  password?: string | Bytes;
  /** "5" when left out. */
  protocol?: "5" | "3.1.1";
  /** CONNECT's of MQTT 5; 3.1.1 sends none. `receiveMaximum` is 32 when left out, and no more than that. */
  properties?: Properties;
  socket: SocketOptions;
}

/** What an `MQTTClient` calls. All are optional. */
export interface ClientCallbacks<Client> {
  /** The socket is open and CONNECT on its way. */
  onSocketConnected?: (this: Client) => void;
  /** `count` bytes of the current message can be read. */
  onReadable?: (this: Client, count: number, options: ReadableOptions) => void;
  /** About `count` bytes can be written. */
  onWritable?: (this: Client, count: number) => void;
  onControl?: (
    this: Client,
    operation: number,
    message: ControlMessage,
  ) => void;
  /** The connection has ended after this client's DISCONNECT. */
  onClose?: (this: Client) => void;
  /** The connection has ended for any other reason. No callback comes after it. */
  onError?: (this: Client, failure: Failure) => void;
}

/** A filter to subscribe to or unsubscribe from. All but `topic` is for SUBSCRIBE. */
export interface SubscriptionItem {
  topic: string;
  QoS?: number;
  /** MQTT 5: do not send back what this client publishes. */
  noLocal?: boolean;
  /** MQTT 5: leave RETAIN as the publisher set it. */
  retainAsPublished?: boolean;
  /** MQTT 5: 0 send retained messages now, 1 only if the subscription is new, 2 never. */
  retainHandling?: number;
}

/** What to write. */
export interface WriteOptions {
  /** PUBLISH when left out; else SUBSCRIBE, UNSUBSCRIBE, PINGREQ or DISCONNECT. */
  operation?: number;
  /** Packet identifier; the client counts its own when left out. Give it always or never. */
  id?: number;
  topic?: string;
  QoS?: number;
  retain?: boolean;
  duplicate?: boolean;
  /** Bytes of the whole payload, when more of it follows by `write` without options. */
  byteLength?: number;
  items?: readonly SubscriptionItem[];
  /** MQTT 5. */
  properties?: Properties | undefined;
  /** DISCONNECT of MQTT 5: 0 drops the will, 4 leaves it in force. */
  reasonCode?: number;
}
