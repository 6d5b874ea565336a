import type { Choices } from "../choices.js";
import type { EventLog } from "../event-log.js";
import {
  isExpired,
  messageBytes,
  type Message,
  type SubscriptionOptions,
} from "./message.js";
import { RateLimit } from "./rate-limit.js";
import type { SessionRecord, SessionStore } from "./session-store.js";

/** What a session needs of the connection that it is on. */
export interface Link {
  /** QoS 1 messages that may be on their way at once. */
  readonly receiveMaximum: number;
  /** False while too many bytes wait for a client that does not read. */
  readonly writable: boolean;
  /** Whether the policy lets the client have messages of this topic. */
  mayReceive(topic: string): boolean;
  /** Takes one of the connection's deliveries a second. @returns false when they are used up for now */
  mayDeliver(): boolean;
  /** Sends a message. @returns false when the client accepts none that large */
  deliver(
    message: Message,
    options: { qos: 0 | 1; id?: number; dup: boolean; retain: boolean },
  ): boolean;
}

/** A QoS 1 message that waits, or is on its way. */
interface Queued {
  readonly number: number;
  /** None when it was left in the store to save memory. */
  readonly message?: Message;
  readonly bytes: number;
  readonly retain: boolean;
  sentAt?: number;
  firstSentAt?: number;
}

/** Bytes of messages that one session may hold in memory. */
const memoryLimit = 1024 * 1024;
/** Messages that may wait for one session. */
const queueLimit = 100_000;
/** Milliseconds until a delivery that the connection's rate did not allow is tried again. */
const limitedRetry = 50;
/** Milliseconds that a message is sent again and again: 1 h for MQTT 3.1.1, 960 s for MQTT 5. */
const giveUpAfter = { 4: 3_600_000, 5: 960_000 };

/**
 * What a client and the cloud remember about each other: subscriptions, and QoS 1 messages that were not acknowledged.
 *
 * A session with an expiry outlives its connection and the process; each of its messages is in the store before its
 * publisher hears that it arrived. One without lives in memory and ends with the connection.
 */
export class Session {
  readonly clientId: string;
  readonly version: 4 | 5;
  readonly subscriptions: Map<string, SubscriptionOptions>;
  /** Seconds that it outlives its connection. */
  expiry: number;
  /** When its connection ended, in ms since 1970. */
  disconnectedAt: number | undefined;
  /** Messages from before this connection, which are replayed at a pace. */
  #stored: Queued[] = [];
  /** Messages of this connection. */
  #live: Queued[] = [];
  readonly #inflight = new Map<number, Queued>();
  readonly #store: SessionStore;
  readonly #choices: Choices;
  readonly #log: EventLog;
  /** True when the store has a record of it. */
  #kept: boolean;
  #link: Link | undefined;
  #nextNumber = 1;
  #nextId = 1;
  #memory = 0;
  #pace: RateLimit;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    record: SessionRecord,
    services: { store: SessionStore; choices: Choices; log: EventLog },
  ) {
    this.clientId = record.clientId;
    this.version = record.version;
    this.expiry = record.expiry;
    this.disconnectedAt = record.disconnectedAt;
    this.subscriptions = new Map(record.subscriptions);
    this.#store = services.store;
    this.#choices = services.choices;
    this.#log = services.log;
    this.#pace = new RateLimit(services.choices.replayRate);
    this.#kept = record.disconnectedAt !== undefined;
    if (!this.#kept) return;
    for (const number of this.#store.messageNumbers(this.clientId)) {
      this.#stored.push({ number, bytes: 0, retain: false });
      this.#nextNumber = number + 1;
    }
  }

  /** True when it outlives its connection. */
  get persistent(): boolean {
    return this.expiry > 0;
  }

  /** True while a client is connected to it. */
  get connected(): boolean {
    return this.#link !== undefined;
  }

  /** QoS 1 messages that were not acknowledged yet. */
  get waiting(): number {
    return this.#stored.length + this.#live.length + this.#inflight.size;
  }

  /** True when it ended: its client has been away for longer than the expiry. */
  get expired(): boolean {
    return (
      this.disconnectedAt !== undefined &&
      Date.now() >= this.disconnectedAt + this.expiry * 1000
    );
  }

  /** Puts the session on a connection and begins to replay what waited. */
  attach(link: Link): void {
    this.#link = link;
    this.disconnectedAt = undefined;
    this.#pace = new RateLimit(this.#choices.replayRate);
    void this.save();
    this.pump();
  }

  /** Takes it off its connection; what was on its way waits to be sent again. */
  detach(): void {
    this.#link = undefined;
    this.disconnectedAt = Date.now();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#stored = [...this.#inflight.values(), ...this.#stored, ...this.#live];
    this.#live = [];
    this.#inflight.clear();
    void this.save();
  }

  /** Writes subscriptions and expiry down, when the session is one that lasts. @returns resolves once committed */
  save(): Promise<unknown> | undefined {
    if (!this.persistent && !this.#kept) return undefined;
    this.#kept = true;
    return this.#store.save({
      clientId: this.clientId,
      version: this.version,
      expiry: this.expiry,
      subscriptions: [...this.subscriptions],
      ...(this.disconnectedAt !== undefined && {
        disconnectedAt: this.disconnectedAt,
      }),
    });
  }

  /**
   * Gives the client a message: now when it can take it, later when it is QoS 1.
   * @param qos QoS of the delivery
   * @param retain the RETAIN flag that the client sees
   * @returns resolves once a message for a persistent session is committed; undefined when there is nothing to wait for
   */
  deliver(
    message: Message,
    qos: 0 | 1,
    retain: boolean,
  ): Promise<unknown> | undefined {
    if (qos === 0) {
      this.#deliverNow(message, retain);
      return undefined;
    }
    if (!this.#link && !this.persistent) return undefined;
    const bytes = messageBytes(message);
    const fits = this.#memory + bytes <= memoryLimit;
    if (this.waiting >= queueLimit || (!fits && !this.persistent)) {
      this.#discarded(
        message,
        "too many messages wait for a client that does not take them",
      );
      return undefined;
    }
    const number = this.#nextNumber++;
    (this.#link ? this.#live : this.#stored).push({
      number,
      ...(fits && { message }),
      bytes: fits ? bytes : 0,
      retain,
    });
    if (fits) this.#memory += bytes;
    const committed = this.persistent
      ? this.#store.addMessage(this.clientId, number, message)
      : undefined;
    this.pump();
    return committed;
  }

  /** The client acknowledged a message. @returns false when none with this id was on its way */
  acknowledge(id: number): boolean {
    const queued = this.#inflight.get(id);
    if (!queued) return false;
    this.#inflight.delete(id);
    this.#forget(queued);
    this.pump();
    return true;
  }

  /** Sends what may be sent. Called whenever there is reason to hope: a new message, an acknowledgement, room on the wire. */
  pump(): void {
    const link = this.#link;
    if (!link) return;
    let limited = false;
    while (link.writable && this.#inflight.size < link.receiveMaximum) {
      const queue =
        this.#stored.length > 0 && this.#pace.take()
          ? this.#stored
          : this.#live;
      if (queue.length === 0) break;
      limited = !link.mayDeliver();
      if (limited) break;
      this.#send(link, queue.shift()!);
    }
    this.#schedule(limited);
  }

  /** Ends timers; the object is not used again, what it kept stays in the store. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#link = undefined;
  }

  /** Ends the session for good: nothing of it stays in the store. */
  end(): void {
    this.stop();
    if (!this.#kept) return;
    // One by one, so that each removal comes after the write that it undoes.
    for (const queued of [
      ...this.#inflight.values(),
      ...this.#stored,
      ...this.#live,
    ])
      this.#forget(queued);
    this.#store.delete(this.clientId);
  }

  #send(link: Link, queued: Queued): void {
    const message =
      queued.message ?? this.#store.message(this.clientId, queued.number);
    if (!message || isExpired(message)) {
      this.#forget(queued);
      return;
    }
    if (!link.mayReceive(message.topic)) {
      this.#forget(queued);
      return;
    }
    const id = this.#freeId();
    const options = {
      qos: 1 as const,
      id,
      dup: queued.firstSentAt !== undefined,
      retain: queued.retain,
    };
    if (!link.deliver(message, options)) {
      this.#forget(queued);
      return;
    }
    queued.sentAt = Date.now();
    queued.firstSentAt ??= queued.sentAt;
    this.#inflight.set(id, queued);
  }

  #deliverNow(message: Message, retain: boolean): void {
    const link = this.#link;
    if (!link || isExpired(message) || !link.mayReceive(message.topic)) return;
    if (!link.writable)
      this.#discarded(
        message,
        "the client does not read, and QoS 0 does not wait",
      );
    else if (!link.mayDeliver())
      this.#discarded(
        message,
        "more publishes a second than one connection may have",
      );
    else link.deliver(message, { qos: 0, dup: false, retain });
  }

  #forget(queued: Queued): void {
    if (queued.message) this.#memory -= queued.bytes;
    if (this.#kept) this.#store.removeMessage(this.clientId, queued.number);
  }

  #freeId(): number {
    while (this.#inflight.has(this.#nextId))
      this.#nextId = (this.#nextId % 0xffff) + 1;
    const id = this.#nextId;
    this.#nextId = (this.#nextId % 0xffff) + 1;
    return id;
  }

  /** Comes back when the pace lets the next message go, or one has to be sent again. */
  #schedule(limited: boolean): void {
    if (this.#timer || !this.#link) return;
    const again = this.#choices.redeliveryInterval;
    const wait = limited
      ? limitedRetry
      : this.#stored.length > 0
        ? 1000 / Math.max(1, this.#choices.replayRate)
        : this.#inflight.size > 0 && again > 0
          ? again
          : undefined;
    if (wait === undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#redeliver();
      this.pump();
    }, wait);
    this.#timer.unref();
  }

  /** Sends again what has waited too long. MQTT 5 section 4.4 forbids that on one connection: there it only gives up. */
  #redeliver(): void {
    const link = this.#link;
    const interval = this.#choices.redeliveryInterval;
    if (!link || interval === 0) return;
    const now = Date.now();
    for (const [id, queued] of this.#inflight) {
      if (now - (queued.firstSentAt ?? now) >= giveUpAfter[this.version]) {
        this.#inflight.delete(id);
        this.#forget(queued);
      } else if (
        this.version === 4 &&
        now - (queued.sentAt ?? now) >= interval &&
        link.writable
      ) {
        const message =
          queued.message ?? this.#store.message(this.clientId, queued.number);
        if (!message) continue;
        link.deliver(message, { qos: 1, id, dup: true, retain: queued.retain });
        queued.sentAt = now;
      }
    }
  }

  #discarded(message: Message, reason: string): void {
    this.#log.add({
      type: "discarded",
      client: this.clientId,
      topic: message.topic,
      reason,
    });
  }
}
