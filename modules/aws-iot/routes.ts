import type { Message } from "../mqtt/incoming.js";
import type { Session } from "../mqtt/session.js";
import { matches } from "../mqtt/topics.js";
import { Failure } from "../system/failure.js";
import { log } from "../system/log.js";
import { checkFilter, subscriptionLimit } from "./limits.js";

/** Takes the messages of one subscription. `message` has their QoS, and in MQTT 5 their properties. */
export type Listener = (
  topic: string,
  payload: ArrayBuffer,
  message: Message,
) => void;

/** Messages for a topic filter, until it is closed. */
export interface Subscription {
  close(): void;
}

/** Options of a subscription. */
export interface SubscribeOptions {
  /** 1 when left out. */
  QoS?: 0 | 1;
  /** Called once: the broker has taken the filter, or why it did not, after which the subscription is over. */
  onSubscribed?: (failure: Failure | undefined) => void;
}

interface Entry {
  listener: Listener;
  onSubscribed: SubscribeOptions["onSubscribed"];
}

/** A filter that the broker is asked for once, however many subscriptions share it. */
interface Route {
  QoS: 0 | 1;
  granted: boolean;
  readonly entries: Set<Entry>;
}

/** Who gets which message: from topic filters, wildcards included, to listeners. */
export class Routes {
  readonly #session: Pick<Session, "subscribe" | "unsubscribe">;
  readonly #routes = new Map<string, Route>();

  constructor(session: Pick<Session, "subscribe" | "unsubscribe">) {
    this.#session = session;
  }

  /** Adds a subscription. Throws a Failure `mqtt.topic-invalid`, or `mqtt.too-many` for a filter beyond IoT Core's 50. */
  add(
    filter: string,
    { QoS = 1, onSubscribed }: SubscribeOptions,
    listener: Listener,
  ): Subscription {
    checkFilter(filter);
    let route = this.#routes.get(filter);
    if (!route && this.#routes.size >= subscriptionLimit)
      throw new Failure(
        "mqtt.too-many",
        `${filter}: IoT Core takes ${subscriptionLimit} subscriptions`,
      );
    const entry: Entry = { listener, onSubscribed };
    const enough = route !== undefined && route.QoS >= QoS;
    route ??= { QoS, granted: false, entries: new Set() };
    route.entries.add(entry);
    if (enough) {
      if (route.granted) this.#tell(entry, undefined);
    } else {
      route.QoS = QoS;
      this.#routes.set(filter, route);
      this.#ask(filter, route);
    }
    return { close: () => this.#remove(filter, route, entry) };
  }

  /** Hands a message to every listener whose filter it matches. */
  deliver(topic: string, payload: ArrayBuffer, message: Message): void {
    let heard = false;
    for (const [filter, { entries }] of this.#routes) {
      if (filter !== topic && !matches(filter, topic)) continue;
      for (const { listener } of entries) {
        heard = true;
        try {
          listener(topic, payload, message);
        } catch (error) {
          // It must not cost the connection: the message would come again, and with it the error.
          log("mqtt", `a listener to ${filter} throws: ${String(error)}`);
        }
      }
    }
    if (!heard) log("mqtt", `nobody listens to ${topic}`);
  }

  /** A filter that was granted before is refused when it has to be asked for again. */
  lost(filter: string, failure: Failure): void {
    const route = this.#routes.get(filter);
    if (route) this.#refused(filter, route, failure);
  }

  #ask(filter: string, route: Route): void {
    this.#session.subscribe(filter, { QoS: route.QoS }, (failure) => {
      if (this.#routes.get(filter) !== route) return;
      if (failure) this.#refused(filter, route, failure);
      else {
        route.granted = true;
        for (const entry of route.entries) this.#tell(entry, undefined);
      }
    });
  }

  #refused(filter: string, route: Route, failure: Failure): void {
    this.#routes.delete(filter);
    if (failure.code !== "mqtt.closed") log(failure.stage, String(failure));
    for (const entry of route.entries) this.#tell(entry, failure);
  }

  #tell(entry: Entry, failure: Failure | undefined): void {
    const { onSubscribed } = entry;
    entry.onSubscribed = undefined;
    onSubscribed?.(failure);
  }

  #remove(filter: string, route: Route, entry: Entry): void {
    if (!route.entries.delete(entry) || route.entries.size > 0) return;
    if (this.#routes.get(filter) !== route) return;
    this.#routes.delete(filter);
    this.#session.unsubscribe(filter);
  }
}
