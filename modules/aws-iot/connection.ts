import Time from "time";
import Timer from "timer";
import type { Identity } from "../identity/identity.js";
import type { TrustAnchors } from "../identity/trust-anchors.js";
import MQTTClient, { type Will } from "../mqtt/client.js";
import { Session } from "../mqtt/session.js";
import { matches } from "../mqtt/topics.js";
import { SecureSocket } from "../secure-socket/secure-socket.js";
import type { TcpClass } from "../secure-socket/tcp-socket.js";
import type { TlsPeer } from "../secure-socket/tls-session.js";
import { Backoff } from "../system/backoff.js";
import type { Clock } from "../system/clock.js";
import { Failure } from "../system/failure.js";
import { log } from "../system/log.js";
import { Resolution, type DNSOptions } from "./resolution.js";

/** What a connection needs. Times in milliseconds. */
export interface ConnectionOptions {
  /** Name of the data endpoint; the server's certificate must be for it. */
  host: string;
  port: number;
  protocol: "5" | "3.1.1";
  /** IoT Core: the thing's name, 1 to 128 bytes. */
  clientId: string;
  identity: Identity;
  trust: TrustAnchors;
  clock: Clock;
  io: { TCP: TcpClass; dns: DNSOptions };
  will?: Will;
  /** The longest silence before the link counts as dead. IoT Core takes 30 s to 1200 s. */
  keepAlive?: number;
  /** There is a connection. */
  onOnline?: () => void;
  /** There is none, or none yet; the reason is `failure`. The connection is tried again until it is closed. */
  onOffline?: (failure: Failure) => void;
}

/** Takes the messages of one subscription. */
export type Listener = (topic: string, payload: ArrayBuffer) => void;

/** Messages for a topic filter, until it is closed. */
export interface Subscription {
  close(): void;
}

/** Online for this long, a connection has proved itself, and the next loss starts with the shortest wait. */
const provenAfter = 30_000;

/** IoT Core takes one CONNECT a second for a client id (AWS General Reference, IoT Core quotas). */
const connectSpacing = 1000;

/** From the start of one attempt to the broker's answer. A slow ESP32 on a slow link needs some 20 s. */
const attemptLimit = 60_000;

/** How long the broker keeps the session of a node that is offline, in seconds: IoT Core's default. */
const sessionExpiryInterval = 3600;

/**
 * The node's connection to AWS IoT Core, kept up for as long as there is a network: name, TCP, TLS, MQTT, and after a
 * loss all of it again, with waits that grow and are random (see Backoff).
 *
 * What is published with QoS 1, and what is subscribed to, outlives a lost connection.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #backoff = new Backoff();
  readonly #session: Session;
  readonly #routes = new Map<string, Set<Listener>>();
  #state:
    "suspended" | "waiting" | "resolving" | "connecting" | "online" | "closed" =
    "suspended";
  #resolution: Resolution | undefined;
  #timer: Timer | undefined;
  #attemptAt = Time.ticks - connectSpacing;
  #connectSent = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#session = new Session({
      onMessage: (topic, payload) => this.#onMessage(topic, payload),
      onDropped: (failure) => log("mqtt", String(failure)),
    });
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
    this.#leave("closed");
    if (wasOnline) this.#session.disconnect();
    else this.#session.close();
  }

  /**
   * Publishes a message. With QoS 1 resolves when IoT Core has it, also when that takes several connections; with QoS 0
   * when it is on its way. Rejects with a Failure: not allowed, too large, queue full, closed.
   *
   * @param topic up to 256 bytes of UTF-8 and 7 slashes
   * @param payload up to 128 KB; must not change until the promise is settled
   */
  publish(
    topic: string,
    payload: ArrayBuffer | Uint8Array,
    options: { QoS?: 0 | 1; retain?: boolean } = {},
  ): Promise<void> {
    return new Promise((done, failed) => {
      this.#session.publish(topic, payload, options, (failure) => {
        if (failure) failed(failure);
        else done();
      });
    });
  }

  /**
   * Hands the messages for a topic filter to `listener`. Several subscriptions may share a filter. A filter that the
   * policy does not allow is reported by `onOffline`'s Failure in 3.1.1, where the broker hangs up, and to the log in 5.
   */
  subscribe(
    filter: string,
    { QoS = 1 }: { QoS?: 0 | 1 },
    listener: Listener,
  ): Subscription {
    const listeners = this.#routes.get(filter) ?? new Set();
    listeners.add(listener);
    if (listeners.size === 1) {
      this.#routes.set(filter, listeners);
      this.#session.subscribe(filter, { QoS }, (failure) => {
        if (failure) log(failure.stage, String(failure));
      });
    }
    return {
      close: () => {
        if (!listeners.delete(listener) || listeners.size > 0) return;
        this.#routes.delete(filter);
        this.#session.unsubscribe(filter);
      },
    };
  }

  #onMessage(topic: string, payload: ArrayBuffer): void {
    for (const [filter, listeners] of this.#routes)
      if (matches(filter, topic))
        for (const listener of listeners) listener(topic, payload);
  }

  /** Waits, at least as long as IoT Core wants between two CONNECTs, then tries. */
  #wait(milliseconds: number): void {
    this.#state = "waiting";
    const since = Time.delta(this.#attemptAt);
    // Ticks have 32 bits: 25 days after the last attempt it seems to lie ahead.
    const owed =
      since >= 0 && since < connectSpacing ? connectSpacing - since : 0;
    const wait = Math.max(milliseconds, owed);
    if (wait > 0) log("mqtt", `next attempt in ${(wait / 1000).toFixed(1)} s`);
    this.#later(wait, () => this.#resolve());
  }

  #resolve(): void {
    const { host, io } = this.#options;
    const start = Time.ticks;
    this.#attemptAt = start;
    this.#state = "resolving";
    this.#connectSent = false;
    this.#later(attemptLimit, () =>
      this.#fail(new Failure("tcp.timed-out", host)),
    );
    this.#resolution = new Resolution(host, io.dns, {
      onResolved: (address) => {
        log("dns", `${host} is ${address}, ${Time.delta(start)} ms`);
        this.#connect(address);
      },
      onError: (failure) => this.#fail(failure),
    });
  }

  #connect(address: string): void {
    const {
      host,
      port,
      protocol,
      clientId,
      identity,
      trust,
      clock,
      io,
      will,
      keepAlive,
    } = this.#options;
    const start = Time.ticks;
    this.#state = "connecting";
    this.#session.connect({
      io: MQTTClient,
      host,
      port,
      id: clientId,
      protocol,
      keepAlive: keepAlive ?? 60_000,
      properties: { sessionExpiryInterval },
      ...(will === undefined ? {} : { will }),
      socket: {
        io: SecureSocket,
        address,
        TCP: { io: io.TCP },
        secure: {
          serverName: host,
          trust,
          identity,
          now: () => clock.now,
          ...(port === 443 ? { alpn: ["x-amzn-mqtt-ca"] } : {}),
          onConnected: () =>
            log("tcp", `${address}:${port}, ${Time.delta(start)} ms`),
          onSecured: (peer: TlsPeer) => {
            clock.confirm(peer.notBefore);
            log(
              "tls",
              `TLS ${peer.version}, ${peer.cipherSuite}, ${peer.subject}, ${Time.delta(start)} ms`,
            );
          },
        },
      },
      onSocketConnected: () => {
        this.#connectSent = true;
      },
      onConnected: ({ sessionPresent }) => {
        log(
          "mqtt",
          `connected as ${clientId}, MQTT ${protocol}, session ${sessionPresent ? "kept" : "new"}, ${Time.delta(start)} ms`,
        );
        this.#online();
      },
      onClosed: (failure, suspect) => {
        if (failure === undefined) this.#session.close();
        else this.#fail(this.#explain(failure, suspect));
      },
    });
  }

  #online(): void {
    this.#state = "online";
    this.#later(provenAfter, () => this.#backoff.reset());
    this.#options.onOnline?.();
  }

  /** The failure as IoT Core means it, which often says less than it knows. */
  #explain(failure: Failure, suspect: string | undefined): Failure {
    const { clock, clientId } = this.#options;
    if (failure.code === "tls.server-not-yet-valid" && !clock.isSet)
      return new Failure("tls.clock-unset", failure.detail);
    if (
      failure.code === "tls.closed" &&
      this.#state === "connecting" &&
      this.#connectSent
    )
      return new Failure("mqtt.closed-before-connack", `client id ${clientId}`);
    if (failure.code === "tls.closed" && suspect !== undefined)
      return new Failure("policy.likely", suspect);
    return failure;
  }

  #fail(failure: Failure): void {
    this.#leave("waiting");
    this.#session.abort();
    this.#options.onOffline?.(failure);
    if (this.#isStillWaiting()) this.#wait(this.#backoff.next());
  }

  /** The application may have suspended or closed the connection when it heard of the failure. */
  #isStillWaiting(): boolean {
    return this.#state === "waiting";
  }

  #leave(state: "suspended" | "waiting" | "closed"): void {
    Timer.clear(this.#timer);
    this.#timer = undefined;
    this.#resolution?.close();
    this.#resolution = undefined;
    this.#state = state;
  }

  #later(milliseconds: number, then: () => void): void {
    Timer.clear(this.#timer);
    this.#timer = Timer.set(() => {
      this.#timer = undefined;
      then();
    }, milliseconds);
  }
}
