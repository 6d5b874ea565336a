/** A TCP class as far as counting needs it (ECMA-419, clause 12). */
type TcpClass<Options> = new (options: Options) => {
  read(buffer: Uint8Array): unknown;
  write(data: Uint8Array): unknown;
  close(): void;
};

/** Bytes that a node sent and received by TCP in this life, TLS included, headers of TCP and IP not. */
export class Traffic {
  #sent = 0;
  #received = 0;

  get sent(): number {
    return this.#sent;
  }

  get received(): number {
    return this.#received;
  }

  /** The same class, and its sockets count what goes through them. */
  count<Options>(io: TcpClass<Options>): TcpClass<Options> {
    const sent = (bytes: number) => (this.#sent += bytes);
    const received = (bytes: number) => (this.#received += bytes);
    return class extends io {
      override read(buffer: Uint8Array): unknown {
        const count = super.read(buffer);
        // Where it returns nothing, it has read all that was asked for.
        received(typeof count === "number" ? count : buffer.byteLength);
        return count;
      }
      override write(data: Uint8Array): unknown {
        sent(data.byteLength);
        return super.write(data);
      }
    };
  }
}
