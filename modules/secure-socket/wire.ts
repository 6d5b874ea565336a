import type { SecureSocketOptions } from "./secure-socket-options.js";
import type { TcpSocket } from "./tcp-socket.js";
import type { TlsSession } from "./tls-session.js";

/** Bytes moved at once between TCP and the session. */
const chunkSize = 1024;

/** Where a connection goes, and over what. */
type WireOptions = Pick<
  SecureSocketOptions,
  "address" | "host" | "port" | "TCP"
>;

/**
 * The ciphertext's way between TCP and a TLS session. It keeps nothing itself: bytes stay in TCP until the session has
 * room for them, and in the session until TCP takes them. A TCP class that throws has ended.
 */
export class Wire {
  readonly #chunk = new Uint8Array(chunkSize);
  readonly #tcp: TcpSocket;
  /** Bytes that TCP holds for us. */
  #arrived = 0;
  /** Bytes that TCP takes now. */
  #room = 0;
  #isConnected = false;
  #hasEnded = false;
  #error: unknown;

  /** Starts to connect; throws what the TCP class throws. @param onChange called when anything below has changed */
  constructor(options: WireOptions, onChange: () => void) {
    const { io: Io, ...more } = options.TCP;
    this.#tcp = new Io({
      // Each message of the handshake is sent on its own: Nagle's algorithm would hold all but the first back for a
      // round trip. Later on, what belongs together is joined into one record before it is sent.
      nodelay: true,
      ...more,
      address: options.address ?? options.host ?? "",
      ...(options.host === undefined ? {} : { host: options.host }),
      port: options.port,
      format: "buffer",
      onReadable: (count) => {
        this.#arrived = count;
        onChange();
      },
      onWritable: (count) => {
        this.#room = count;
        this.#isConnected = true;
        onChange();
      },
      onError: (error) => {
        this.#hasEnded = true;
        this.#error = error;
        onChange();
      },
    });
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** TCP has ended; what had arrived may still be here. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** What TCP gave as the reason of its end. */
  get error(): unknown {
    return this.#error;
  }

  /** Whether TCP holds bytes for us. */
  get hasArrived(): boolean {
    return this.#arrived > 0;
  }

  /** Moves bytes from TCP into the session, as much as it has room for; returns how many. */
  fill(session: TlsSession): number {
    let moved = 0;
    while (this.#arrived > 0) {
      const count = Math.min(this.#arrived, session.room, chunkSize);
      if (count === 0) break;
      const bytes = this.#part(count);
      const read = this.#read(bytes);
      if (read === 0) break;
      session.feed(read === count ? bytes : this.#part(read));
      moved += read;
    }
    return moved;
  }

  /** Moves bytes from the session to TCP, as much as it takes; returns how many. */
  flush(session: TlsSession): number {
    let moved = 0;
    while (this.#room > 0 && !this.#hasEnded) {
      const count = session.take(this.#part(Math.min(this.#room, chunkSize)));
      if (count === 0) return moved;
      this.#room = this.#write(this.#part(count), this.#room - count);
      moved += count;
    }
    // Nobody is there to hear the rest.
    while (this.#hasEnded && session.take(this.#chunk) > 0);
    return moved;
  }

  /** Drops what has arrived. */
  drain(): void {
    while (this.#arrived > 0)
      this.#read(this.#part(Math.min(this.#arrived, chunkSize)));
  }

  close(): void {
    this.#tcp.close();
  }

  /** Bytes read; 0 when TCP has less than it announced. */
  #read(bytes: Uint8Array): number {
    try {
      const read = numberOr(this.#tcp.read(bytes), bytes.byteLength);
      this.#arrived = read === 0 ? 0 : this.#arrived - read;
      return read;
    } catch {
      this.#arrived = 0;
      this.#hasEnded = true;
      return 0;
    }
  }

  /** Bytes that may follow. */
  #write(bytes: Uint8Array, otherwise: number): number {
    try {
      return numberOr(this.#tcp.write(bytes), otherwise);
    } catch {
      this.#hasEnded = true;
      return 0;
    }
  }

  #part(count: number): Uint8Array {
    return count === chunkSize
      ? this.#chunk
      : new Uint8Array(this.#chunk.buffer, 0, count);
  }
}

/** What a TCP class returned, or what it must have meant when it returned nothing. */
function numberOr(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}
