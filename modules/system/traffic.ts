/** A TCP class as far as counting needs it (ECMA-419, clause 12). */
type TcpClass<Options> = new (options: Options) => {
  read(count: number): unknown;
  write(data: ArrayBuffer): unknown;
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
      override read(count: number): unknown {
        const bytes = super.read(count) as ArrayBuffer | undefined;
        if (bytes) received(bytes.byteLength);
        return bytes;
      }
      override write(data: ArrayBuffer): unknown {
        sent(data.byteLength);
        return super.write(data);
      }
    };
  }
}
