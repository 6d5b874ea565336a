import Timer from "timer";
import { Failure } from "../system/failure.js";
import type {
  Bytes,
  ClientCallbacks,
  ConnectOptions,
  ControlMessage,
  WriteOptions,
} from "./client-options.js";
import { checkConnectOptions, writeConnect } from "./connect-packet.js";
import { beforeConnack } from "./hang-up.js";
import { Inlet } from "./inlet.js";
import { KeepAlive } from "./keep-alive.js";
import type { Socket } from "./outlet.js";
import * as packet from "./packet-types.js";
import { ProtocolError } from "./protocol-error.js";
import { connectFailure, disconnectFailure } from "./reason-codes.js";
import { Sender } from "./sender.js";

export type { Will } from "./client-options.js";

/** Options of an `MQTTClient`. */
export interface MQTTClientOptions
  extends ConnectOptions, ClientCallbacks<MQTTClient> {
  /** Any value, kept as the property `target`. */
  target?: unknown;
}

// The client's way through a connection. Numbers, because XS copies a text each time it is compared with a literal.
/** The socket is being opened. */
const opening = 0;
/** CONNECT is on its way, CONNACK not there yet. */
const waiting = 1;
const connected = 2;
const closed = 3;

type State = typeof opening | typeof waiting | typeof connected | typeof closed;

type Callbacks = {
  [Name in keyof ClientCallbacks<MQTTClient>]:
    ClientCallbacks<MQTTClient>[Name] | undefined;
};

/** How long the socket may take to open; sockets have their own, shorter limits. */
const openingLimit = 60_000;
/** How long the broker may take to hang up after DISCONNECT. */
const closingLimit = 2000;

/**
 * One connection to a broker by MQTT 5 or 3.1.1, in the shape of ECMA-419's MQTT Client Class Pattern (clause 25).
 *
 * Messages of any size are written and read in pieces; nothing is kept that grows with them. It acknowledges an incoming
 * QoS 1 message once all of it was read and `onReadable` has returned, keeps the connection alive, and uses topic aliases.
 * Resending, subscribing again and counting what is unacknowledged are the `Session`'s, which outlives connections.
 *
 * Beyond ECMA-419: `protocol`, `properties` and reason codes; `io`, the resolver, is left out: the socket's options carry
 * the address; `timeout`; failures are given to `onError` as a `Failure`. Wrong arguments throw at once, and nothing is
 * ever thrown into a socket's callback but what the application's own callbacks throw.
 */
export class MQTTClient {
  static readonly CONNECT = packet.CONNECT;
  static readonly CONNACK = packet.CONNACK;
  static readonly PUBLISH = packet.PUBLISH;
  static readonly PUBACK = packet.PUBACK;
  static readonly PUBREC = packet.PUBREC;
  static readonly PUBREL = packet.PUBREL;
  static readonly PUBCOMP = packet.PUBCOMP;
  static readonly SUBSCRIBE = packet.SUBSCRIBE;
  static readonly SUBACK = packet.SUBACK;
  static readonly UNSUBSCRIBE = packet.UNSUBSCRIBE;
  static readonly UNSUBACK = packet.UNSUBACK;
  static readonly PINGREQ = packet.PINGREQ;
  static readonly PINGRESP = packet.PINGRESP;
  static readonly DISCONNECT = packet.DISCONNECT;

  readonly target: unknown;
  readonly #callbacks: Callbacks;
  readonly #sender: Sender;
  readonly #inlet: Inlet;
  /** What the answer to CONNECT is measured by; let go when it has come. */
  #options: ConnectOptions | undefined;
  #socket: Socket | undefined;
  #state: State = opening;
  #timer: Timer | undefined;
  #keepAlive: KeepAlive | undefined;

  /** Opens the connection. Throws for options that cannot be; everything else is told to `onError`. */
  constructor(options: MQTTClientOptions) {
    const level = options.protocol === "3.1.1" ? 4 : 5;
    checkConnectOptions(options, level);
    this.target = options.target;
    // The other options can go once there is a connection.
    this.#callbacks = {
      onSocketConnected: options.onSocketConnected,
      onReadable: options.onReadable,
      onWritable: options.onWritable,
      onControl: options.onControl,
      onClose: options.onClose,
      onError: options.onError,
    };
    this.#options = options;
    const onBroken = (error: unknown): void =>
      this.#broken(error, "tcp.closed");
    this.#sender = new Sender(level, onBroken);
    this.#inlet = new Inlet({
      level,
      maximumPacketSize: options.properties?.maximumPacketSize,
      topicAliasMaximum: options.properties?.topicAliasMaximum,
      acknowledger: this.#sender,
      onControl: (type) => this.#control(type),
      onMessage: (count, message) => {
        this.#expect(this.#state !== waiting, packet.PUBLISH);
        if (this.#callbacks.onReadable)
          this.#callbacks.onReadable.call(this, count, message);
        else this.read();
      },
      onResume: () => this.#resume(),
      onBroken,
    });
    writeConnect(this.#sender.writer, options, level);
    const { io, ...socket } = options.socket;
    const Io = io as new (options: object) => Socket;
    try {
      this.#socket = new Io({
        ...socket,
        host: options.host,
        port: options.port ?? 1883,
        format: "buffer",
        onReadable: (count: number) => this.#onReadable(count),
        onWritable: (count: number) => this.#onWritable(count),
        onError: (error?: unknown) => this.#onSocketError(error),
      });
    } catch (error) {
      // A socket class throws when the node has no link, which is no mistake of the caller's.
      this.#broken(error, "tcp.unreachable");
    }
    this.#limit(openingLimit, "tcp.timed-out");
  }

  /** Always "buffer". */
  get format(): "buffer" {
    return "buffer";
  }
  set format(format: "buffer") {
    if ((format as string) !== "buffer") throw new RangeError('Only "buffer"');
  }

  /** About how many bytes `write` can pass on at once; 0 while it must not be called. */
  get writable(): number {
    return this.#isConnected() ? this.#sender.room : 0;
  }

  /**
   * Sends a packet, or with no options more of the payload that the last one began.
   *
   * What the socket has no room for is sent later, straight from `data`, which must then stay as it is until `onWritable`.
   *
   * @returns how many bytes may be written now; 0: wait for `onWritable`
   * @throws Failure `mqtt.unsupported` for QoS 2 and for what the broker said it does not do, `mqtt.too-large` for a packet
   *   above its Maximum Packet Size, in both cases with nothing sent; Error before CONNACK or when called without need to
   *   wait; RangeError and TypeError for wrong arguments
   */
  write(data: Bytes | undefined, options?: WriteOptions): number {
    if (!this.#isConnected())
      throw new Error("write is for a connected client: after CONNACK");
    const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data;
    if (!options) this.#sender.more(bytes);
    else {
      const { operation = packet.PUBLISH } = options;
      if (operation === packet.PINGREQ) this.#sender.ping();
      else if (operation === packet.DISCONNECT) {
        this.#sender.disconnect(options.reasonCode ?? 0, options.properties);
        this.#limit(closingLimit);
      } else this.#sender.request(operation, bytes, options);
    }
    return this.writable;
  }

  /**
   * Takes bytes of the current message.
   *
   * @param request how many at most, all that are there when left out; or a buffer to fill
   * @returns the bytes; for a buffer, how many were put into it; undefined when there are none
   */
  read(request?: number): ArrayBuffer | undefined;
  read(buffer: Bytes): number | undefined;
  read(request?: number | Bytes): ArrayBuffer | number | undefined {
    return this.#inlet.read(request);
  }

  /** Ends the connection at once: no DISCONNECT, so the broker publishes the will, and no callback. */
  close(): void {
    this.#state = closed;
    Timer.clear(this.#timer);
    this.#timer = undefined;
    this.#keepAlive?.close();
    this.#keepAlive = this.#sender.keepAlive = undefined;
    this.#inlet.close();
    this.#socket?.close();
    this.#socket = undefined;
    this.#options = undefined;
  }

  #onWritable(count: number): void {
    const socket = this.#socket;
    if (!socket) return;
    if (this.#state === opening) {
      this.#state = waiting;
      this.#limit(this.#options!.timeout ?? 20_000, "mqtt.no-connack");
      this.#sender.writable(socket, count);
      this.#sender.send();
      this.#callbacks.onSocketConnected?.call(this);
      return;
    }
    if (this.#sender.busy) this.#keepAlive?.progressed();
    this.#sender.writable(socket, count);
    this.#resume();
    this.#tellWritable();
  }

  #tellWritable(): void {
    const { writable } = this;
    if (writable > 0) this.#callbacks.onWritable?.call(this, writable);
  }

  #onReadable(count: number): void {
    if (!this.#socket) return;
    this.#keepAlive?.received();
    this.#handle(this.#socket, count);
  }

  #resume(): void {
    if (this.#socket) this.#handle();
  }

  /** Handles what was received. A broken rule ends the connection, and the broker is told which kind it was. */
  #handle(socket?: Socket, count = 0): void {
    try {
      if (socket) this.#inlet.readable(socket, count);
      else this.#inlet.resume();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#sender.complain(error.reasonCode);
      this.#fail(new Failure("mqtt.malformed", error.message));
    }
    if (this.#isOpen()) this.#sender.sendWaiting();
  }

  #expect(right: boolean, type: number): void {
    if (right) return;
    const name = packet.packetName(type);
    throw new ProtocolError(
      0x82,
      type === packet.CONNACK
        ? "CONNACK a second time"
        : `MQTT-3.2.0-1: ${name} before CONNACK`,
    );
  }

  #control(type: number): void {
    this.#expect((type === packet.CONNACK) === (this.#state === waiting), type);
    const { packetId, reasonCode, properties, reasonCodes } =
      this.#inlet.reader;
    const message: ControlMessage = { operation: type };
    if (packetId !== 0) message.id = packetId;
    if (properties) message.properties = properties;
    switch (type) {
      case packet.CONNACK:
        this.#connected(message);
        return;
      case packet.DISCONNECT:
        this.#fail(disconnectFailure(reasonCode, properties?.reasonString));
        return;
      case packet.PINGRESP:
        this.#keepAlive?.answered();
        break;
      case packet.PUBACK:
        message.reasonCode = reasonCode;
        if (reasonCode < 0x80) this.#sender.acknowledged(packetId);
        break;
      default:
        message.payload = reasonCodes;
    }
    this.#callbacks.onControl?.call(this, type, message);
  }

  #connected(message: ControlMessage): void {
    const { reasonCode, sessionPresent, properties = {} } = this.#inlet.reader;
    const { clean = true, keepAlive = 0 } = this.#options!;
    if (reasonCode !== 0) {
      this.#fail(connectFailure(reasonCode, properties.reasonString));
      return;
    }
    if (sessionPresent && clean)
      throw new ProtocolError(
        0x82,
        "MQTT-3.2.2-2: a session in answer to a clean start",
      );
    this.#state = connected;
    Timer.clear(this.#timer);
    this.#timer = undefined;
    this.#options = undefined;
    this.#sender.connected(properties);
    // The broker's keep-alive counts, not ours [MQTT-3.1.2-21].
    const interval =
      properties.serverKeepAlive === undefined
        ? keepAlive
        : properties.serverKeepAlive * 1000;
    if (interval > 0)
      this.#keepAlive = this.#sender.keepAlive = new KeepAlive({
        interval,
        sender: this.#sender,
        inlet: this.#inlet,
        dead: () => this.#silent(),
      });
    message.reasonCode = reasonCode;
    message.sessionPresent = sessionPresent;
    message.keepAlive = interval;
    message.properties = properties;
    this.#callbacks.onControl?.call(this, packet.CONNACK, message);
    if (this.#isOpen()) this.#tellWritable();
  }

  /** No PINGRESP. If the application is slow to read what stands before it, the broker is not to blame. */
  #silent(): void {
    if (this.#inlet.available > 0) this.#keepAlive?.progressed();
    else this.#fail(new Failure("mqtt.keep-alive"));
  }

  /** From CONNACK to DISCONNECT. */
  #isConnected(): boolean {
    return this.#state === connected && !this.#sender.ended;
  }

  #isOpen(): boolean {
    return this.#state !== closed;
  }

  /** The current wait must be over in time. Without a code, its end is the end that was asked for. */
  #limit(
    milliseconds: number,
    code?: "tcp.timed-out" | "mqtt.no-connack",
  ): void {
    Timer.clear(this.#timer);
    this.#timer = Timer.set(() => {
      this.#timer = undefined;
      if (code) this.#fail(new Failure(code));
      else this.#closed();
    }, milliseconds);
  }

  /** The socket threw: the connection ends, but never while the application is inside `write` or `read`. */
  #broken(error: unknown, code: "tcp.closed" | "tcp.unreachable"): void {
    const failure = Failure.from(error, code);
    Timer.set(() => this.#fail(failure), 0);
  }

  #onSocketError(error: unknown): void {
    if (this.#sender.ended) this.#closed();
    else {
      const failure =
        error === undefined
          ? new Failure("tcp.closed")
          : Failure.from(error, "tcp.closed");
      this.#fail(this.#state === waiting ? beforeConnack(failure) : failure);
    }
  }

  #closed(): void {
    if (!this.#isOpen()) return;
    this.close();
    this.#callbacks.onClose?.call(this);
  }

  #fail(failure: Failure): void {
    if (!this.#isOpen()) return;
    this.close();
    this.#callbacks.onError?.call(this, failure);
  }
}

export default MQTTClient;
