import { Failure } from "../system/failure.js";
import type { SubscriptionItem } from "./client-options.js";
import type { Completion } from "./delivery.js";
import { SUBSCRIBE, UNSUBSCRIBE } from "./packet-types.js";
import type { Properties } from "./properties.js";
import { subscribeFailure } from "./reason-codes.js";

/** A filter that the application wants to be subscribed to, or no longer. */
interface Entry extends SubscriptionItem {
  callback: Completion | undefined;
  /** The broker has it in this session. */
  confirmed: boolean;
  /** Connections that ended in answer to it. */
  hangUps: number;
}

/** A SUBSCRIBE or UNSUBSCRIBE that waits for its acknowledgement. */
export interface Operation {
  readonly type: number;
  readonly items: readonly SubscriptionItem[];
  id: number;
  due: boolean;
  age: number;
  order: number;
}

/**
 * What the application wants to be subscribed to, what the broker knows of it, and the one request that is under way.
 *
 * One request at a time: so a SUBSCRIBE that is sent again can never overtake the UNSUBSCRIBE after it.
 */
export class Subscriptions {
  readonly #wanted = new Map<string, Entry>();
  #unwanted: Entry[] = [];
  readonly #perPacket: number;
  readonly #onLost: ((filter: string, failure: Failure) => void) | undefined;
  #entries: Entry[] = [];
  /** There is nothing to ask for: known without looking, as it is asked before each message. */
  #settled = true;
  /** The request that is under way. */
  operation: Operation | undefined;

  /**
   * @param perPacket most filters in one packet
   * @param onLost a subscription that was granted before is refused when it is made again
   */
  constructor(
    perPacket: number,
    onLost?: (filter: string, failure: Failure) => void,
  ) {
    this.#perPacket = perPacket;
    this.#onLost = onLost;
  }

  /** The broker may have hung up on the request under way. */
  get suspicious(): boolean {
    return this.#entries.some(({ hangUps }) => hangUps > 0);
  }

  /** Wants a filter; one that was wanted before is asked for again with its new options. */
  add(item: SubscriptionItem, callback?: Completion): void {
    this.#settled = false;
    const before = this.#unsent(item.topic);
    this.#wanted.set(item.topic, {
      ...item,
      callback: before ? together(before, callback) : callback,
      confirmed: false,
      hangUps: 0,
    });
  }

  /** Wants a filter no longer. */
  remove(topic: string, callback?: Completion): void {
    this.#settled = false;
    const before = this.#unsent(topic);
    this.#wanted.delete(topic);
    this.#unwanted.push({ topic, callback, confirmed: false, hangUps: 0 });
    before?.(new Failure("mqtt.closed", `${topic}: unsubscribed again`), 0);
  }

  /** A connection begins: with a broker that has lost the session everything is to be asked for again. */
  connected(sessionPresent: boolean): void {
    if (this.operation) this.operation.due = true;
    if (sessionPresent) return;
    this.#settled = false;
    this.operation = undefined;
    for (const entry of this.#wanted.values()) entry.confirmed = false;
    // What the broker does not know needs no end.
    const unwanted = this.#unwanted;
    this.#entries = [];
    this.#unwanted = [];
    for (const { callback } of unwanted) callback?.(undefined, 0x11);
  }

  /** The request to send next, if there is one and none is under way; it then is. */
  nextOperation(): Operation | undefined {
    if (this.operation || this.#settled) return undefined;
    const candidates =
      this.#unwanted.length > 0
        ? this.#unwanted
        : [...this.#wanted.values()].filter((entry) => !entry.confirmed);
    this.#settled = candidates.length === 0;
    if (this.#settled) return undefined;
    const [first] = candidates;
    // One that the broker hung up on is asked for alone, to find out which it is.
    this.#entries =
      first.hangUps > 0
        ? [first]
        : candidates
            .filter((entry) => entry.hangUps === 0)
            .slice(0, this.#perPacket);
    this.operation = {
      type: this.#unwanted.length > 0 ? UNSUBSCRIBE : SUBSCRIBE,
      items: this.#entries,
      id: 0,
      due: true,
      age: 0,
      order: 0,
    };
    return this.operation;
  }

  /**
   * SUBACK or UNSUBACK of the request under way.
   *
   * @param codes one for each filter; none in UNSUBACK of MQTT 3.1.1
   * @returns false when the number of codes is wrong, and nothing has been done
   */
  acknowledged(codes: readonly number[], properties?: Properties): boolean {
    const { type } = this.operation!;
    const entries = this.#entries;
    if (codes.length !== entries.length && codes.length > 0) return false;
    this.#finish();
    entries.forEach((entry, index) => {
      const code = codes[index] ?? 0;
      const failure =
        code >= 0x80
          ? subscribeFailure(entry.topic, code, properties?.reasonString)
          : undefined;
      if (type === SUBSCRIBE) entry.confirmed = !failure;
      this.#settle(entry, failure, code, properties);
    });
    return true;
  }

  /** The request under way cannot be made. */
  failed(failure: Failure): void {
    const entries = this.#entries;
    this.#finish();
    for (const entry of entries) this.#settle(entry, failure, 0);
  }

  /**
   * The broker hung up and the request under way is suspected to be why.
   *
   * @param most after how many times a filter is given up
   * @param failure says why it was
   */
  hungUp(most: number, failure: (filter: string) => Failure): void {
    const entries = this.#entries;
    this.operation = undefined;
    this.#entries = [];
    for (const entry of entries)
      if (++entry.hangUps >= most) {
        this.#unwanted = this.#unwanted.filter((other) => other !== entry);
        this.#settle(entry, failure(entry.topic), 0);
      }
  }

  /** The session ends. */
  close(failure: Failure): void {
    const entries = [...this.#unwanted, ...this.#wanted.values()];
    this.operation = undefined;
    this.#entries = this.#unwanted = [];
    this.#wanted.clear();
    for (const { callback } of entries) callback?.(failure, 0);
  }

  /** Takes the callback of a filter that was not asked for yet. */
  #unsent(topic: string): Completion | undefined {
    const entry = this.#wanted.get(topic);
    if (!entry || this.#entries.includes(entry)) return undefined;
    const { callback } = entry;
    entry.callback = undefined;
    return callback;
  }

  #finish(): void {
    if (this.operation?.type === UNSUBSCRIBE)
      this.#unwanted = this.#unwanted.filter(
        (entry) => !this.#entries.includes(entry),
      );
    this.operation = undefined;
    this.#entries = [];
  }

  #settle(
    entry: Entry,
    failure: Failure | undefined,
    code: number,
    properties?: Properties,
  ): void {
    const { callback } = entry;
    entry.callback = undefined;
    if (failure && this.#wanted.get(entry.topic) === entry)
      this.#wanted.delete(entry.topic);
    if (callback) callback(failure, code, properties);
    else if (failure) this.#onLost?.(entry.topic, failure);
  }
}

function together(first: Completion, second?: Completion): Completion {
  return (failure, reasonCode, properties) => {
    first(failure, reasonCode, properties);
    second?.(failure, reasonCode, properties);
  };
}
