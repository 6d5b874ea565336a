/** Bytes as ECMA-419 takes them. */
export type ByteBuffer = ArrayBufferLike | ArrayBufferView;

/** What a SecureSocket passes to the TCP class under it. */
export interface TcpOptions {
  /** IPv4 address. */
  address: string;
  /** The name it was resolved from. */
  host?: string | undefined;
  port: number;
  /** True sends small pieces at once (RFC 896 is Nagle's algorithm, which would wait). */
  nodelay?: boolean;
  format: "buffer";
  onReadable(count: number): void;
  onWritable(count: number): void;
  onError(error?: unknown): void;
}

/** The part of ECMA-419's TCP socket (clause 12) that TLS stands on. */
export interface TcpSocket {
  /** So many bytes as an ArrayBuffer, not more than were announced; nothing when there are none. */
  read(count: number): unknown;
  /** Takes all of `data`, which must not be longer than what was announced; returns how many bytes may follow. */
  write(data: ArrayBuffer): unknown;
  close(): void;
}

/** What a TCP socket last said of itself. */
export interface TcpCounts {
  /** Bytes that it holds for us. */
  arrived: number;
  /** Bytes that it takes. */
  room: number;
  /** It has ended; what had arrived may still be there. */
  hasEnded: boolean;
}

/** A TCP class of the platform, of the simulator, or one that a test breaks on purpose. */
export type TcpClass = new (options: TcpOptions) => TcpSocket;
