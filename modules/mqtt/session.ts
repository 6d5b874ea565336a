import Timer from "timer";
import { Failure } from "../system/failure.js";
import type {
  Bytes,
  ClientCallbacks,
  ControlMessage,
  SubscriptionItem,
} from "./client-options.js";
import { checkQoS } from "./connect-packet.js";
import type { Completion, PayloadSource } from "./delivery.js";
import { isHangUp } from "./hang-up.js";
import { Incoming } from "./incoming.js";
import { Outgoing } from "./outgoing.js";
import * as packet from "./packet-types.js";
import type {
  Client,
  PublishOptions,
  SessionConnectOptions,
  SessionOptions,
} from "./session-options.js";
import { Subscriptions } from "./subscriptions.js";
import { checkTopicFilter } from "./topics.js";

/** The session's timer ticks this often in the time after which things are sent again. */
const ticksUntilResend = 5;
/** What the broker hangs up on so often is given up. */
const mostHangUps = 3;
/** Ticks within which a hang-up counts as an answer; for QoS 0, which no tick counts, milliseconds. */
const recent = 1;
const recentMilliseconds = 2000;
/** What a broker of MQTT 5 says that fits one message, which would be sent again and again otherwise. */
const complaints: readonly string[] = [
  "policy.likely",
  "mqtt.topic-invalid",
  "mqtt.too-large",
];
/** Seconds that a broker of MQTT 5 is asked to keep the session: IoT Core's default in 3.1.1. */
const sessionExpiryInterval = 3600;

/** Whose client it is. */
function sessionOf(client: Client): Session {
  return client.target as Session;
}

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
  readonly #incoming: Incoming;
  readonly #outgoing: Outgoing;
  readonly #subscriptions: Subscriptions;
  #client: Client | undefined;
  #connection: SessionConnectOptions | undefined;
  #closed = false;
  #connected = false;
  #sending = false;
  #timer: Timer | undefined;
  #pause: Timer | undefined;

  /** The same functions for all sessions: a client calls them as its own, and its target is the session. */
  static readonly #callbacks: ClientCallbacks<Client> = {
    onReadable(count, message) {
      sessionOf(this).#incoming.readable(this, count, message);
    },
    onWritable() {
      sessionOf(this).#send();
    },
    onControl(operation, message) {
      sessionOf(this).#onControl(operation, message);
    },
    onClose() {
      sessionOf(this).#ended(undefined);
    },
    onError(failure) {
      sessionOf(this).#ended(failure);
    },
  };

  constructor(options: SessionOptions = {}) {
    this.#options = options;
    this.#incoming = new Incoming(options);
    this.#outgoing = new Outgoing(options.capacity ?? 64, options.pace);
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
    return this.#outgoing.length;
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
    this.#client = new Io({
      ...options,
      clean,
      ...(properties && { properties }),
      ...Session.#callbacks,
      target: this,
    });
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
    if (this.#closed) callback?.(new Failure("mqtt.closed", topic), 0);
    else if (
      this.#outgoing.add(topic, payload, options, callback, this.#connected)
    )
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
    if (this.#closed) {
      callback?.(new Failure("mqtt.closed", filter), 0);
      return;
    }
    this.#subscriptions.add({ ...options, topic: filter, QoS }, callback);
    this.#send();
  }

  /** Ends a subscription. The callback is called once, with 0x11 as reason code when there was none. */
  unsubscribe(filter: string, callback?: Completion): void {
    checkTopicFilter(filter);
    if (this.#closed) {
      callback?.(new Failure("mqtt.closed", filter), 0);
      return;
    }
    this.#subscriptions.remove(filter, callback);
    this.#send();
  }

  /** Ends the connection with DISCONNECT, so that the broker drops the will; then `onClosed` is called. */
  disconnect(): void {
    const client = this.#client;
    if (!client) return;
    // In the middle of a message, or before CONNACK, nothing else can be sent.
    if (!this.#connected || this.#outgoing.busy) this.#end();
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

  /** Ends the session: whatever waits, and whatever is asked for from now on, fails with `mqtt.closed`. */
  close(): void {
    this.#closed = true;
    this.abort();
    const failure = new Failure("mqtt.closed");
    this.#subscriptions.close(failure);
    this.#outgoing.close(failure);
  }

  // Connection

  #onControl(operation: number, message: ControlMessage): void {
    switch (operation) {
      case packet.CONNACK:
        this.#onConnected(message);
        return;
      case packet.PUBACK:
        this.#outgoing.acknowledged(message);
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
    this.#outgoing.connected(sessionPresent, properties.receiveMaximum);
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
    const suspect = failure ? this.#blame(failure) : undefined;
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
    Timer.clear(this.#pause);
    this.#timer = this.#pause = this.#client = this.#connection = undefined;
    this.#connected = false;
    this.#outgoing.disconnected();
  }

  /** The broker has ended the connection: names what may be why, and gives up what is named too often. */
  #blame({ code }: Failure): string | undefined {
    const silent = isHangUp(code);
    if (!this.#connected || !(silent || complaints.includes(code)))
      return undefined;
    const outgoing = this.#outgoing;
    const oldest = outgoing.oldestUnanswered(recent);
    // In MQTT 5 IoT Core gives its reason.
    const sure = !silent || this.#connection?.protocol === "3.1.1";
    const why = silent ? "policy.likely" : code;
    const { operation } = this.#subscriptions;
    if (operation && !operation.due && operation.age <= recent) {
      if (!oldest || operation.order < oldest.order) {
        const name = packet.packetName(operation.type);
        const filters = operation.items.map(({ topic }) => topic).join(", ");
        if (sure)
          this.#subscriptions.hungUp(
            mostHangUps,
            (filter) => new Failure(why, `${name} to ${filter}`),
          );
        return `${name} to ${filters}`;
      }
    }
    const topic =
      oldest?.topic ?? outgoing.lastWithoutAnswer(recentMilliseconds);
    if (topic === undefined) return undefined;
    const suspect = `PUBLISH to ${topic}`;
    if (oldest && sure)
      outgoing.hungUp(oldest, mostHangUps, new Failure(why, suspect));
    return suspect;
  }

  // Acknowledgements

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

  #sendNext(client: Client): boolean {
    const outgoing = this.#outgoing;
    if (outgoing.busy) return this.#sendMessage(client);
    const operation =
      this.#subscriptions.operation ?? this.#subscriptions.nextOperation();
    if (operation?.due) {
      operation.due = false;
      operation.age = 0;
      operation.order = ++outgoing.order;
      operation.id ||= outgoing.nextId();
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
    // What the broker may have hung up on waits for its answer alone.
    if (operation && this.#subscriptions.suspicious) return false;
    return this.#sendMessage(client);
  }

  #sendMessage(client: Client): boolean {
    const outgoing = this.#outgoing;
    if (this.#pause && !outgoing.busy) return false;
    const sent = outgoing.send(client, this.#subscriptions.operation?.id);
    if (outgoing.broken) this.#end(outgoing.broken);
    else if (sent && outgoing.unacknowledged > 0) this.#startTimer();
    else if (outgoing.wait > 0)
      this.#pause = Timer.set(() => {
        this.#pause = undefined;
        this.#send();
      }, outgoing.wait);
    return sent;
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
    if (this.#outgoing.tick(ticksUntilResend)) waiting = true;
    if (!waiting) {
      Timer.clear(this.#timer);
      this.#timer = undefined;
    }
    this.#send();
  }
}
