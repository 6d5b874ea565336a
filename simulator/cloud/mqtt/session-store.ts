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

/** Keeps persistent sessions, the messages that wait for them, and retained messages. */
export class SessionStore {
  readonly #store: Store;

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

  /** Forgets a session with all its messages. */
  delete(clientId: string): void {
    this.#store.transaction(() => {
      this.#store.sessions.removeSync(clientId);
      for (const number of this.messageNumbers(clientId))
        this.#store.messages.removeSync([clientId, number]);
    });
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
    return this.#store.messages.put([clientId, number], message);
  }

  /** A message that waits for a session. */
  message(clientId: string, number: number): Message | undefined {
    return this.#store.messages.get([clientId, number]) as Message | undefined;
  }

  /** Forgets a message that was acknowledged. */
  removeMessage(clientId: string, number: number): void {
    void this.#store.messages.remove([clientId, number]);
  }

  /** Keeps the retained message of a topic; an empty payload removes it. @returns resolves once it is committed */
  retain(message: Message): Promise<unknown> {
    return message.payload.length === 0
      ? this.#store.retained.remove(message.topic)
      : this.#store.retained.put(message.topic, message);
  }

  /** The retained message of a topic. */
  retained(topic: string): Message | undefined {
    return this.#store.retained.get(topic) as Message | undefined;
  }
}
