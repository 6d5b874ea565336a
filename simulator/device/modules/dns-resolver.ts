import type UDP from "embedded:io/socket/udp";
import { DNSQuery } from "./dns-query.js";
import { isName } from "./dns-message.js";
import Timer from "timer";

/** Options of a resolver. */
export interface ResolverOptions {
  /** IPv4 addresses of name servers, the preferred one first. */
  servers: string[];
  socket: { io: typeof UDP };
}

export interface ResolveOptions {
  /** A name, or an IPv4 address, which is its own answer. */
  host: string;
  onResolved?: (this: Resolver, host: string, address: string) => unknown;
  onError?: (this: Resolver, host: string) => unknown;
}

/**
 * The SDK's `embedded:network/dns/resolver/udp`: asks name servers for a name's IPv4 address (RFC 1035). Exactly one of the
 * callbacks comes, and not before `resolve` has returned; after `close` none does.
 */
export default class Resolver {
  readonly #servers: string[];
  readonly #io: typeof UDP;
  readonly #pending = new Set<{ close(): void }>();
  #open = true;

  constructor({ servers, socket }: ResolverOptions) {
    if (servers.length === 0)
      throw new RangeError("Resolver: a name server is required");
    this.#servers = servers;
    this.#io = socket.io;
  }

  /** Gives up what is under way. */
  close(): void {
    this.#open = false;
    for (const query of this.#pending) query.close();
    this.#pending.clear();
  }

  resolve({ host, onResolved, onError }: ResolveOptions): void {
    if (!this.#open) throw new Error("Resolver: closed");
    const name = host.endsWith(".") ? host.slice(0, -1) : host;
    const known = isAddress(name) ? name : localAddress(name);
    if (known !== undefined)
      this.#soon(() => onResolved?.call(this, host, known));
    else if (!isName(name)) this.#soon(() => onError?.call(this, host));
    else {
      const query = new DNSQuery({
        name: name.toLowerCase(),
        servers: this.#servers,
        io: this.#io,
        onDone: (address) => {
          this.#pending.delete(query);
          if (address === undefined) onError?.call(this, host);
          else onResolved?.call(this, host, address);
        },
      });
      this.#pending.add(query);
    }
  }

  #soon(callback: () => void): void {
    const timer = Timer.set(() => {
      this.#pending.delete(entry);
      callback();
    });
    const entry = { close: () => Timer.clear(timer) };
    this.#pending.add(entry);
  }
}

const isAddress = (name: string): boolean =>
  /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(name);

/** RFC 6761, 6.3: localhost never goes to a name server. The SDK knows only the name itself, not what is below it. */
const localAddress = (name: string): string | undefined =>
  name.toLowerCase() === "localhost" ? "127.0.0.1" : undefined;
