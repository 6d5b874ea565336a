import Time from "time";
import { Failure } from "../system/failure.js";
import type { Bytes, ControlMessage, WriteOptions } from "./client-options.js";
import { checkQoS } from "./connect-packet.js";
import {
  DeliveryQueue,
  type Completion,
  type Delivery,
  type PayloadSource,
} from "./delivery.js";
import { PacketIds } from "./packet-ids.js";
import type { Properties } from "./properties.js";
import { publishFailure } from "./reason-codes.js";
import type { Client, PublishOptions } from "./session-options.js";
import { checkTopicName } from "./topics.js";

/** Bytes of a piece of a payload that comes from a source. */
const pieceSize = 512;

/** Receive Maximum of a broker that says none, and all there can be (MQTT 5, 3.2.2.3.3). */
const noMaximum = 65_535;

/**
 * The messages of a session from `add` to the broker's acknowledgement, over any number of connections.
 *
 * They are sent in their order, one after another, at most as many unacknowledged as the broker's Receive Maximum allows.
 */
export class Outgoing {
  readonly #capacity: number;
  readonly #pace: ((byteLength: number) => number) | undefined;
  readonly #deliveries = new DeliveryQueue();
  readonly #ids = new PacketIds();
  #mostUnacknowledged = noMaximum;
  #unacknowledged = 0;
  /** Messages that the broker may have hung up on: while there are any, one is sent at a time, to find out which it is. */
  #suspects = 0;
  /** Where the last QoS 0 message went, and when. */
  #lastTopic: string | undefined;
  #lastTicks = 0;
  /** The message whose bytes are not all with the socket yet. */
  #current: Delivery | undefined;
  #offset = 0;
  #checkedTopic = "";
  #piece: Uint8Array | undefined;
  readonly #request: WriteOptions = {
    id: 0,
    topic: "",
    QoS: 0,
    retain: false,
    duplicate: false,
    byteLength: 0,
    properties: undefined,
  };
  /** Counts what the session sends, so that it can be told later what was sent first. */
  order = 0;
  /** Milliseconds until the pace lets the next message go; 0 when it is not the pace that holds it up. */
  wait = 0;
  /** Why half a message is with the broker and the other half cannot follow, so that the connection has to end. */
  broken: Failure | undefined;

  /**
   * @param capacity most messages that wait or are unacknowledged
   * @param pace see `SessionOptions`
   */
  constructor(capacity: number, pace?: (byteLength: number) => number) {
    this.#capacity = capacity;
    this.#pace = pace;
  }

  /** Messages that wait or are unacknowledged. */
  get length(): number {
    return this.#deliveries.length;
  }

  /** Messages that were sent on this connection, at least in part, and not acknowledged. */
  get unacknowledged(): number {
    return this.#unacknowledged;
  }

  /** In the middle of a message: nothing else can be sent. */
  get busy(): boolean {
    return this.#current !== undefined;
  }

  /** See `Session.publish`. Returns false when the message was refused, which its callback has heard. */
  add(
    topic: string,
    payload: Bytes | PayloadSource,
    options: PublishOptions,
    callback: Completion | undefined,
    connected: boolean,
  ): boolean {
    const { QoS = 1, retain = false, properties } = options;
    checkQoS(QoS, topic);
    // Most nodes publish to one topic over and over.
    if (topic !== this.#checkedTopic) {
      checkTopicName(topic);
      this.#checkedTopic = topic;
    }
    if (QoS === 0 && !connected) {
      callback?.(new Failure("mqtt.closed", topic), 0);
      return false;
    }
    if (this.#deliveries.length >= this.#capacity) {
      callback?.(
        new Failure("mqtt.full", `${topic}: ${this.#capacity} messages`),
        0,
      );
      return false;
    }
    const delivery = this.#deliveries.add();
    delivery.topic = topic;
    delivery.payload =
      payload instanceof ArrayBuffer ? new Uint8Array(payload) : payload;
    delivery.QoS = QoS;
    delivery.retain = retain;
    delivery.properties = properties;
    delivery.callback = callback;
    return true;
  }

  /** A packet identifier that no message has, nor what else has `taken`. */
  nextId(taken = 0): number {
    let id: number;
    do id = this.#ids.next();
    while (id === taken || this.#deliveries.find(id));
    return id;
  }

  /** A connection begins: everything is due, and new to a broker that has lost the session. */
  connected(sessionPresent: boolean, receiveMaximum = noMaximum): void {
    this.#mostUnacknowledged = receiveMaximum;
    for (let one = this.#deliveries.first; one; one = one.next) {
      one.due = true;
      if (sessionPresent) continue;
      one.sentBefore = false;
      one.id = 0;
    }
  }

  /** The connection is over: QoS 0 fails, QoS 1 waits for the next one. */
  disconnected(): void {
    this.#current = this.broken = this.#lastTopic = undefined;
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

  /** The session ends: all fail. */
  close(failure: Failure): void {
    for (let one = this.#deliveries.first; one; one = this.#deliveries.first)
      this.#complete(one, failure, 0);
  }

  /** PUBACK. */
  acknowledged(message: ControlMessage): void {
    const delivery = this.#deliveries.find(message.id ?? 0);
    // One that nobody waits for: the answer to something that was sent twice.
    if (!delivery?.sentBefore) return;
    // Its bytes are still in use: it is sent a second time, or the socket was slow to say that it has them all.
    if (delivery === this.#current) delivery.answer = message;
    else this.#answered(delivery, message);
  }

  /**
   * Sends a piece of the current message, or starts the next one.
   *
   * @param takenId a packet identifier that something else has
   * @returns false when there is nothing to send, or nothing that may be sent yet
   */
  send(client: Client, takenId = 0): boolean {
    const current = this.#current;
    if (current) {
      if (this.#offset < current.payload.byteLength)
        this.#sendPiece(client, current);
      else this.#sent(current);
      return true;
    }
    const delivery = this.#next();
    this.wait = 0;
    if (!delivery) return false;
    if (this.#pace) this.wait = this.#pace(delivery.payload.byteLength);
    if (this.wait > 0) return false;
    this.#start(client, delivery, takenId);
    return true;
  }

  /**
   * A tick of the session's timer: what waits for PUBACK for longer than `most` ticks is due again.
   *
   * @returns false when nothing waits for one
   */
  tick(most: number): boolean {
    let waiting = false;
    for (let one = this.#deliveries.first; one; one = one.next)
      if (!one.due && one !== this.#current) {
        waiting = true;
        if (++one.age > most) one.due = true;
      }
    return waiting;
  }

  /** What was sent first of the QoS 1 messages that were sent within the last ticks and not acknowledged. */
  oldestUnanswered(ticks: number): Delivery | undefined {
    let oldest: Delivery | undefined;
    for (let one = this.#deliveries.first; one; one = one.next)
      if (
        !one.due &&
        one.QoS > 0 &&
        one.age <= ticks &&
        (!oldest || one.order < oldest.order)
      )
        oldest = one;
    return oldest;
  }

  /** The topic of the last QoS 0 message on this connection, if it was sent within the last milliseconds. */
  lastWithoutAnswer(milliseconds: number): string | undefined {
    const since = Time.delta(this.#lastTicks);
    return since >= 0 && since <= milliseconds ? this.#lastTopic : undefined;
  }

  /** The broker hung up and this message is suspected to be why: it fails when that has happened `most` times. */
  hungUp(delivery: Delivery, most: number, failure: Failure): void {
    if (delivery.hangUps++ === 0) this.#suspects++;
    if (delivery.hangUps >= most) this.#complete(delivery, failure, 0);
  }

  #next(): Delivery | undefined {
    let delivery = this.#deliveries.first;
    while (delivery && !delivery.due) delivery = delivery.next;
    if (!delivery) return undefined;
    const suspicious = this.#suspects > 0;
    const most = suspicious ? 1 : this.#mostUnacknowledged;
    const limited = delivery.QoS === 1 ? !delivery.counted : suspicious;
    return limited && this.#unacknowledged >= most ? undefined : delivery;
  }

  #start(client: Client, delivery: Delivery, takenId: number): void {
    const { payload, QoS } = delivery;
    if (QoS === 1) delivery.id ||= this.nextId(takenId);
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
    delivery.order = ++this.order;
    this.#current = delivery;
    this.#offset = whole ? payload.byteLength : 0;
    if (QoS === 1) {
      delivery.sentBefore = true;
      if (!delivery.counted) this.#unacknowledged++;
      delivery.counted = true;
    }
    if (whole && client.writable > 0) this.#sent(delivery);
  }

  #sendPiece(client: Client, delivery: Delivery): void {
    const source = delivery.payload as PayloadSource;
    this.#piece ??= new Uint8Array(pieceSize);
    const left = source.byteLength - this.#offset;
    const piece =
      left < pieceSize ? this.#piece.subarray(0, left) : this.#piece;
    try {
      source.read(this.#offset, piece);
    } catch (error) {
      const failure = Failure.from(error, "mqtt.rejected");
      this.broken = failure;
      this.#complete(delivery, failure, 0);
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
    else if (delivery.QoS === 0) {
      this.#lastTopic = delivery.topic;
      this.#lastTicks = Time.ticks;
      this.#complete(delivery, undefined, 0);
    }
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

  #complete(
    delivery: Delivery,
    failure: Failure | undefined,
    reasonCode: number,
    properties?: Properties,
  ): void {
    const { callback } = delivery;
    if (delivery.counted) this.#unacknowledged--;
    if (delivery.hangUps > 0) this.#suspects--;
    if (this.#current === delivery) this.#current = undefined;
    this.#deliveries.remove(delivery);
    callback?.(failure, reasonCode, properties);
  }
}
