import type UDP from "embedded:io/socket/udp";
import Timer from "timer";
import { decodeAnswer, encodeQuestion, type Answer } from "./dns-message.js";

/** How long each round over all servers waits for an answer, in ms. */
const rounds = [1000, 2000, 4000];

/** A chain of aliases longer than this is taken for a circle. */
const aliasLimit = 8;

const port = 53;

/** What a query needs. */
export interface QueryOptions {
  /** In lower case, without a dot at the end. */
  name: string;
  servers: string[];
  io: typeof UDP;
  /** The IPv4 address, or undefined when the name has none or nobody answers. Called once, unless closed before. */
  onDone: (address: string | undefined) => void;
}

/**
 * One question to the name servers in turn, until one of them answers it.
 *
 * An answer counts only if it comes from the server that was asked, from its port, with the id and the question that were
 * sent (RFC 5452, section 9); each query has a socket of its own, and with it a port of the system's choice.
 */
export class DNSQuery {
  readonly #options: QueryOptions;
  readonly #socket: UDP;
  #name: string;
  #aliases = 0;
  #id = 0;
  #attempt = -1;
  #timer: Timer | undefined;
  #done = false;

  constructor(options: QueryOptions) {
    this.#options = options;
    this.#name = options.name;
    this.#socket = new options.io({ onReadable: () => this.#receive() });
    // Not before the constructor has returned: an attempt that fails at once would call back too early.
    this.#timer = Timer.set(() => this.#next());
  }

  close(): void {
    if (this.#done) return;
    this.#done = true;
    Timer.clear(this.#timer);
    this.#socket.close();
  }

  get #server(): string {
    return this.#options.servers[this.#attempt % this.#options.servers.length];
  }

  /** Asks the next server; each is asked once in every round. */
  #next(): void {
    Timer.clear(this.#timer);
    this.#attempt++;
    const round = Math.floor(this.#attempt / this.#options.servers.length);
    if (round === rounds.length) this.#finish(undefined);
    else this.#ask(rounds[round]);
  }

  #ask(wait: number): void {
    this.#id = Math.floor(Math.random() * 0x10000);
    this.#timer = Timer.set(() => this.#next(), wait);
    try {
      this.#socket.write(
        encodeQuestion(this.#id, this.#name),
        this.#server,
        port,
      );
    } catch {
      // No network now; there may be one at the next attempt.
    }
  }

  #receive(): void {
    for (;;) {
      const packet = this.#done ? undefined : this.#socket.read();
      if (packet === undefined) return;
      if (packet.address !== this.#server || packet.port !== port) continue;
      const answer = this.#decode(packet);
      if (answer) this.#take(answer);
    }
  }

  #decode(packet: ArrayBuffer): Answer | undefined {
    try {
      const answer = decodeAnswer(packet);
      return answer.id === this.#id && answer.question === this.#name
        ? answer
        : undefined;
    } catch {
      return undefined;
    }
  }

  #take({ code, truncated, addresses, aliases }: Answer): void {
    let name = this.#name;
    for (;;) {
      const address = addresses.get(name);
      if (address !== undefined) {
        this.#finish(address);
        return;
      }
      const alias = aliases.get(name);
      if (alias === undefined || ++this.#aliases > aliasLimit) break;
      name = alias;
    }
    if (code === 0 && name !== this.#name && this.#aliases <= aliasLimit) {
      // The server knew the alias, but not where it leads.
      this.#name = name;
      this.#attempt = -1;
      this.#next();
    } else if (code === 3 || (code === 0 && !truncated))
      this.#finish(undefined);
    else this.#next(); // this server cannot; another may
  }

  #finish(address: string | undefined): void {
    this.close();
    this.#options.onDone(address);
  }
}
