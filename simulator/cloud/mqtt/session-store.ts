import type { Store } from "../store.js";
import type { Message, SubscriptionOptions } from "./message.js";

/** A persistent session as it is kept. */
export interface SessionRecord {
  readonly clientId: string;
  readonly version: 4 | 5;
  /** Seconds the session outlives its connection. */
  readonly expiry: number;
  readonly subscriptions: readonly (readonly [string, SubscriptionOptions])[];
  /** When its connection ended, in ms since 1970; none while connected. */
  readonly disconnectedAt?: number;
}

/** A retained message with the moment it was published, in ms since 1970. */
export interface RetainedMessage extends Message {
  readonly retainedAt: number;
}

/** Keeps persistent sessions, the messages that wait for them, and retained messages. */
export class SessionStore {
  readonly #store: Store;
  /** What was written but is not committed: the store does not show it to readers before. */
  readonly #fresh = new Map<string, Message>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** All sessions that were kept. */
  sessions(): SessionRecord[] {
    return [...this.#store.sessions.getRange()].map(
      ({ value }) => value as SessionRecord,
    );
  }

  /** Keeps a session. @returns resolves once it is committed */
  save(record: SessionRecord): Promise<unknown> {
    return this.#store.sessions.put(record.clientId, record);
  }

  /** Forgets a session. Its messages are the caller's to remove. */
  delete(clientId: string): void {
    void this.#store.sessions.remove(clientId);
  }

  /** Numbers of the messages that wait for a session, oldest first. */
  messageNumbers(clientId: string): number[] {
    return [
      ...this.#store.messages.getKeys({
        start: [clientId, 0],
        end: [clientId, Number.MAX_SAFE_INTEGER],
      }),
    ].map((key) => (key as [string, number])[1]);
  }

  /** Keeps a message for a session. @returns resolves once it is committed */
  addMessage(
    clientId: string,
    number: number,
    message: Message,
  ): Promise<unknown> {
    return this.#whileFresh(
      `${number} ${clientId}`,
      message,
      this.#store.messages.put([clientId, number], message),
    );
  }

  /** A message that waits for a session. */
  message(clientId: string, number: number): Message | undefined {
    return (
      this.#fresh.get(`${number} ${clientId}`) ??
      (this.#store.messages.get([clientId, number]) as Message | undefined)
    );
  }

  /** Forgets a message that was acknowledged. */
  removeMessage(clientId: string, number: number): void {
    void this.#store.messages.remove([clientId, number]);
  }

  /** Keeps the retained message of a topic; an empty payload removes it. @returns resolves once it is committed */
  retain(published: Message): Promise<unknown> {
    const { topic, payload } = published;
    const message: RetainedMessage = { ...published, retainedAt: Date.now() };
    return this.#whileFresh(
      `retained ${topic}`,
      message,
      payload.length === 0
        ? this.#store.retained.remove(topic)
        : this.#store.retained.put(topic, message),
    );
  }

  /** The retained message of a topic. */
  retained(topic: string): RetainedMessage | undefined {
    const message = (this.#fresh.get(`retained ${topic}`) ??
      this.#store.retained.get(topic)) as RetainedMessage | undefined;
    return message?.payload.length === 0 ? undefined : message;
  }

  /** All retained messages that are committed, by topic. */
  allRetained(): RetainedMessage[] {
    return [...this.#store.retained.getRange()].map(
      ({ value }) => value as RetainedMessage,
    );
  }

  #whileFresh(
    key: string,
    message: Message,
    committed: Promise<unknown>,
  ): Promise<unknown> {
    this.#fresh.set(key, message);
    return committed.finally(() => {
      if (this.#fresh.get(key) === message) this.#fresh.delete(key);
    });
  }
}
