import Timer from "timer";
import { Failure } from "../system/failure.js";
import type {
  Bytes,
  ClientCallbacks,
  ConnectOptions,
  ControlMessage,
  ReadableOptions,
  WriteOptions,
} from "./client-options.js";
import {
  checkConnectOptions,
  receiveMaximum,
  writeConnect,
} from "./connect-packet.js";
import { KeepAlive } from "./keep-alive.js";
import { Outlet, type Socket } from "./outlet.js";
import { PacketIdQueue, PacketIds } from "./packet-ids.js";
import { PacketReader } from "./packet-reader.js";
import * as packet from "./packet-types.js";
import type { Properties } from "./properties.js";
import { ProtocolError } from "./protocol-error.js";
import { connectFailure, disconnectFailure } from "./reason-codes.js";
import { ServerLimits } from "./server-limits.js";
import { IncomingAliases, OutgoingAliases } from "./topic-aliases.js";
import { writePublish, writeSubscription } from "./request-packets.js";

export type { Will } from "./client-options.js";

/** Options of an `MQTTClient`. */
export interface MQTTClientOptions
  extends ConnectOptions, ClientCallbacks<MQTTClient> {
  /** Any value, kept as the property `target`. */
  target?: unknown;
}

/**
 * The client's way through a connection:
 * `opening` (the socket) → `waiting` (CONNACK) → `connected` → `closing` (DISCONNECT is on its way) → `closed`.
 */
type State = "opening" | "waiting" | "connected" | "closing" | "closed";

/** How long the socket may take to open; sockets have their own, shorter limits. */
const openingLimit = 60_000;
/** How long the broker may take to hang up after DISCONNECT. */
const closingLimit = 2000;
/** Bytes of the smallest PUBLISH beside topic and payload, held back from what `onWritable` tells. */
const overhead = 8;
/** How a connection ends when the other side just goes. */
const hangUps: readonly string[] = [
  "tcp.closed",
  "tls.closed",
  "tls.truncated",
];

/** Without a session nobody knows what is in use; who needs that gives the identifiers. */
const noneTaken = () => false;

const last: ReadableOptions = Object.freeze({ more: false });
const notLast: ReadableOptions = Object.freeze({ more: true });

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
  readonly #level: packet.ProtocolLevel;
  readonly #callbacks: ClientCallbacks<MQTTClient>;
  readonly #outlet = new Outlet();
  readonly #reader: PacketReader;
  readonly #acknowledgements = new PacketIdQueue(receiveMaximum);
  readonly #incomingAliases: IncomingAliases;
  /** What CONNECT needs; let go once it is sent. */
  #options: ConnectOptions | undefined;
  #keepAliveTime: number;
  #socket: Socket | undefined;
  #state: State = "opening";
  #timer: Timer | undefined;
  #resume: Timer | undefined;
  #keepAlive: KeepAlive | undefined;
  #limits = new ServerLimits();
  #outgoingAliases = new OutgoingAliases(0);
  readonly #ids = new PacketIds();
  /** Bytes of the payload that the application has still to write. */
  #toWrite = 0;
  #pingWanted = false;
  #farewell: { code: number; properties: Properties | undefined } | undefined;
  /** Bytes that the socket has for us. */
  #readable = 0;
  #pumping = false;
  /** A message is being given to the application. */
  #receiving = false;
  #announced = false;
  /** Bytes that the application was told of and did not take. */
  #offered = 0;

  constructor(options: MQTTClientOptions) {
    this.#level = options.protocol === "3.1.1" ? 4 : 5;
    checkConnectOptions(options, this.#level);
    this.target = options.target;
    this.#callbacks = options;
    this.#options = options;
    this.#keepAliveTime = options.keepAlive ?? 0;
    const { topicAliasMaximum = 0, maximumPacketSize = Infinity } =
      options.properties ?? {};
    this.#incomingAliases = new IncomingAliases(topicAliasMaximum);
    this.#reader = new PacketReader({ level: this.#level, maximumPacketSize });
    // What cannot be encoded is the caller's error, so it is found here and not when the socket opens.
    writeConnect(this.#outlet.writer, options, this.#level);
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
    return this.#state === "connected" && this.#outlet.idle
      ? Math.max(0, this.#outlet.room - overhead)
      : 0;
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
    if (this.#state !== "connected")
      throw new Error("write is for a connected client: after CONNACK");
    const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data;
    if (!options) this.#writeMore(bytes);
    else {
      if (this.#toWrite > 0)
        throw new Error(`${this.#toWrite} bytes of a message are missing`);
      const { operation = packet.PUBLISH } = options;
      if (operation === packet.PINGREQ) this.#pingWanted = true;
      else if (operation === packet.DISCONNECT)
        this.#disconnect(options.reasonCode ?? 0, options.properties);
      else {
        this.#checkIdle();
        this.#request(operation, bytes, options);
      }
    }
    this.#sendWaiting();
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
    const available = this.#available();
    if (!this.#receiving || available === 0) return undefined;
    let result: ArrayBuffer | number;
    if (request === undefined || typeof request === "number") {
      const into = new Uint8Array(Math.min(request ?? available, available));
      const count = this.#take(into);
      result =
        count === into.length ? into.buffer : into.buffer.slice(0, count);
    } else {
      const into =
        request instanceof ArrayBuffer ? new Uint8Array(request) : request;
      result = this.#take(
        into.length > available ? into.subarray(0, available) : into,
      );
    }
    this.#offered = this.#available();
    if (!this.#pumping && this.#reader.payloadLeft === 0) this.#pumpSoon();
    return result;
  }

  /** Ends the connection at once: no DISCONNECT, so the broker publishes the will, and no callback. */
  close(): void {
    this.#state = "closed";
    Timer.clear(this.#timer);
    Timer.clear(this.#resume);
    this.#timer = this.#resume = undefined;
    this.#keepAlive?.close();
    this.#keepAlive = undefined;
    this.#socket?.close();
    this.#socket = undefined;
    this.#options = undefined;
    this.#receiving = false;
    this.#readable = 0;
  }

  // Out

  #checkIdle(): void {
    if (!this.#outlet.idle)
      throw new Error("The last packet is still on its way: await onWritable");
  }

  #writeMore(bytes: Uint8Array | undefined): void {
    this.#checkIdle();
    const count = bytes?.length ?? 0;
    if (!bytes || count > this.#toWrite)
      throw new RangeError(
        `${count} bytes for a message that has ${this.#toWrite} left`,
      );
    this.#toWrite -= count;
    try {
      this.#outlet.sendMore(bytes);
    } catch (error) {
      this.#broken(error);
    }
  }

  #request(
    operation: number,
    bytes: Uint8Array | undefined,
    options: WriteOptions,
  ): void {
    const { writer } = this.#outlet;
    const id = options.id ?? this.#ids.next(noneTaken);
    if (operation === packet.PUBLISH) {
      const byteLength = options.byteLength ?? bytes?.length ?? 0;
      if ((bytes?.length ?? 0) > byteLength)
        throw new RangeError("more data than byteLength");
      this.#limits.checkPublish(options);
      writePublish(
        writer,
        this.#level,
        options,
        id,
        byteLength,
        this.#outgoingAliases,
        this.#limits,
      );
      this.#toWrite = byteLength - (bytes?.length ?? 0);
    } else if (
      operation === packet.SUBSCRIBE ||
      operation === packet.UNSUBSCRIBE
    ) {
      if (operation === packet.SUBSCRIBE) this.#limits.checkSubscribe(options);
      writeSubscription(writer, operation, this.#level, options, id);
      this.#limits.checkSize(writer.length, packet.packetName(operation));
    } else
      throw new RangeError(
        `${packet.packetName(operation)} is not an application's to send`,
      );
    this.#keepAlive?.sent();
    this.#send(bytes);
  }

  #send(data?: Uint8Array): void {
    try {
      this.#outlet.send(data);
    } catch (error) {
      this.#broken(error);
    }
  }

  #flush(socket: Socket, room: number): void {
    try {
      this.#outlet.writable(socket, room);
    } catch (error) {
      this.#broken(error);
    }
  }

  #disconnect(code: number, properties: Properties | undefined): void {
    this.#farewell = { code, properties };
    this.#limit(closingLimit);
  }

  /** Sends what the client itself has to say: acknowledgements, PINGREQ, DISCONNECT. */
  #sendWaiting(): void {
    const { writer } = this.#outlet;
    const ids = this.#acknowledgements;
    while (
      this.#state === "connected" &&
      this.#outlet.idle &&
      this.#toWrite === 0
    ) {
      if (ids.length > 0) {
        writer.begin();
        while (ids.length > 0 && writer.room >= 4) {
          writer.byte(packet.PUBACK << 4);
          writer.byte(2);
          writer.uint16(ids.shift());
        }
      } else if (this.#pingWanted) {
        this.#pingWanted = false;
        writer.begin();
        writer.finish(packet.PINGREQ << 4);
        this.#keepAlive?.progressed();
      } else if (this.#farewell) {
        this.#state = "closing";
        this.#writeDisconnect(this.#farewell.code, this.#farewell.properties);
      } else return;
      this.#keepAlive?.sent();
      this.#send();
    }
  }

  #writeDisconnect(code: number, properties?: Properties): void {
    const { writer } = this.#outlet;
    writer.begin();
    if (this.#level === 5 && (code !== 0 || properties)) {
      writer.byte(code);
      if (properties) writer.properties(packet.DISCONNECT, properties);
    }
    writer.finish(packet.DISCONNECT << 4);
  }

  #onWritable(count: number): void {
    const socket = this.#socket;
    if (!socket) return;
    if (this.#state === "opening") {
      this.#state = "waiting";
      this.#limit(this.#options!.timeout ?? 20_000, "mqtt.no-connack");
      this.#flush(socket, count);
      this.#send();
      this.#callbacks.onSocketConnected?.call(this);
      return;
    }
    if (!this.#outlet.idle || this.#toWrite > 0) this.#keepAlive?.progressed();
    this.#flush(socket, count);
    this.#sendWaiting();
    this.#pump();
    this.#tellWritable();
  }

  #tellWritable(): void {
    const { writable } = this;
    if (writable > 0) this.#callbacks.onWritable?.call(this, writable);
  }

  // In

  #onReadable(count: number): void {
    this.#readable = count;
    this.#keepAlive?.received();
    this.#pump();
  }

  #pumpSoon(): void {
    this.#resume ??= Timer.set(() => {
      this.#resume = undefined;
      this.#pump();
    }, 0);
  }

  /** Handles what was received until there is no more, or the application or the way out holds it up. */
  #pump(): void {
    if (this.#pumping || !this.#socket) return;
    this.#pumping = true;
    try {
      while (this.#isOpen()) if (!this.#step()) break;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#breach(error);
    } finally {
      this.#pumping = false;
    }
    this.#sendWaiting();
  }

  /** One packet, or one piece of a message. Returns false when nothing more can be done now. */
  #step(): boolean {
    if (this.#receiving) return this.#deliver();
    if (this.#acknowledgements.full) this.#sendWaiting();
    if (this.#acknowledgements.full) return false;
    const type = this.#reader.next();
    if (type === 0) return this.#fill();
    if (type === packet.PUBLISH) this.#startMessage();
    else this.#control(type);
    return true;
  }

  #fill(): boolean {
    if (this.#readable === 0) return false;
    const reader = this.#reader;
    const count = Math.min(reader.prepare(), this.#readable);
    const { buffer, end } = reader;
    const into =
      end === 0 && count === buffer.length
        ? buffer
        : buffer.subarray(end, end + count);
    reader.filled(this.#readSocket(into));
    return true;
  }

  /** Reads from the socket exactly what it said it has: some of them throw when asked for more. */
  #readSocket(into: Uint8Array): number {
    let count = 0;
    try {
      count = this.#socket!.read(into) ?? 0;
    } catch (error) {
      this.#broken(error);
    }
    this.#readable = count < into.length ? 0 : this.#readable - count;
    return count;
  }

  #take(into: Uint8Array): number {
    const reader = this.#reader;
    const buffered = reader.take(into);
    if (buffered === into.length) return buffered;
    const direct = this.#readSocket(
      buffered === 0 ? into : into.subarray(buffered),
    );
    reader.skip(direct);
    return buffered + direct;
  }

  #available(): number {
    const reader = this.#reader;
    return Math.min(reader.payloadLeft, reader.buffered + this.#readable);
  }

  #startMessage(): void {
    const reader = this.#reader;
    if (this.#state === "waiting")
      throw new ProtocolError(0x82, "MQTT-3.2.0-1: PUBLISH before CONNACK");
    const alias = reader.properties?.topicAlias;
    if (alias !== undefined)
      reader.topic = this.#incomingAliases.resolve(reader.topic, alias);
    this.#receiving = true;
    this.#announced = false;
    this.#offered = 0;
  }

  #deliver(): boolean {
    const reader = this.#reader;
    const available = this.#available();
    if (this.#announced && reader.payloadLeft === 0) {
      this.#receiving = false;
      if (reader.QoS === 1) this.#acknowledgements.push(reader.packetId);
      return true;
    }
    if (
      this.#announced
        ? available === this.#offered
        : available === 0 && reader.payloadLeft > 0
    )
      return false;
    const more = available < reader.payloadLeft;
    const options = this.#announced
      ? more
        ? notLast
        : last
      : {
          more,
          topic: reader.topic,
          QoS: reader.QoS,
          byteLength: reader.payloadLength,
          retain: reader.retain,
          duplicate: reader.duplicate,
          properties: reader.properties,
        };
    this.#announced = true;
    this.#offered = available;
    if (this.#callbacks.onReadable)
      this.#callbacks.onReadable.call(this, available, options);
    else this.read();
    return true;
  }

  #control(type: number): void {
    if ((type === packet.CONNACK) !== (this.#state === "waiting"))
      throw new ProtocolError(
        0x82,
        type === packet.CONNACK
          ? "CONNACK a second time"
          : `MQTT-3.2.0-1: ${packet.packetName(type)} before CONNACK`,
      );
    const { packetId, reasonCode, properties } = this.#reader;
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
        if (reasonCode < 0x80) this.#outgoingAliases.acknowledged(packetId);
        break;
      default:
        message.payload = this.#reader.reasonCodes;
    }
    this.#callbacks.onControl?.call(this, type, message);
  }

  #connected(message: ControlMessage): void {
    const { reasonCode, sessionPresent, properties = {} } = this.#reader;
    if (reasonCode !== 0) {
      this.#fail(connectFailure(reasonCode, properties.reasonString));
      return;
    }
    if (sessionPresent && (this.#options!.clean ?? true))
      throw new ProtocolError(
        0x82,
        "MQTT-3.2.2-2: a session in answer to a clean start",
      );
    this.#state = "connected";
    Timer.clear(this.#timer);
    this.#timer = undefined;
    this.#options = undefined;
    this.#limits = new ServerLimits(properties);
    this.#outgoingAliases = new OutgoingAliases(
      properties.topicAliasMaximum ?? 0,
    );
    // The broker's keep-alive counts, not ours [MQTT-3.1.2-21].
    const interval =
      properties.serverKeepAlive === undefined
        ? this.#keepAliveTime
        : properties.serverKeepAlive * 1000;
    if (interval > 0)
      this.#keepAlive = new KeepAlive({
        interval,
        ping: () => {
          this.#pingWanted = true;
          this.#sendWaiting();
        },
        dead: () => this.#silent(),
        receiving: () => this.#receiving || this.#reader.buffered > 0,
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
    if (this.#receiving && this.#available() > 0) this.#keepAlive?.progressed();
    else this.#fail(new Failure("mqtt.keep-alive"));
  }

  // The end

  #isOpen(): boolean {
    return this.#state !== "closed";
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

  /** The broker broke a rule: tell it which kind (MQTT 5, 4.13.1), then end. */
  #breach(error: ProtocolError): void {
    const connected = this.#state === "connected";
    if (
      connected &&
      this.#level === 5 &&
      this.#outlet.idle &&
      this.#toWrite === 0
    ) {
      this.#writeDisconnect(error.reasonCode);
      this.#send();
    }
    this.#fail(new Failure("mqtt.malformed", error.message));
  }

  /** The socket threw: the connection ends, but never while the application is inside `write` or `read`. */
  #broken(
    error: unknown,
    code: "tcp.closed" | "tcp.unreachable" = "tcp.closed",
  ): void {
    const failure = Failure.from(error, code);
    Timer.set(() => this.#fail(failure), 0);
  }

  #onSocketError(error: unknown): void {
    if (this.#state === "closing") this.#closed();
    else {
      const failure =
        error === undefined
          ? new Failure("tcp.closed")
          : Failure.from(error, "tcp.closed");
      const early = this.#state === "waiting" && hangUps.includes(failure.code);
      this.#fail(
        early
          ? new Failure("mqtt.closed-before-connack", failure.detail)
          : failure,
      );
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
