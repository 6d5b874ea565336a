import type { RemoteInfo } from "node:dgram";
import { lookup } from "node:dns/promises";
import {
  AUTHORITATIVE_ANSWER,
  decode,
  encode,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  type Answer,
  type DecodedPacket,
} from "dns-packet";
import { UDPServer } from "./udp-server.js";

/** Response codes (RFC 1035, 4.1.1). */
const noSuchName = 3;

/** How long a device may keep an answer, in seconds. */
const timeToLive = 60;

/**
 * The access point's name server: UDP on the loopback interface, IPv4 addresses only.
 *
 * Knows `localhost` and everything below it (RFC 6761, 6.3) and the names it is given; what it does not know it asks the
 * desktop, so that a node reaches whatever the desktop reaches.
 */
export class DNSServer extends UDPServer {
  readonly #names: ReadonlyMap<string, string>;

  /** @param names IPv4 addresses by lower-case name */
  constructor(names: ReadonlyMap<string, string> = new Map()) {
    super();
    this.#names = names;
  }

  protected receive(query: Buffer, from: RemoteInfo): void {
    void this.#answer(query, from);
  }

  async #answer(bytes: Buffer, from: RemoteInfo): Promise<void> {
    let query: DecodedPacket;
    try {
      query = decode(bytes);
    } catch {
      return;
    }
    const question = query.questions?.[0];
    if (query.type !== "query" || question === undefined) return;
    const known = await this.#find(question.name.toLowerCase());
    const answers: Answer[] =
      known !== undefined && question.type === "A"
        ? [{ name: question.name, type: "A", ttl: timeToLive, data: known }]
        : [];
    const response = encode({
      id: query.id ?? 0,
      type: "response",
      flags:
        AUTHORITATIVE_ANSWER |
        RECURSION_DESIRED |
        RECURSION_AVAILABLE |
        (known === undefined ? noSuchName : 0),
      questions: [question],
      answers,
    });
    try {
      this.socket.send(response, from.port, from.address);
    } catch {
      // Closed while the desktop was asked: nobody waits for the answer any more.
    }
  }

  async #find(name: string): Promise<string | undefined> {
    if (name === "localhost" || name.endsWith(".localhost")) return "127.0.0.1";
    const given = this.#names.get(name);
    if (given !== undefined) return given;
    try {
      return (await lookup(name, { family: 4 })).address;
    } catch {
      return undefined;
    }
  }
}
