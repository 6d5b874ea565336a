import type { SecureSocketOptions } from "./secure-socket-options.js";
import type { TcpCounts, TcpSocket } from "./tcp-socket.js";
import type { TlsSession } from "./tls-session.js";

/** Bytes that are dropped at once. */
const dropped = 1024;

/** Where a connection goes, and over what. */
type WireOptions = Pick<
  SecureSocketOptions,
  "address" | "host" | "port" | "TCP"
>;

/**
 * The ciphertext's way between TCP and a TLS session. It keeps nothing itself: bytes stay in TCP until the session has
 * room for them, and in the session until TCP takes them. A TCP class that throws has ended.
 */
export class Wire implements TcpCounts {
  readonly tcp: TcpSocket;
  arrived = 0;
  room = 0;
  hasEnded = false;
  isConnected = false;
  /** What TCP gave as the reason of its end. */
  error: unknown;

  /** Starts to connect; throws what the TCP class throws. @param onChange called when anything below has changed */
  constructor(options: WireOptions, onChange: () => void) {
    const { address, host, port, TCP } = options;
    this.tcp = new TCP.io({
      // Each message of the handshake is sent on its own: Nagle's algorithm would hold all but the first back for a
      // round trip. Later on, what belongs together is joined into one record before it is sent.
      nodelay: true,
      ...TCP,
      address: address ?? host ?? "",
      host,
      port,
      format: "buffer",
      onReadable: (count) => {
        this.arrived = count;
        onChange();
      },
      onWritable: (count) => {
        if (this.room > 0) this.room = count;
        else {
          this.room = count;
          this.isConnected = true;
          onChange();
        }
      },
      onError: (error) => {
        this.room = 0;
        this.hasEnded = true;
        this.error = error;
        onChange();
      },
    });
  }

  /** Moves bytes from TCP to the session, as many as it has room for; returns how many. */
  fill(session: TlsSession): number {
    const { arrived } = this;
    if (arrived === 0) return 0;
    this.arrived = session.fill(this.tcp, arrived);
    if (this.arrived < 0) this.end();
    return arrived - this.arrived;
  }

  /** Moves bytes from the session to TCP, as many as it takes. False when some are left, or when no more can follow. */
  flush(session: TlsSession): boolean {
    if (this.room > 0) {
      this.room = session.flush(this.tcp, this.room);
      if (this.room > 0) return true;
      if (this.room < 0) this.end();
    }
    // Nobody is there to hear the rest.
    if (this.hasEnded) while (session.take(dropped));
    return this.hasEnded;
  }

  /** Drops what has arrived. */
  drain(): void {
    try {
      while (this.arrived > 0) {
        const count = this.arrived < dropped ? this.arrived : dropped;
        this.arrived = this.tcp.read(count) ? this.arrived - count : 0;
      }
    } catch {
      this.end();
    }
  }

  close(): void {
    this.tcp.close();
  }

  private end(): void {
    this.arrived = this.room = 0;
    this.hasEnded = true;
  }
}
