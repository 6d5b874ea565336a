import { ProtocolError } from "./protocol-error.js";

/** More aliases than this are not used, whatever the broker allows: each one keeps a topic in memory. */
const most = 16;

interface Alias {
  topic: string;
  /** The broker surely knows it. */
  known: boolean;
  /** Packet identifier of the QoS 1 message that told the broker; its PUBACK makes the alias known. */
  told: number;
}

/**
 * Topic aliases of what is sent (MQTT 5, 3.3.2.3.4): a number for a topic that the broker has heard before on this
 * connection. The first topics get one; when all are given away, a topic that comes twice in a row takes over the one that
 * was not used for the longest time.
 *
 * A broker that drops a message (IoT Core does above 100 messages a second) may drop its alias with it. Topic and alias are
 * therefore sent together until a message with both was acknowledged.
 */
export class OutgoingAliases {
  readonly #limit: number;
  /** Index 0 is alias 1. */
  readonly #aliases: Alias[] = [];
  /** Aliases by when they were used, the latest last. */
  readonly #order: number[] = [];
  #last = "";

  /** @param maximum the broker's Topic Alias Maximum; 0 for none */
  constructor(maximum: number) {
    this.#limit = Math.min(maximum, most);
  }

  /** The alias to send with a message to this topic; 0 for none. */
  choose(topic: string): number {
    for (let index = 0; index < this.#aliases.length; index++)
      if (this.#aliases[index].topic === topic) return this.#used(index + 1);
    const repeated = topic === this.#last;
    this.#last = topic;
    if (this.#aliases.length < this.#limit) {
      this.#aliases.push({ topic, known: false, told: 0 });
      this.#order.push(this.#aliases.length);
      return this.#aliases.length;
    }
    if (!repeated || this.#limit === 0) return 0;
    const oldest = this.#order[0];
    this.#aliases[oldest - 1] = { topic, known: false, told: 0 };
    return this.#used(oldest);
  }

  /** Tells whether the alias alone is enough. */
  isKnown(alias: number): boolean {
    return this.#aliases[alias - 1].known;
  }

  /**
   * A message with topic and alias is on its way.
   *
   * @param packetId its packet identifier, 0 with QoS 0
   */
  told(alias: number, packetId: number): void {
    const entry = this.#aliases[alias - 1];
    if (packetId === 0) entry.known = true;
    else entry.told = packetId;
  }

  /** A QoS 1 message was taken by the broker. */
  acknowledged(packetId: number): void {
    for (const alias of this.#aliases)
      if (alias.told === packetId) {
        alias.known = true;
        alias.told = 0;
        return;
      }
  }

  #used(alias: number): number {
    const order = this.#order;
    const last = order.length - 1;
    if (order[last] !== alias) {
      order.copyWithin(order.indexOf(alias), order.indexOf(alias) + 1);
      order[last] = alias;
    }
    return alias;
  }
}

/** Topic aliases of what is received: the broker names a topic once and then says a number. */
export class IncomingAliases {
  readonly #topics: (string | undefined)[] = [];
  readonly #maximum: number;

  /** @param maximum what this client announced as Topic Alias Maximum */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /**
   * The topic of a message.
   *
   * @param topic what the message says; "" when only the alias names it
   * @throws ProtocolError 0x94 for an alias above the maximum, 0x82 for one that was never set
   */
  resolve(topic: string, alias: number): string {
    if (alias > this.#maximum)
      throw new ProtocolError(
        0x94,
        `MQTT-3.1.2-26: topic alias ${alias}, above ${this.#maximum}`,
      );
    if (topic !== "") return (this.#topics[alias - 1] = topic);
    const known = this.#topics[alias - 1];
    if (known === undefined)
      throw new ProtocolError(0x82, `topic alias ${alias} was never set`);
    return known;
  }
}
