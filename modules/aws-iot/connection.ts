import Time from "time";
import Timer from "timer";
import type { Bytes } from "../mqtt/client-options.js";
import type { PayloadSource } from "../mqtt/delivery.js";
import type { Properties } from "../mqtt/properties.js";
import { Session } from "../mqtt/session.js";
import { Backoff } from "../system/backoff.js";
import { Failure } from "../system/failure.js";
import { log } from "../system/log.js";
import type { ConnectionOptions } from "./connection-options.js";
import type { ConnectionRecord } from "./connection-record.js";
import {
  checkClientId,
  checkKeepAlive,
  checkTopic,
  filterLimit,
  PublishLimits,
  unacknowledgedLimit,
} from "./limits.js";
import { Link } from "./link.js";
import { Pace } from "./pace.js";
import { Ports } from "./ports.js";
import { Presence } from "./presence.js";
import {
  Routes,
  type Listener,
  type SubscribeOptions,
  type Subscription,
} from "./routes.js";

/** Options of a message. */
export interface PublishOptions {
  /** 1 when left out. */
  QoS?: 0 | 1;
  retain?: boolean;
  /** MQTT 5. */
  properties?: Properties;
}

/** Online for this long, a connection has proved itself, and the next loss starts with the shortest wait. */
const provenAfter = 30_000;

/** IoT Core takes one CONNECT a second for a client id (AWS General Reference, IoT Core quotas). */
const connectSpacing = 1000;

/**
 * The node's connection to AWS IoT Core, kept up for as long as there is a network: name, TCP, TLS, MQTT, and after a
 * loss all of it again, with waits that grow and are random (see Backoff).
 *
 * What is published with QoS 1, and what is subscribed to, outlives a lost connection. IoT Core's limits are held here:
 * what is beyond them is refused with a Failure that names the limit, and what is too fast waits.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #backoff: Backoff;
  readonly #session: Session;
  readonly #routes: Routes;
  readonly #ports: Ports;
  readonly #presence: Presence | undefined;
  readonly #pace = new Pace();
  readonly #limits = new PublishLimits();
  #state: "suspended" | "waiting" | "connecting" | "online" | "closed" =
    "suspended";
  #link: Link | undefined;
  #record: ConnectionRecord | undefined;
  #timer: Timer | undefined;
  /** When the last CONNECT was sent. */
  #connectTicks: number | undefined;
  #onlineTicks = 0;

  /** Throws a Failure for options that IoT Core does not take. */
  constructor(options: ConnectionOptions) {
    const { clientId, will, presence, keepAlive, capacity = 64 } = options;
    checkClientId(clientId);
    if (keepAlive !== undefined) checkKeepAlive(keepAlive);
    if (will) checkTopic(will.topic);
    if (presence !== undefined) {
      checkTopic(presence);
      this.#presence = new Presence(presence);
    }
    this.#options = this.#presence
      ? { ...options, will: this.#presence.will }
      : options;
    this.#backoff = options.backoff ?? new Backoff();
    this.#ports = new Ports(options.port, options.portStore);
    this.#session = new Session({
      capacity: Math.min(capacity, unacknowledgedLimit),
      filtersPerPacket: filterLimit,
      pace: (byteLength) => this.#pace.next(byteLength),
      onMessage: (topic, payload, message) => {
        this.#pace.received(payload.byteLength);
        this.#routes.deliver(topic, payload, message);
      },
      ...(options.onPart && { onPart: options.onPart }),
      onDropped: (failure) => log("mqtt", String(failure)),
      onSubscriptionLost: (filter, failure) =>
        this.#routes.lost(filter, failure),
    });
    this.#routes = new Routes(this.#session);
  }

  /** True between the broker's acceptance and the loss of the connection. */
  get online(): boolean {
    return this.#state === "online";
  }

  /** There is a network: connect, and stay connected. Does nothing when that is under way. */
  open(): void {
    if (this.#state === "suspended") this.#wait(0);
  }

  /** There is no network: drop the connection and wait for `open`. Nothing that was published is lost. */
  suspend(): void {
    if (this.#state === "closed") return;
    this.#end("suspended");
    this.#leave("suspended");
    this.#session.abort();
  }

  /**
   * Ends the connection for good, with a DISCONNECT, so that the broker does not send the will. Messages that are not
   * acknowledged yet are rejected with a Failure `mqtt.closed`.
   */
  close(): void {
    if (this.#state === "closed") return;
    const wasOnline = this.#state === "online";
    this.#end("closed");
    if (wasOnline) this.#presence?.leaves(this.#session);
    this.#leave("closed");
    if (wasOnline) this.#session.disconnect();
    else this.#session.close();
  }

  /**
   * Publishes a message. With QoS 1 resolves when IoT Core has it, also when that takes several connections; with QoS 0
   * when it is on its way. Rejects with a Failure: `policy.publish-denied` and, where the service only hangs up,
   * `policy.likely`; `mqtt.topic-invalid`, `mqtt.too-large`, `mqtt.quota`, `mqtt.full`, `mqtt.rejected`, `mqtt.closed`.
   *
   * @param topic up to 256 bytes of UTF-8 and 7 slashes
   * @param payload up to 128 KB, or a source that gives it in pieces; must not change until the promise is settled
   */
  publish(
    topic: string,
    payload: Bytes | PayloadSource,
    options: PublishOptions = {},
  ): Promise<void> {
    return new Promise((done, failed) => {
      this.#limits.check(topic, payload.byteLength, options.properties);
      this.#session.publish(topic, payload, options, (failure) => {
        if (failure) failed(failure);
        else done();
      });
    });
  }

  /**
   * Hands the messages for a topic filter to `listener`; they are acknowledged when it returns. Several subscriptions may
   * share a filter. A filter that the policy does not allow is told by `onSubscribed` and on the time line.
   *
   * @throws Failure `mqtt.topic-invalid`, or `mqtt.too-many` for a filter beyond the 50 that IoT Core takes
   */
  subscribe(
    filter: string,
    options: SubscribeOptions,
    listener: Listener,
  ): Subscription {
    return this.#routes.add(filter, options, listener);
  }

  /** Waits, at least as long as IoT Core wants between two CONNECTs, then tries. */
  #wait(milliseconds: number): void {
    this.#state = "waiting";
    const wait = Math.max(milliseconds, this.#owed());
    if (wait > 0) log("mqtt", `next attempt in ${(wait / 1000).toFixed(1)} s`);
    this.#later(wait, () => this.#connect());
  }

  /** Milliseconds until the next CONNECT may be sent. */
  #owed(): number {
    if (this.#connectTicks === undefined) return 0;
    const since = Time.delta(this.#connectTicks);
    // Ticks have 32 bits: 25 days after the last CONNECT it seems to lie ahead.
    return since >= 0 && since < connectSpacing ? connectSpacing - since : 0;
  }

  #connect(): void {
    const { recorder, vitals, clock } = this.#options;
    const RSSI = vitals?.RSSI?.();
    const record: ConnectionRecord = { time: clock.now };
    if (RSSI !== undefined) record.RSSI = RSSI;
    this.#state = "connecting";
    this.#record = record;
    recorder?.begin();
    this.#link = new Link(this.#options, this.#session, this.#ports, record, {
      onConnectSent: () => (this.#connectTicks = Time.ticks),
      onOnline: () => this.#online(),
      onEnded: (failure) => this.#fail(failure),
    });
  }

  #online(): void {
    this.#state = "online";
    this.#onlineTicks = Time.ticks;
    this.#later(provenAfter, () => this.#backoff.reset());
    this.#keep();
    this.#presence?.arrived(this.#session, this.#options.clock.now);
    this.#options.onOnline?.();
  }

  #fail(failure: Failure): void {
    const wait = this.#backoff.next();
    this.#end(failure.code, failure.detail, wait);
    this.#leave("waiting");
    this.#session.abort();
    this.#options.onOffline?.(failure);
    if (this.#isStillWaiting()) this.#wait(wait);
  }

  /** The application may have suspended or closed the connection when it heard of the failure. */
  #isStillWaiting(): boolean {
    return this.#state === "waiting";
  }

  #leave(state: "suspended" | "waiting" | "closed"): void {
    Timer.clear(this.#timer);
    this.#timer = undefined;
    this.#link?.close();
    this.#link = undefined;
    this.#state = state;
  }

  #later(milliseconds: number, then: () => void): void {
    Timer.clear(this.#timer);
    this.#timer = Timer.set(() => {
      this.#timer = undefined;
      then();
    }, milliseconds);
  }

  /** Completes the record of the current connection. */
  #end(end: string, detail = "", wait?: number): void {
    const record = this.#record;
    if (!record) return;
    if (this.#state === "online")
      record.online = Math.round(Time.delta(this.#onlineTicks) / 1000);
    record.end = end;
    if (detail !== "") record.detail = detail.slice(0, 80);
    if (wait !== undefined) record.wait = wait;
    this.#keep();
    this.#record = undefined;
  }

  #keep(): void {
    const { recorder, vitals } = this.#options;
    if (!this.#record) return;
    const memory = vitals?.memory?.();
    if (memory !== undefined) this.#record.memory = memory;
    recorder?.write(this.#record);
  }
}
