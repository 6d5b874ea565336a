import { Failure } from "../system/failure.js";
import type { Identity } from "../identity/identity.js";
import { nativeFailure } from "../identity/native-failure.js";
import type { TrustAnchors } from "../identity/trust-anchors.js";
import type { TcpCounts, TcpSocket } from "./tcp-socket.js";

/** Bytes as ECMA-419 takes them. */
type Bytes = ArrayBufferLike | ArrayBufferView;

/** What a session needs to know before it starts. */
export interface TlsSessionOptions {
  /** The server's DNS name in ASCII, sent as SNI and looked for in its certificate; or an IPv4 address, looked for only. */
  serverName: string;
  trust: TrustAnchors;
  /** Without one, a server that asks for a certificate gets none. */
  identity?: Identity | undefined;
  /** Application protocols in order of preference; the server must choose one of them. At most 4. */
  alpn?: string[] | undefined;
  /**
   * Suites by OpenSSL's names (RFC 8446's for TLS 1.3), in order; only those that AWS lists. Those of a version that the
   * node's TLS library does not have are left out, and a version that has no suite here is not offered.
   */
  cipherSuites?: string[] | undefined;
  minVersion?: "1.2" | "1.3" | undefined;
  /** The newest version to offer; what the library has when absent. */
  maxVersion?: "1.2" | "1.3";
  /** The node's own time in ms since 1970: certificates' dates are judged by it. */
  now: number;
}

/** What the handshake agreed on, and who answered. */
export interface TlsPeer {
  version: "1.2" | "1.3";
  /** OpenSSL's name; RFC 8446's for TLS 1.3. */
  cipherSuite: string;
  alpn?: string;
  subject: string;
  issuer: string;
  /** When the server's certificate begins and ends, in ms since 1970. */
  notBefore: number;
  notAfter: number;
}

/**
 * What `step` answers, in numbers, because to compare texts costs more than the rest of a step's way through JavaScript:
 * what the session asks for next, plus `stepSending` when it has something for the wire.
 */
export const stepReading = 0;
export const stepWriting = 1;
export const stepOpen = 2;
export const stepFailed = 3;
export const stepSending = 4;
/** What `turn` alone answers: it waits for nothing, the next turn can follow; and a turn inside a turn does nothing. */
export const stepAgain = 5;
export const stepBusy = 6;

/** A list for the native: one text with commas between. */
function listed(option: string, names: string[] | undefined): string {
  if (!names) return "";
  for (const name of names)
    if (name === "" || name.includes(","))
      throw new Failure("config.invalid", `${option} has a name "${name}"`);
  return names.join(",");
}

/**
 * A TLS client without I/O (TLS 1.2, and 1.3 where mbedTLS has it): ciphertext goes in by `feed` and comes out by `take`,
 * both through bounded buffers. It never waits, so that a step of it costs at most one message of the handshake.
 *
 * What goes wrong on the way makes a call answer -1, and `failure` says what it was, with a `tls.…` code; `take` may then
 * hold the alert that tells the server why, and `close` frees the rest. Its methods are the natives themselves: a method
 * around one would cost as much as the native.
 */
export class TlsSession extends Native("xs_tls_session_destructor") {
  /**
   * Throws a Failure `identity.no-trust` without trust anchors, `config.invalid` for a suite or protocol that does not
   * exist, `tls.no-common-version` when `minVersion` is beyond the library, `tls.out-of-memory`.
   */
  constructor(options: TlsSessionOptions) {
    super();
    const minVersion: string = options.minVersion ?? "1.2";
    if (minVersion !== "1.2" && minVersion !== "1.3")
      throw new Failure("config.invalid", `minVersion ${minVersion}`);
    const isOpen = this.open(
      options.serverName,
      options.trust,
      options.identity,
      listed("alpn", options.alpn),
      listed("cipherSuites", options.cipherSuites),
      minVersion === "1.3" ? 13 : 12,
      options.now,
      options.maxVersion === "1.2" ? 12 : 13,
    );
    if (!isOpen) {
      const { failure } = this;
      this.close();
      throw failure;
    }
  }

  /**
   * Goes on with the handshake by at most one message. `stepReading`: feed more ciphertext first; `stepWriting`: step
   * again; `stepOpen`: application data may flow; `stepFailed`: see `failure`. Plus `stepSending`: `take` first.
   */
  step(): number {
    return native<() => number>("xs_tls_session_step").call(this);
  }

  /**
   * `step` with its way in and out, in one call: takes in what has arrived, steps, and gives TCP what there is for it.
   * Notes in `counts` what TCP holds and takes then, or that it threw. `stepAgain`: another turn; `stepReading`: when more
   * has arrived; `stepWriting`: when TCP takes more; `stepOpen` and `stepFailed` as from `step`; `stepBusy`: it is
   * TCP that asks, out of this very call.
   */
  turn(counts: TcpCounts, tcp: TcpSocket): number {
    return native<(counts: TcpCounts, tcp: TcpSocket) => number>(
      "xs_tls_session_turn",
    ).call(this, counts, tcp);
  }

  /** Why the session ended. */
  get failure(): Failure {
    return nativeFailure(this.failureText()) ?? new Failure("tls.internal");
  }

  /** Bytes of ciphertext that `feed` takes now. */
  get room(): number {
    return native<() => number>("xs_tls_session_room").call(this);
  }

  /** Gives ciphertext from the wire; returns how many bytes of it were taken. */
  feed(bytes: Bytes): number {
    return native<(bytes: Bytes) => number>("xs_tls_session_feed").call(
      this,
      bytes,
    );
  }

  /** Ciphertext for the wire, `limit` bytes at most; undefined when there is none. */
  take(limit: number): ArrayBuffer | undefined {
    return native<(limit: number) => ArrayBuffer | undefined>(
      "xs_tls_session_take",
    ).call(this, limit);
  }

  /** Bytes of ciphertext that wait for the wire. */
  get pending(): number {
    return native<() => number>("xs_tls_session_pending").call(this);
  }

  /** Takes what it has room for of the bytes that TCP holds; returns how many that still holds, -1 when it threw. */
  fill(tcp: TcpSocket, arrived: number): number {
    return native<(tcp: TcpSocket, arrived: number) => number>(
      "xs_tls_session_fill",
    ).call(this, tcp, arrived);
  }

  /** Gives TCP what there is for the wire, `room` bytes at most; returns how many may follow, -1 when it threw. */
  flush(tcp: TcpSocket, room: number): number {
    return native<(tcp: TcpSocket, room: number) => number>(
      "xs_tls_session_flush",
    ).call(this, tcp, room);
  }

  /** Bytes of plaintext that can be read now. 0: feed more; -1: the session ended. */
  get readable(): number {
    return native<() => number>("xs_tls_session_readable").call(this);
  }

  /** Moves plaintext into `into`, at most one record at a time; returns how many bytes, 0 when there is none, or -1. */
  read(into: Bytes): number {
    return native<(into: Bytes) => number>("xs_tls_session_read").call(
      this,
      into,
    );
  }

  /** Bytes of plaintext that `write` takes now. */
  get writable(): number {
    return native<() => number>("xs_tls_session_writable").call(this);
  }

  /**
   * Takes plaintext to send: all of it, or none (returns 0) when it is longer than `writable`; -1: the session ended.
   *
   * @param more true to keep it for the record of the next write, so that pieces of one message travel as one
   */
  write(from: Bytes, more?: boolean): number {
    return native<(from: Bytes, more?: boolean) => number>(
      "xs_tls_session_write",
    ).call(this, from, more);
  }

  /** Says goodbye (close_notify, for `take`) when the session is open, and frees it. Closing twice does nothing. */
  close(): void {
    native<() => void>("xs_tls_session_close").call(this);
  }

  /** What was agreed; there while the session is open. */
  get peer(): TlsPeer {
    const alpn = this.text(1);
    return {
      version: this.version() === 13 ? "1.3" : "1.2",
      cipherSuite: this.text(0),
      ...(alpn === "" ? {} : { alpn }),
      subject: this.text(2),
      issuer: this.text(3),
      notBefore: this.time(0),
      notAfter: this.time(1),
    };
  }

  // Not `#open` and so on: XS gives each object its own copy of each private method, at its construction.

  private open(
    serverName: string,
    trust: TrustAnchors,
    identity: Identity | undefined,
    alpn: string,
    suites: string,
    leastVersion: number,
    now: number,
    newestVersion: number,
  ): boolean {
    return native<
      (
        serverName: string,
        trust: TrustAnchors,
        identity: Identity | undefined,
        alpn: string,
        suites: string,
        leastVersion: number,
        now: number,
        newestVersion: number,
      ) => boolean
    >("xs_tls_session_open").call(
      this,
      serverName,
      trust,
      identity,
      alpn,
      suites,
      leastVersion,
      now,
      newestVersion,
    );
  }

  private failureText(): string {
    return native<() => string>("xs_tls_session_failure").call(this);
  }

  private text(what: number): string {
    return native<(what: number) => string>("xs_tls_session_text").call(
      this,
      what,
    );
  }

  private version(): number {
    return native<() => number>("xs_tls_session_version").call(this);
  }

  private time(which: number): number {
    return native<(which: number) => number>("xs_tls_session_time").call(
      this,
      which,
    );
  }
}
