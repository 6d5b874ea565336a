import type { Choices } from "../choices.js";
import type { EventLog } from "../event-log.js";
import type { Store } from "../store.js";
import {
  isExpired,
  type Message,
  type SubscriptionOptions,
} from "./message.js";
import { Session, type Link } from "./session.js";
import { SessionStore, type RetainedMessage } from "./session-store.js";
import { hasWildcard, parseFilter } from "./topic.js";
import { TopicTree } from "./topic-tree.js";

/** Members of a shared subscription: each message goes to one of them. */
type Group = Map<Session, SubscriptionOptions>;

/** Who gets the messages of a filter. */
type Subscriber =
  | { readonly session: Session; readonly options: SubscriptionOptions }
  | { readonly group: Group };

/** What became of a message. */
export interface Routed {
  /** Sessions that it was given to. */
  readonly receivers: number;
  /** Resolves once it is committed for every persistent session; undefined when there is nothing to wait for. */
  readonly committed?: Promise<unknown>;
}

/** Milliseconds between looks for sessions that expired. */
const expiryInterval = 10_000;

/** Who is subscribed to what, and which message goes to whom. Knows nothing of sockets or policies. */
export class Broker {
  readonly #tree = new TopicTree<Subscriber>();
  readonly #groups = new Map<string, Group>();
  readonly #sessions = new Map<string, Session>();
  readonly #services: { store: SessionStore; choices: Choices; log: EventLog };
  readonly #timer: NodeJS.Timeout;
  /** Is told every message that is published, by a client (`from`) or by the cloud. */
  onPublish: ((message: Message, from?: string) => void) | undefined;

  constructor(store: Store, choices: Choices, log: EventLog) {
    this.#services = { store: new SessionStore(store), choices, log };
    for (const record of this.#services.store.sessions()) {
      const session = new Session(
        { ...record, disconnectedAt: record.disconnectedAt ?? Date.now() },
        this.#services,
      );
      this.#sessions.set(session.clientId, session);
      for (const [filter, options] of session.subscriptions)
        this.#enter(session, filter, options);
    }
    this.#removeExpired();
    this.#timer = setInterval(() => this.#removeExpired(), expiryInterval);
    this.#timer.unref();
  }

  /** Sessions that exist, connected or not. */
  get sessions(): ReadonlyMap<string, Session> {
    return this.#sessions;
  }

  /**
   * The session for a client that connects: its old one, unless it wants a clean one, spoke another version of MQTT or
   * stayed away too long.
   * @param expiry seconds that the session is to outlive the connection
   */
  openSession(
    clientId: string,
    version: 4 | 5,
    clean: boolean,
    expiry: number,
  ): { session: Session; present: boolean } {
    const known = this.#sessions.get(clientId);
    if (known && !clean && !known.expired && known.version === version) {
      known.expiry = expiry;
      return { session: known, present: true };
    }
    if (known) this.#end(known);
    const session = new Session(
      { clientId, version, expiry, subscriptions: [] },
      this.#services,
    );
    this.#sessions.set(clientId, session);
    return { session, present: false };
  }

  /** Puts a session on its connection. */
  attach(session: Session, link: Link): void {
    session.attach(link);
  }

  /** Takes a session off its connection; one that does not last is over. */
  detach(session: Session): void {
    session.detach();
    if (!session.persistent) this.#end(session);
  }

  /**
   * Subscribes a session.
   * @param retainHandling 0 sends the retained message, 1 only for a new subscription, 2 never (MQTT 5 section 3.8.3.1)
   * @returns resolves once a persistent session's subscription is committed
   */
  subscribe(
    session: Session,
    filter: string,
    options: SubscriptionOptions,
    retainHandling: number,
  ): Promise<unknown> | undefined {
    const isNew = !session.subscriptions.has(filter);
    session.subscriptions.set(filter, options);
    this.#enter(session, filter, options);
    const committed = session.save();
    if (retainHandling === 0 || (retainHandling === 1 && isNew))
      this.#sendRetained(session, filter, options);
    return committed;
  }

  /** Ends a subscription. @returns resolves once that is committed */
  unsubscribe(session: Session, filter: string): Promise<unknown> | undefined {
    if (!session.subscriptions.delete(filter)) return undefined;
    this.#leave(session, filter);
    return session.save();
  }

  /**
   * Gives a message to all who are subscribed to its topic: once to each client, with the highest QoS of its filters that
   * match; and to one member of each shared subscription.
   * @param from client id of the publisher
   */
  publish(message: Message, from?: string): Routed {
    this.onPublish?.(message, from);
    const waits: Promise<unknown>[] = [];
    const add = (wait: Promise<unknown> | undefined) => {
      if (wait) waits.push(wait);
    };
    if (message.retain) add(this.#services.store.retain(message));
    const receivers = new Map<Session, SubscriptionOptions>();
    this.#tree.match(message.topic, (subscriber) => {
      const found =
        "group" in subscriber
          ? pickMember(subscriber.group)
          : ([subscriber.session, subscriber.options] as const);
      if (!found) return;
      const [session, options] = found;
      if (options.noLocal && session.clientId === from) return;
      const known = receivers.get(session);
      if (!known || known.qos < options.qos) receivers.set(session, options);
    });
    for (const [session, options] of receivers)
      add(
        session.deliver(
          message,
          message.qos === 1 && options.qos === 1 ? 1 : 0,
          options.retainAsPublished && message.retain,
        ),
      );
    return {
      receivers: receivers.size,
      ...(waits.length > 0 && { committed: Promise.all(waits) }),
    };
  }

  /** The retained message of a topic, unless it expired. */
  retainedMessage(topic: string): RetainedMessage | undefined {
    const message = this.#services.store.retained(topic);
    return message && !isExpired(message) ? message : undefined;
  }

  /** All retained messages that did not expire, by topic. */
  retainedMessages(): RetainedMessage[] {
    return this.#services.store
      .allRetained()
      .filter((message) => !isExpired(message));
  }

  /** Ends timers. Sessions stay in the store. */
  stop(): void {
    clearInterval(this.#timer);
    for (const session of this.#sessions.values()) session.stop();
  }

  /** AWS sends a retained message only for the very topic: no wildcard, not shared. */
  #sendRetained(
    session: Session,
    filter: string,
    options: SubscriptionOptions,
  ): void {
    if (hasWildcard(filter) || parseFilter(filter).group !== undefined) return;
    const message = this.retainedMessage(filter);
    if (!message) return;
    void session.deliver(
      message,
      message.qos === 1 && options.qos === 1 ? 1 : 0,
      true,
    );
  }

  #enter(session: Session, text: string, options: SubscriptionOptions): void {
    const { group: name, filter } = parseFilter(text);
    if (name === undefined) {
      this.#tree.add(filter, session.clientId, { session, options });
      return;
    }
    let group = this.#groups.get(text);
    if (!group) {
      group = new Map<Session, SubscriptionOptions>();
      this.#groups.set(text, group);
      this.#tree.add(filter, text, { group });
    }
    group.set(session, options);
  }

  #leave(session: Session, text: string): void {
    const { group: name, filter } = parseFilter(text);
    if (name === undefined) {
      this.#tree.remove(filter, session.clientId);
      return;
    }
    const group = this.#groups.get(text);
    group?.delete(session);
    if (group?.size !== 0) return;
    this.#groups.delete(text);
    this.#tree.remove(filter, text);
  }

  #end(session: Session): void {
    for (const filter of session.subscriptions.keys())
      this.#leave(session, filter);
    session.end();
    if (this.#sessions.get(session.clientId) === session)
      this.#sessions.delete(session.clientId);
  }

  #removeExpired(): void {
    for (const session of this.#sessions.values())
      if (session.expired) this.#end(session);
  }
}

/** One member of a shared subscription: any that is connected, else any whose session keeps messages. */
function pickMember(
  group: Group,
): readonly [Session, SubscriptionOptions] | undefined {
  const members = [...group];
  const connected = members.filter(([session]) => session.connected);
  const choice = connected.length > 0 ? connected : members;
  return choice[Math.floor(Math.random() * choice.length)];
}
