import type { Failure } from "../system/failure.js";
import type { ControlMessage } from "./client-options.js";
import type { Properties } from "./properties.js";

/**
 * Called once, when a message or subscription is through.
 *
 * @param failure undefined when the broker took it
 * @param reasonCode what the broker said: below 0x80 on success; 0 when it said nothing
 * @param properties MQTT 5, when the broker sent any
 */
export type Completion = (
  failure: Failure | undefined,
  reasonCode: number,
  properties?: Properties,
) => void;

/** A payload that is not in memory as a whole. It may be asked for again from any offset when the message is sent again. */
export interface PayloadSource {
  readonly byteLength: number;
  /** Fills `into` with the payload's bytes from `offset` on. */
  read(offset: number, into: Uint8Array): void;
}

const empty = new Uint8Array(0);

/** A message on its way to the broker. Reused for later messages, so that publishing keeps no memory. */
export class Delivery {
  next: Delivery | undefined;
  topic = "";
  payload: Uint8Array | PayloadSource = empty;
  QoS = 0;
  retain = false;
  properties: Properties | undefined;
  callback: Completion | undefined;
  /** Packet identifier; 0 until it is first sent. */
  id = 0;
  /** To be sent (again). */
  due = true;
  /** The broker may have it, so that it goes out with DUP. */
  sentBefore = false;
  /** It takes one of the places that the broker's Receive Maximum allows. */
  counted = false;
  /** What the broker answered while it was still being sent (again). */
  answer: ControlMessage | undefined;
  /** Ticks of the session's timer since it was sent. */
  age = 0;
  /** When it was last sent, as a count of what the session sent. */
  order = 0;
  /** How many connections ended while this was the oldest thing without an answer. */
  hangUps = 0;
}

/** Messages in the order in which they were published. A list through the messages themselves: it allocates nothing. */
export class DeliveryQueue {
  first: Delivery | undefined;
  #last: Delivery | undefined;
  #spare: Delivery | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Adds a message at the end and returns it, for its fields to be set. */
  add(): Delivery {
    const delivery = this.#spare ?? new Delivery();
    this.#spare = delivery.next;
    delivery.next = undefined;
    delivery.id = delivery.age = delivery.order = delivery.hangUps = 0;
    delivery.due = true;
    delivery.sentBefore = delivery.counted = false;
    if (this.#last) this.#last.next = delivery;
    else this.first = delivery;
    this.#last = delivery;
    this.#length++;
    return delivery;
  }

  /** The message with this packet identifier. */
  find(id: number): Delivery | undefined {
    let delivery = this.first;
    while (delivery && delivery.id !== id) delivery = delivery.next;
    return delivery;
  }

  /** Takes a message out. It must not be used afterwards: another one will take its place. */
  remove(delivery: Delivery): void {
    let before: Delivery | undefined;
    let at = this.first;
    while (at && at !== delivery) {
      before = at;
      at = at.next;
    }
    if (!at) return;
    if (before) before.next = at.next;
    else this.first = at.next;
    if (this.#last === at) this.#last = before;
    this.#length--;
    at.payload = empty;
    at.properties = undefined;
    at.callback = undefined;
    at.answer = undefined;
    at.next = this.#spare;
    this.#spare = at;
  }
}
