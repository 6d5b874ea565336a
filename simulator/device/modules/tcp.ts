/** What bytes can be given in: a buffer, or a view of a part of one. */
type ByteBuffer = ArrayBufferLike | ArrayBufferView;

/** Options of a TCP socket. Bytes in the callbacks are counts. */
export type Options = (
  | {
      /** IPv4 address in dotted form; names are resolved before. */
      address: string;
      port: number;
    }
  | {
      /** A socket to take the connection from, for instance one that a listener accepted. It is closed by that. */
      from: TCP;
    }
) & {
  /** Switches Nagle's algorithm off. */
  noDelay?: boolean;
  /** The SDK's spelling of `noDelay`. */
  nodelay?: boolean;
  /** New data arrived; so many bytes can be read. */
  onReadable?: (this: TCP, bytes: number) => void;
  /** Connected, or room was made; so many bytes can be written. */
  onWritable?: (this: TCP, bytes: number) => void;
  /** The connection failed or ended. What had arrived before was readable before. */
  onError?: (this: TCP) => void;
  format?: "number" | "buffer";
  /** Anything; becomes the property `target`. */
  target?: unknown;
};

/**
 * A TCP connection: ECMA-419's class `TCP`, as the SDK has it on an ESP32, lwIP's buffer sizes included.
 *
 * `write` takes all bytes or throws, and returns how many more can be written. `read` takes a count or a buffer and throws
 * when more is asked for than was announced; without bytes it returns undefined. Where nobody reads, the socket stops
 * receiving once its buffer is full, and the peer feels that.
 */
export default class TCP extends Native("xs_tcp_destructor") {
  /** As given to the constructor. */
  target: unknown;

  constructor(options: Options) {
    super();
    // A listener makes a socket without options and puts the accepted connection into it.
    if ((options as Options | undefined) === undefined) return;
    if ("target" in options) this.target = options.target;
    this.#open(options);
  }

  #open(options: Options): void {
    native<(options: Options) => void>("xs_tcp_open").call(this, options);
  }

  /** Closes the socket, after what was written has been sent; no callback comes any more. Closing again does nothing. */
  close(): void {
    native<() => void>("xs_tcp_close").call(this);
  }

  read(byteLength?: number): ArrayBuffer | number | undefined;
  read(buffer: ByteBuffer): number | undefined;
  read(...request: unknown[]): ArrayBuffer | number | undefined {
    return native<(...request: unknown[]) => ArrayBuffer | number | undefined>(
      "xs_tcp_read",
    ).call(this, ...request);
  }

  /** Options `more` and `byteLength` may say that further pieces follow; what is written in one turn goes out together. */
  write(
    data: number | ByteBuffer,
    options?: { more?: boolean; byteLength?: number },
  ): number;
  write(data: number | ByteBuffer): number {
    return native<(data: number | ByteBuffer) => number>("xs_tcp_write").call(
      this,
      data,
    );
  }

  get remoteAddress(): string | undefined {
    return native<() => string | undefined>("xs_tcp_get_remote_address").call(
      this,
    );
  }

  get remotePort(): number | undefined {
    return native<() => number | undefined>("xs_tcp_get_remote_port").call(
      this,
    );
  }

  /** "buffer", the default, or "number" for single bytes. */
  get format(): "number" | "buffer" {
    return native<() => "number" | "buffer">("xs_tcp_get_format").call(this);
  }

  set format(format: "number" | "buffer") {
    native<(format: "number" | "buffer") => void>("xs_tcp_set_format").call(
      this,
      format,
    );
  }
}
