/** What bytes can be given in: a buffer, or a view of a part of one. */
type ByteBuffer = ArrayBufferLike | ArrayBufferView;

/** Where a packet came from; set on the buffer that holds its bytes. */
export interface Origin {
  /** IPv4 address in dotted form. */
  address: string;
  port: number;
}

/** Options of a UDP socket. */
export interface Options {
  /** Local port; any free one by default. */
  port?: number;
  /** Local IPv4 address; all of the node's by default. */
  address?: string;
  /** Packets arrived; so many can be read. */
  onReadable?: (this: UDP, packets: number) => void;
  /** The link was lost; the socket is of no more use. */
  onError?: (this: UDP) => void;
  format?: "buffer";
  /** Anything; becomes the property `target`. */
  target?: unknown;
}

/** A UDP socket: ECMA-419's class `UDP` as the SDK has it, without multicast. */
export default class UDP extends Native("xs_udp_destructor") {
  /** As given to the constructor. */
  target: unknown;

  constructor(options: Options) {
    super();
    if ("multicast" in options)
      throw new RangeError("UDP: the simulated network has no multicast");
    if ("target" in options) this.target = options.target;
    this.#open(options);
  }

  #open(options: Options): void {
    native<(options: Options) => void>("xs_udp_open").call(this, options);
  }

  /** Closes the socket; unread packets are gone. Closing again does nothing. */
  close(): void {
    native<() => void>("xs_udp_close").call(this);
  }

  /**
   * The next packet, in a new buffer, or in the given one; then the result is the number of its bytes. Undefined when there
   * is none. Throws when the packet is larger than the buffer, and keeps it.
   */
  read(): (ArrayBuffer & Origin) | undefined;
  read(buffer: ByteBuffer): number | undefined;
  read(...into: ByteBuffer[]): number | (ArrayBuffer & Origin) | undefined {
    return native<
      (...into: ByteBuffer[]) => number | (ArrayBuffer & Origin) | undefined
    >("xs_udp_read").call(this, ...into);
  }

  /** Sends one packet to an IPv4 address in dotted form. Throws when the node is on no network. */
  write(packet: ByteBuffer, address: string, port: number): void {
    native<(packet: ByteBuffer, address: string, port: number) => void>(
      "xs_udp_write",
    ).call(this, packet, address, port);
  }

  /** The local port. */
  get port(): number {
    return native<() => number>("xs_udp_get_port").call(this);
  }

  /** The only one there is. */
  get format(): "buffer" {
    return "buffer";
  }

  set format(format: "buffer") {
    if ((format as string) !== "buffer")
      throw new RangeError("UDP: the format is buffer");
  }
}
