import { Failure } from "../system/failure.js";
import type { Identity } from "../identity/identity.js";
import { nativeFailure } from "../identity/native-failure.js";
import type { TrustAnchors } from "../identity/trust-anchors.js";

/** Bytes as ECMA-419 takes them. */
export type Bytes = ArrayBuffer | Uint8Array;

/** What a session needs to know before it starts. */
export interface TlsSessionOptions {
  /** The server's DNS name in ASCII, sent as SNI and looked for in its certificate; or an IPv4 address, looked for only. */
  serverName: string;
  trust: TrustAnchors;
  /** Without one, a server that asks for a certificate gets none. */
  identity?: Identity;
  /** Application protocols in order of preference; the server must choose one of them. At most 4. */
  alpn?: string[];
  /**
   * Suites by OpenSSL's names (RFC 8446's for TLS 1.3), in order; only those that AWS lists. Those of a version that the
   * node's TLS library does not have are left out, and a version that has no suite here is not offered.
   */
  cipherSuites?: string[];
  minVersion?: "1.2" | "1.3";
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

/** What a session asks for next. */
export type TlsStep = "reading" | "writing" | "open";

/** Bytes of a text that the native takes. */
const textLimit = 255;

/** A list for the native; what does not fit is nothing that a server could have. */
function listed(option: string, names: string[] = []): string {
  const text = names.join(",");
  if (names.includes(""))
    throw new Failure("config.invalid", `${option} is empty`);
  if (ArrayBuffer.fromString(text).byteLength > textLimit)
    throw new Failure("config.invalid", `${option} is too long`);
  return text;
}

/**
 * A TLS client without I/O (TLS 1.2, and 1.3 where mbedTLS has it): ciphertext goes in by `feed` and comes out by `take`,
 * both through bounded buffers. It never waits, so that a step of it costs at most one message of the handshake.
 *
 * Everything that can go wrong on the way is thrown as a Failure with a `tls.…` code; after that, `take` may still hold
 * the alert that tells the server why, and `close` frees the rest.
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
    const open = this.#open(
      listed("serverName", [options.serverName]),
      options.trust,
      options.identity,
      listed("alpn", options.alpn),
      listed("cipherSuites", options.cipherSuites),
      minVersion === "1.3" ? 13 : 12,
      options.now,
      options.maxVersion === "1.2" ? 12 : 13,
    );
    if (!open) {
      const failure = this.#failure();
      this.close();
      throw failure;
    }
  }

  /**
   * Goes on with the handshake by at most one message. "reading": feed more ciphertext first; "writing": take what there
   * is for the wire, then step again; "open": application data may flow.
   */
  step(): TlsStep {
    switch (this.#step()) {
      case 0:
        return "reading";
      case 1:
        return "writing";
      case 2:
        return "open";
      default:
        throw this.#failure();
    }
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

  /** Moves ciphertext for the wire into `into`; returns how many bytes. */
  take(into: Uint8Array): number {
    return native<(into: Uint8Array) => number>("xs_tls_session_take").call(
      this,
      into,
    );
  }

  /** Bytes of ciphertext that wait for the wire. */
  get pending(): number {
    return native<() => number>("xs_tls_session_pending").call(this);
  }

  /** Bytes of plaintext that can be read now. 0: feed more. */
  get readable(): number {
    const count = this.#readable();
    if (count < 0) throw this.#failure();
    return count;
  }

  /** Moves plaintext into `into`; returns how many bytes, 0 when there is none. At most one record at a time. */
  read(into: Uint8Array): number {
    const count = this.#read(into);
    if (count < 0) throw this.#failure();
    return count;
  }

  /** Bytes of plaintext that `write` takes now. */
  get writable(): number {
    return native<() => number>("xs_tls_session_writable").call(this);
  }

  /**
   * Takes plaintext to send: all of it, or none (returns 0) when it is longer than `writable`.
   *
   * @param more true to keep it for the record of the next write, so that pieces of one message travel as one
   */
  write(from: Bytes, more?: boolean): number {
    const count = this.#write(from, more);
    if (count < 0) throw this.#failure();
    return count;
  }

  /** Says goodbye (close_notify, for `take`) when the session is open, and frees it. Closing twice does nothing. */
  close(): void {
    native<() => void>("xs_tls_session_close").call(this);
  }

  /** Valid while open. */
  get peer(): TlsPeer {
    const alpn = this.#text(1);
    return {
      version: this.#version() === 13 ? "1.3" : "1.2",
      cipherSuite: this.#text(0),
      ...(alpn === "" ? {} : { alpn }),
      subject: this.#text(2),
      issuer: this.#text(3),
      notBefore: this.#time(0),
      notAfter: this.#time(1),
    };
  }

  #failure(): Failure {
    return nativeFailure(this.#failureText()) ?? new Failure("tls.internal");
  }

  #open(
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

  #failureText(): string {
    return native<() => string>("xs_tls_session_failure").call(this);
  }

  #step(): number {
    return native<() => number>("xs_tls_session_step").call(this);
  }

  #readable(): number {
    return native<() => number>("xs_tls_session_readable").call(this);
  }

  #read(into: Uint8Array): number {
    return native<(into: Uint8Array) => number>("xs_tls_session_read").call(
      this,
      into,
    );
  }

  #write(from: Bytes, more: boolean | undefined): number {
    return native<(from: Bytes, more: boolean | undefined) => number>(
      "xs_tls_session_write",
    ).call(this, from, more);
  }

  #text(what: number): string {
    return native<(what: number) => string>("xs_tls_session_text").call(
      this,
      what,
    );
  }

  #version(): number {
    return native<() => number>("xs_tls_session_version").call(this);
  }

  #time(which: number): number {
    return native<(which: number) => number>("xs_tls_session_time").call(
      this,
      which,
    );
  }
}
