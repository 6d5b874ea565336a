import Timer from "timer";
import { Failure } from "../system/failure.js";
import type { MQTTClient } from "./client.js";
import type {
  Bytes,
  ControlMessage,
  SubscriptionItem,
  WriteOptions,
} from "./client-options.js";
import { checkQoS } from "./connect-packet.js";
import {
  DeliveryQueue,
  type Completion,
  type Delivery,
  type PayloadSource,
} from "./delivery.js";
import { Incoming } from "./incoming.js";
import { PacketIds } from "./packet-ids.js";
import * as packet from "./packet-types.js";
import type { Properties } from "./properties.js";
import { publishFailure } from "./reason-codes.js";
import type {
  PublishOptions,
  SessionConnectOptions,
  SessionOptions,
} from "./session-options.js";
import { Subscriptions } from "./subscriptions.js";
import { checkTopicFilter, checkTopicName } from "./topics.js";

/** The session's timer ticks this often in the time after which things are sent again. */
const ticksUntilResend = 5;
/** What the broker hangs up on so often is given up. */
const mostHangUps = 3;
/** Ticks within which a hang-up counts as an answer. */
const recent = 1;
/** How a connection ends when the other side just goes. */
const hangUps: readonly string[] = [
  "tcp.closed",
  "tls.closed",
  "tls.truncated",
];
/** Seconds that a broker of MQTT 5 is asked to keep the session: IoT Core's default in 3.1.1. */
const sessionExpiryInterval = 3600;
/** Bytes of a piece of a payload that comes from a source. */
const pieceSize = 512;

/**
 * What outlives a connection (MQTT 5, 4.1): messages that the broker has not acknowledged, and subscriptions.
 *
 * It is created once and drives one client after another: `connect` makes one, and when that ends, the next `connect`
 * goes on where it stopped. Messages are sent in the order they were published, before they are acknowledged up to the
 * broker's Receive Maximum. After a reconnect everything unacknowledged is sent again in the same order, with DUP if the
 * broker kept the session; subscriptions are made again only if it did not. When to connect again is not decided here.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #capacity: number;
  readonly #incoming: Incoming;
  readonly #deliveries = new DeliveryQueue();
  readonly #subscriptions: Subscriptions;
  #client: MQTTClient | undefined;
  #connection: SessionConnectOptions | undefined;
  #connected = false;
  #mostUnacknowledged = 65_535;
  #unacknowledged = 0;
  readonly #ids = new PacketIds();
  readonly #isTaken = (id: number): boolean =>
    this.#deliveries.find(id) !== undefined ||
    this.#subscriptions.operation?.id === id;
  #order = 0;
  /** The message whose bytes are not all with the socket yet. */
  #current: Delivery | undefined;
  #offset = 0;
  #checkedTopic = "";
  #piece: Uint8Array | undefined;
  #sending = false;
  readonly #request: WriteOptions = {
    id: 0,
    topic: "",
    QoS: 0,
    retain: false,
    duplicate: false,
    byteLength: 0,
    properties: undefined,
  };
  #timer: Timer | undefined;

  constructor(options: SessionOptions = {}) {
    this.#options = options;
    this.#capacity = options.capacity ?? 64;
    this.#incoming = new Incoming(options);
    this.#subscriptions = new Subscriptions(
      options.filtersPerPacket ?? 8,
      options.onSubscriptionLost,
    );
  }

  /** True from `onConnected` to the end of the connection. */
  get connected(): boolean {
    return this.#connected;
  }

  /** Messages that wait or are unacknowledged. */
  get length(): number {
    return this.#deliveries.length;
  }

  /** Opens a connection. Throws when one is open, and for wrong options. */
  connect(options: SessionConnectOptions): void {
    if (this.#client) throw new Error("The session has a connection already");
    const { io: Io, clean = false, protocol } = options;
    const properties =
      protocol === "3.1.1" || clean
        ? options.properties
        : { sessionExpiryInterval, ...options.properties };
    this.#connection = options;
    this.#incoming.reset();
    const client: MQTTClient = new Io({
      ...options,
      clean,
      ...(properties && { properties }),
      onReadable: (count, message) =>
        this.#incoming.readable(client, count, message),
      onWritable: () => this.#send(),
      onControl: (operation, message) => this.#onControl(operation, message),
      onClose: () => this.#ended(undefined),
      onError: (failure) => this.#ended(failure),
    });
    this.#client = client;
  }

  /**
   * Takes a message and sends it as soon as it can.
   *
   * QoS 1 is kept until the broker has acknowledged it, over any number of connections. QoS 0 is through when the socket
   * has it, and fails at once with `mqtt.closed` when there is no connection. The payload must stay as it is until the
   * callback, which may be called before this returns. Failures: `mqtt.full`, `mqtt.too-large`, `mqtt.unsupported`,
   * `policy.publish-denied`, `policy.likely`, `mqtt.rejected`, `mqtt.quota`, `mqtt.closed`.
   *
   * @throws RangeError for a topic that cannot be published to, Failure `mqtt.unsupported` for QoS 2
   */
  publish(
    topic: string,
    payload: Bytes | PayloadSource,
    options: PublishOptions = {},
    callback?: Completion,
  ): void {
    const { QoS = 1, retain = false, properties } = options;
    checkQoS(QoS, topic);
    // Most nodes publish to one topic over and over.
    if (topic !== this.#checkedTopic) {
      checkTopicName(topic);
      this.#checkedTopic = topic;
    }
    if (QoS === 0 && !this.#connected) {
      callback?.(new Failure("mqtt.closed", topic), 0);
      return;
    }
    if (this.#deliveries.length >= this.#capacity) {
      callback?.(
        new Failure("mqtt.full", `${topic}: ${this.#capacity} messages`),
        0,
      );
      return;
    }
    const delivery = this.#deliveries.add();
    delivery.topic = topic;
    delivery.payload =
      payload instanceof ArrayBuffer ? new Uint8Array(payload) : payload;
    delivery.QoS = QoS;
    delivery.retain = retain;
    delivery.properties = properties;
    delivery.callback = callback;
    this.#send();
  }

  /**
   * Subscribes to one filter, now and whenever a broker has lost the session. Filters that wait go out together.
   *
   * @param callback called once, with the granted QoS as reason code, or a Failure `policy.subscribe-denied`,
   *   `policy.likely`, `mqtt.rejected`, `mqtt.quota`, `mqtt.unsupported`, after which the filter is forgotten
   * @throws RangeError for a wrong filter, Failure `mqtt.unsupported` for QoS 2
   */
  subscribe(
    filter: string,
    options: Omit<SubscriptionItem, "topic"> = {},
    callback?: Completion,
  ): void {
    checkTopicFilter(filter);
    const { QoS = 1 } = options;
    checkQoS(QoS, filter);
    this.#subscriptions.add({ ...options, topic: filter, QoS }, callback);
    this.#send();
  }

  /** Ends a subscription. The callback is called once, with 0x11 as reason code when there was none. */
  unsubscribe(filter: string, callback?: Completion): void {
    checkTopicFilter(filter);
    this.#subscriptions.remove(filter, callback);
    this.#send();
  }

  /** Ends the connection with DISCONNECT, so that the broker drops the will; then `onClosed` is called. */
  disconnect(): void {
    const client = this.#client;
    if (!client) return;
    // In the middle of a message, or before CONNACK, nothing else can be sent.
    if (!this.#connected || this.#current) this.#end();
    else {
      this.#connected = false;
      client.write(undefined, { operation: packet.DISCONNECT });
    }
  }

  /** Ends the connection at once, without a callback. Everything is kept for the next one. */
  abort(): void {
    const client = this.#client;
    this.#detach();
    client?.close();
  }

  /** Ends the session: whatever waits fails with `mqtt.closed`. */
  close(): void {
    this.abort();
    const failure = new Failure("mqtt.closed");
    this.#subscriptions.close(failure);
    for (let one = this.#deliveries.first; one; one = this.#deliveries.first)
      this.#complete(one, failure, 0);
  }

  // Connection

  #onControl(operation: number, message: ControlMessage): void {
    switch (operation) {
      case packet.CONNACK:
        this.#onConnected(message);
        return;
      case packet.PUBACK:
        this.#onPuback(message);
        break;
      case packet.SUBACK:
      case packet.UNSUBACK:
        this.#onSuback(operation, message);
        break;
      default:
    }
    this.#send();
  }

  #onConnected(message: ControlMessage): void {
    const { sessionPresent = false, properties = {} } = message;
    this.#connected = true;
    this.#mostUnacknowledged = properties.receiveMaximum ?? 65_535;
    for (let one = this.#deliveries.first; one; one = one.next) {
      one.due = true;
      if (sessionPresent) continue;
      one.sentBefore = false;
      one.id = 0;
    }
    this.#subscriptions.connected(sessionPresent);
    this.#connection?.onConnected({
      sessionPresent,
      reasonCode: message.reasonCode ?? 0,
      properties,
      keepAlive: message.keepAlive ?? 0,
    });
  }

  /** The client has said that its connection is over. */
  #ended(failure: Failure | undefined): void {
    const connection = this.#connection;
    const suspect =
      failure && hangUps.includes(failure.code) ? this.#blame() : undefined;
    this.#detach();
    connection?.onClosed(failure, suspect);
  }

  /** Ends the connection from this side, and says so as after `disconnect`. */
  #end(failure?: Failure): void {
    this.#client?.close();
    this.#ended(failure);
  }

  #detach(): void {
    Timer.clear(this.#timer);
    this.#timer = this.#client = this.#connection = this.#current = undefined;
    this.#connected = false;
    this.#unacknowledged = 0;
    let next: Delivery | undefined;
    for (let one = this.#deliveries.first; one; one = next) {
      ({ next } = one);
      one.counted = false;
      one.due = true;
      if (one.answer) this.#answered(one, one.answer);
      else if (one.QoS === 0)
        this.#complete(one, new Failure("mqtt.closed", one.topic), 0);
    }
  }

  /** The broker has hung up without a word: names what may be why, and gives up what is named too often. */
  #blame(): string | undefined {
    if (!this.#connected) return undefined;
    let oldest: Delivery | undefined;
    for (let one = this.#deliveries.first; one; one = one.next)
      if (
        !one.due &&
        one.QoS > 0 &&
        one.age <= recent &&
        (!oldest || one.order < oldest.order)
      )
        oldest = one;
    const silent = this.#connection?.protocol === "3.1.1";
    const { operation } = this.#subscriptions;
    if (operation && !operation.due && operation.age <= recent) {
      if (!oldest || operation.order < oldest.order) {
        const name = packet.packetName(operation.type);
        const filters = operation.items.map(({ topic }) => topic).join(", ");
        if (silent)
          this.#subscriptions.hungUp(
            mostHangUps,
            (filter) => new Failure("policy.likely", `${name} to ${filter}`),
          );
        return `${name} to ${filters}`;
      }
    }
    if (!oldest) return undefined;
    const suspect = `PUBLISH to ${oldest.topic}`;
    if (silent && ++oldest.hangUps >= mostHangUps)
      this.#complete(oldest, new Failure("policy.likely", suspect), 0);
    return suspect;
  }

  // Acknowledgements

  #onPuback(message: ControlMessage): void {
    const delivery = this.#deliveries.find(message.id ?? 0);
    // One that nobody waits for: the answer to something that was sent twice.
    if (!delivery?.sentBefore) return;
    // Its bytes are still in use: it is sent a second time, or the socket was slow to say that it has them all.
    if (delivery === this.#current) delivery.answer = message;
    else this.#answered(delivery, message);
  }

  #answered(
    delivery: Delivery,
    { reasonCode = 0, properties }: ControlMessage,
  ): void {
    const failure =
      reasonCode >= 0x80
        ? publishFailure(delivery.topic, reasonCode, properties?.reasonString)
        : undefined;
    this.#complete(delivery, failure, reasonCode, properties);
  }

  #onSuback(
    type: number,
    { id, payload = [], properties }: ControlMessage,
  ): void {
    const { operation } = this.#subscriptions;
    const expected =
      operation?.type === packet.SUBSCRIBE ? packet.SUBACK : packet.UNSUBACK;
    if (operation?.id !== id || type !== expected) return;
    if (!this.#subscriptions.acknowledged(payload, properties))
      this.#end(
        new Failure(
          "mqtt.malformed",
          `MQTT-3.9.3-1: ${payload.length} codes for ${operation?.items.length ?? 0} filters`,
        ),
      );
  }

  #complete(
    delivery: Delivery,
    failure: Failure | undefined,
    reasonCode: number,
    properties?: Properties,
  ): void {
    const { callback } = delivery;
    if (delivery.counted) this.#unacknowledged--;
    if (this.#current === delivery) this.#current = undefined;
    this.#deliveries.remove(delivery);
    callback?.(failure, reasonCode, properties);
  }

  // Sending

  /** Sends what is due as long as the client takes it. */
  #send(): void {
    if (this.#sending) return;
    this.#sending = true;
    try {
      while (this.#connected && this.#client!.writable > 0)
        if (!this.#sendNext(this.#client!)) break;
    } finally {
      this.#sending = false;
    }
  }

  #sendNext(client: MQTTClient): boolean {
    const current = this.#current;
    if (current) {
      if (this.#offset < current.payload.byteLength)
        this.#sendPiece(client, current.payload);
      else this.#sent(current);
      return true;
    }
    const operation =
      this.#subscriptions.operation ?? this.#subscriptions.nextOperation();
    if (operation?.due) {
      operation.due = false;
      operation.age = 0;
      operation.order = ++this.#order;
      operation.id ||= this.#ids.next(this.#isTaken);
      try {
        client.write(undefined, {
          operation: operation.type,
          id: operation.id,
          items: operation.items,
        });
      } catch (error) {
        this.#subscriptions.failed(Failure.from(error, "mqtt.rejected"));
      }
      this.#startTimer();
      return true;
    }
    const delivery = this.#nextDelivery();
    if (delivery) this.#sendDelivery(client, delivery);
    return delivery !== undefined;
  }

  #nextDelivery(): Delivery | undefined {
    let delivery = this.#deliveries.first;
    while (delivery && !delivery.due) delivery = delivery.next;
    if (
      delivery?.QoS === 1 &&
      !delivery.counted &&
      this.#unacknowledged >= this.#mostUnacknowledged
    )
      return undefined;
    return delivery;
  }

  #sendDelivery(client: MQTTClient, delivery: Delivery): void {
    const { payload, QoS } = delivery;
    if (QoS === 1) delivery.id ||= this.#ids.next(this.#isTaken);
    const whole = payload instanceof Uint8Array;
    try {
      // One object for all messages.
      const request = this.#request;
      request.id = delivery.id;
      request.topic = delivery.topic;
      request.QoS = QoS;
      request.retain = delivery.retain;
      request.duplicate = delivery.sentBefore;
      request.byteLength = payload.byteLength;
      request.properties = delivery.properties;
      client.write(whole ? payload : undefined, request);
    } catch (error) {
      this.#complete(delivery, Failure.from(error, "mqtt.rejected"), 0);
      return;
    }
    delivery.due = false;
    delivery.order = ++this.#order;
    this.#current = delivery;
    this.#offset = whole ? payload.byteLength : 0;
    if (QoS === 1) {
      delivery.sentBefore = true;
      if (!delivery.counted) this.#unacknowledged++;
      delivery.counted = true;
    }
    if (whole && client.writable > 0) this.#sent(delivery);
  }

  #sendPiece(client: MQTTClient, payload: Uint8Array | PayloadSource): void {
    const source = payload as PayloadSource;
    this.#piece ??= new Uint8Array(pieceSize);
    const left = source.byteLength - this.#offset;
    const piece =
      left < pieceSize ? this.#piece.subarray(0, left) : this.#piece;
    try {
      source.read(this.#offset, piece);
    } catch (error) {
      // Half a message is with the broker, and nothing else can follow it.
      const failure = Failure.from(error, "mqtt.rejected");
      this.#complete(this.#current!, failure, 0);
      this.#end(failure);
      return;
    }
    this.#offset += piece.length;
    client.write(piece);
  }

  /** All of a message is with the socket. */
  #sent(delivery: Delivery): void {
    this.#current = undefined;
    delivery.age = 0;
    if (delivery.answer) this.#answered(delivery, delivery.answer);
    else if (delivery.QoS === 0) this.#complete(delivery, undefined, 0);
    else this.#startTimer();
  }

  // Sending again

  #startTimer(): void {
    const { resendAfter = 10_000 } = this.#options;
    if (resendAfter > 0)
      this.#timer ??= Timer.repeat(
        () => this.#tick(),
        Math.max(1, resendAfter / ticksUntilResend),
      );
  }

  #tick(): void {
    const { operation } = this.#subscriptions;
    let waiting = false;
    if (operation && !operation.due) {
      waiting = true;
      if (++operation.age > ticksUntilResend) operation.due = true;
    }
    for (let one = this.#deliveries.first; one; one = one.next)
      if (!one.due && one !== this.#current) {
        waiting = true;
        if (++one.age > ticksUntilResend) one.due = true;
      }
    if (!waiting) {
      Timer.clear(this.#timer);
      this.#timer = undefined;
    }
    this.#send();
  }
}
