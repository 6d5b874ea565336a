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

/** One question for an address; `close` before the answer means that nobody wants it any more. */
export interface Resolution {
  close(): void;
}

/** How long a name server may take, all retries included, in ms. */
const limit = 15_000;

/**
 * Finds a host's IPv4 address and hands it to `onResolved`, or a Failure to `onError`; one of the two, once, unless
 * closed before. An address stands for itself, and `localhost` for this machine (RFC 6761, 6.3).
 */
export function resolve(
  host: string,
  dns: DNSOptions,
  onResolved: (address: string) => void,
  onError: (failure: Failure) => void,
): Resolution {
  const known =
    host === "localhost" ? "127.0.0.1" : isAddress(host) ? host : undefined;
  let resolver: DNSResolver | undefined;

  const finish = (then: () => void) => {
    if (resolution.open) {
      resolution.close();
      then();
    }
  };
  const timer = Timer.set(
    () =>
      finish(() =>
        known === undefined
          ? onError(new Failure("dns.no-answer", host))
          : onResolved(known),
      ),
    known === undefined ? limit : 0,
  );
  const resolution = {
    open: true,
    close() {
      this.open = false;
      Timer.clear(timer);
      resolver?.close();
      resolver = undefined;
    },
  };
  if (known === undefined) {
    resolver = new dns.io(dns as never);
    resolver.resolve({
      host,
      onResolved: (_, address) => finish(() => onResolved(address)),
      onError: () => finish(() => onError(new Failure("dns.not-found", host))),
    });
  }
  return resolution;
}

const isAddress = (host: string): boolean =>
  /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
