import TCP from "embedded:io/socket/tcp";

/** Options of a listener. */
export interface Options {
  /** 0, the default, for any free port. */
  port?: number;
  /** IPv4 address to listen on; all of the node's by default. */
  address?: string;
  /** New connections arrived; so many can be read. */
  onReadable?: (this: Listener, requests: number) => void;
  format?: "socket/tcp";
  /** Anything; becomes the property `target`. */
  target?: unknown;
}

/**
 * Accepts TCP connections: ECMA-419's class `Listener`. Each `read` returns a connected socket without callbacks, to be
 * handed on: `new TCP({ from: listener.read(), onReadable … })`.
 */
export default class Listener extends Native("xs_listener_destructor") {
  /** As given to the constructor. */
  target: unknown;

  constructor(options: Options) {
    super();
    if ("target" in options) this.target = options.target;
    this.#open(options);
  }

  #open(options: Options): void {
    native<(options: Options) => void>("xs_listener_open").call(this, options);
  }

  /** Stops listening. Connections that were read stay; those that were not are closed. */
  close(): void {
    native<() => void>("xs_listener_close").call(this);
  }

  /** The next connection, or undefined. */
  read(): TCP | undefined {
    if (this.#pending() === 0) return undefined;
    const socket = new TCP(undefined as never);
    this.#accept(socket);
    return socket;
  }

  #pending(): number {
    return native<() => number>("xs_listener_pending").call(this);
  }

  #accept(socket: TCP): void {
    native<(socket: TCP) => void>("xs_listener_accept").call(this, socket);
  }

  /** The local port. */
  get port(): number {
    return native<() => number>("xs_listener_get_port").call(this);
  }

  /** The only one there is. */
  get format(): "socket/tcp" {
    return "socket/tcp";
  }

  set format(format: "socket/tcp") {
    if ((format as string) !== "socket/tcp")
      throw new RangeError("Listener: the format is socket/tcp");
  }
}
