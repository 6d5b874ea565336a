import Time from "time";
import Timer from "timer";
import { Failure } from "../system/failure.js";

/** A DNS resolver's class and options, in the shape of `embedded:network/dns/resolver/udp`. */
export interface DNSOptions {
  io: new (options: never) => DNSResolver;
  servers: string[];
  socket: { io: unknown };
}

interface DNSResolver {
  resolve(options: {
    host: string;
    onResolved: (host: string, address: string) => void;
    onError: (host: string) => void;
  }): void;
  close(): void;
}

/** What becomes of the question. Exactly one of the two is called, unless it is closed before. */
export interface ResolutionCallbacks {
  /** An IPv4 address. */
  onResolved: (address: string) => void;
  onError: (failure: Failure) => void;
}

/** How long a name server may take, all retries included, in ms. */
const limit = 15_000;

/** A resolver does not say why it gives up. One that takes so long, in ms, has asked again and again and heard nothing. */
const silence = 3000;

/**
 * The question for a host's IPv4 address. An address stands for itself, and `localhost` for this machine (RFC 6761, 6.3);
 * they too are answered in a later turn of the event loop.
 */
export class Resolution {
  #callbacks: ResolutionCallbacks | undefined;
  #resolver: DNSResolver | undefined;
  #timer: Timer | undefined;

  constructor(host: string, dns: DNSOptions, callbacks: ResolutionCallbacks) {
    this.#callbacks = callbacks;
    const known = knownAddress(host);
    if (known !== undefined) {
      this.#timer = Timer.set(() => this.#finish()?.onResolved(known));
      return;
    }
    this.#timer = Timer.set(
      () => this.#finish()?.onError(new Failure("dns.no-answer", host)),
      limit,
    );
    const start = Time.ticks;
    this.#resolver = new dns.io(dns as never);
    this.#resolver.resolve({
      host,
      onResolved: (_, address) => this.#finish()?.onResolved(address),
      onError: () => {
        const code =
          Time.delta(start) < silence ? "dns.not-found" : "dns.no-answer";
        this.#finish()?.onError(new Failure(code, host));
      },
    });
  }

  /** Nobody wants the answer any more. */
  close(): void {
    this.#finish();
  }

  /** Ends the question; gives who is to be told of the answer, once. */
  #finish(): ResolutionCallbacks | undefined {
    const callbacks = this.#callbacks;
    const resolver = this.#resolver;
    this.#callbacks = this.#resolver = undefined;
    Timer.clear(this.#timer);
    this.#timer = undefined;
    // The SDK's resolver goes on with its socket after it called back, so it is closed in a later turn.
    if (resolver) Timer.set(() => resolver.close());
    return callbacks;
  }
}

function knownAddress(host: string): string | undefined {
  if (host === "localhost") return "127.0.0.1";
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(host) ? host : undefined;
}
