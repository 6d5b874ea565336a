import Timer from "timer";
import { Failure } from "../system/failure.js";
import { HandshakePermit } from "./handshake-permit.js";
import type {
  SecureSocketOptions,
  WriteOptions,
} from "./secure-socket-options.js";
import type { ByteBuffer } from "./tcp-socket.js";
import {
  stepAgain,
  stepFailed,
  stepOpen,
  stepReading,
  stepWriting,
  TlsSession,
  type TlsPeer,
} from "./tls-session.js";
import { Wire } from "./wire.js";

/** Time for TCP connection and handshake together, in ms: a slow chip on a slow link needs a few seconds. */
const defaultHandshakeTimeout = 30_000;
/** How long a closed socket waits for the other side before it lets go of TCP, in ms. */
const lingerTime = 1000;
/** A turn's timer is not let go before the end: it rests for so many ms, until it is wanted again. */
const resting = 0x3fffffff;
/** Records given to the application before the event loop gets its turn. */
const recordsPerTurn = 8;

/** The states of a socket, in their order. Numbers, because each turn of the event loop compares them. */
const waiting = 0;
const connecting = 1;
const shaking = 2;
const open = 3;
const closing = 4;
const closed = 5;

/** The server that was last found to have TLS 1.2 only, and to need to be offered no more (see `isTooNew`). */
let olderServer: string | undefined;

/**
 * TLS as an ECMA-419 TCP socket: what works over TCP works over this.
 *
 * States: `waiting` (another socket makes its handshake) → `connecting` (TCP) → `shaking` → `open` → `closing` (the last
 * bytes go out, what still comes in is dropped) → `closed`. A turn of the event loop does at most one message of the
 * handshake, and what it produced is on its way before the next. Every failure is an `onError` with a Failure; nothing is
 * thrown out of a callback of TCP.
 */
export class SecureSocket {
  /** As given to the constructor. */
  readonly target: unknown;
  // XS looks for a field from the first to the last: those of every turn come first.
  #state = waiting;
  #wire: Wire | undefined;
  #session: TlsSession | undefined;
  /**
   * One turn: whatever can be done now, at most one message of the handshake. Its own way, with no call but the native's,
   * is that of a message after which the next can follow at once: it is gone some ten times in each handshake.
   */
  readonly #onTurn = (timer?: Timer) => {
    if (this.#state === shaking || this.goOn(timer)) {
      // What TCP calls out of this comes back as a turn inside the turn, and gets `stepBusy`.
      const wire = this.#wire!;
      const step = this.#session!.turn(wire, wire.tcp);
      if (step === stepAgain)
        Timer.schedule(
          timer === this.#tick ? this.#tock! : this.#tick!,
          0,
          resting,
        );
      else this.shakeHands(step, timer);
    }
  };
  /**
   * Each brings the next turn while the other fires: a timer of the SDK's on Linux that is scheduled by its own callback
   * fires for ever, also after it was cleared.
   */
  #tick: Timer | undefined = Timer.set(this.#onTurn, resting, resting);
  #tock: Timer | undefined = Timer.set(this.#onTurn, resting, resting);
  /**
   * A turn is under way that may call the application, whose callbacks need not start another: the timer that brought it,
   * or true.
   */
  #running: Timer | boolean = false;
  readonly #options: SecureSocketOptions;
  readonly #permit: HandshakePermit;
  #format: "buffer" | "number";
  #peer: TlsPeer | undefined;
  /** Plaintext that was announced to the application and not read yet. */
  #unread = 0;
  /** Plaintext that the application was last told it can write. */
  #told = 0;
  #limit: Timer | undefined;
  /** Why TLS 1.3 is no longer offered. */
  #withoutTls13: Failure | undefined;
  /** A failure that the application is about to hear of. */
  #notice: Timer | undefined;

  // Methods that are not for others are `private` instead of `#`: XS gives each object its own copy of each of the latter.

  /**
   * Starts to connect, or waits until the handshakes of others are done. What is wrong with the TLS options, too, is told
   * by `onError`, before anything is sent.
   */
  constructor(options: SecureSocketOptions) {
    this.#options = options;
    this.#format = options.format ?? "buffer";
    this.target = options.target;
    this.#permit = new HandshakePermit(() => this.later());
    if (this.#permit.isHeld) this.begin();
    else this.startLimit();
  }

  /** How `read` gives and `write` takes data: buffers, or single bytes as numbers. */
  get format(): "buffer" | "number" {
    return this.#format;
  }

  set format(format: "buffer" | "number") {
    this.#format = format;
  }

  /**
   * What the handshake agreed on and who answered. Undefined before it is done; and after the end of the connection, when
   * nobody asked before.
   */
  get peer(): TlsPeer | undefined {
    if (this.#state === open) this.#peer ??= this.#session?.peer;
    return this.#peer;
  }

  /**
   * Reads what `onReadable` announced: all of it, `count` bytes at most, or into a buffer (returns how many bytes).
   * With the format "number", one byte. Undefined when there is nothing.
   */
  read(count?: number): ArrayBuffer | number | undefined;
  read(buffer: ByteBuffer): number | undefined;
  read(request?: number | ByteBuffer): ArrayBuffer | number | undefined {
    const session = this.#session;
    if (this.#state !== open || !session || this.#unread === 0)
      return undefined;
    if (this.#format === "number") {
      const byte = new Uint8Array(1);
      return this.readInto(session, byte) === 1 ? byte[0] : undefined;
    }
    if (typeof request === "object") return this.readInto(session, request);
    const bytes = new ArrayBuffer(
      Math.min(request ?? this.#unread, this.#unread),
    );
    return this.readInto(session, bytes) === undefined ? undefined : bytes;
  }

  private readInto(session: TlsSession, bytes: ByteBuffer): number | undefined {
    const count = session.read(bytes);
    if (count < 0) {
      this.failLater(session.failure);
      return undefined;
    }
    this.#unread -= count;
    // The record is used up: what waits in TCP can go on.
    if (this.#unread === 0 && !this.#running) this.later();
    return count;
  }

  /**
   * Sends data, all of it; returns how many bytes may follow. Throws a RangeError when the data is longer than what may
   * be written, and takes none of it then.
   */
  write(data: number | ByteBuffer, options?: WriteOptions): number {
    const session = this.#session;
    if (this.#state !== open || !session) return 0;
    const bytes = typeof data === "number" ? Uint8Array.of(data) : data;
    const more = options?.more;
    const count = session.write(bytes, more);
    if (count < 0) {
      this.failLater(session.failure);
      return 0;
    }
    if (count === 0 && bytes.byteLength > 0)
      throw new RangeError("would block");
    if (!more) this.#wire!.flush(session);
    return (this.#told = session.writable);
  }

  /** Ends the connection properly (close_notify). No callback comes any more. Closing again does nothing. */
  close(): void {
    Timer.clear(this.#notice);
    this.#notice = undefined;
    if (this.#state === closed || this.#state === closing) return;
    this.#state = closing;
    this.#session?.close();
    if (this.#wire?.isConnected) this.startClosing();
    else this.finish();
  }

  private get where(): string {
    const { address, host, port } = this.#options;
    return `${host ?? address ?? ""}:${port}`;
  }

  /** It is this socket's turn: opens the session, so that the memory for it is taken now and not while waiting. */
  private begin(): void {
    this.#state = connecting;
    this.startLimit();
    try {
      this.#session = this.openSession();
      this.#wire = new Wire(this.#options, this.#onTurn);
    } catch (error) {
      // The caller may not have its socket yet, so it cannot be told now.
      this.failLater(
        Failure.from(error, this.#session ? "tcp.unreachable" : "tls.internal"),
      );
    }
  }

  private startLimit(): void {
    Timer.clear(this.#limit);
    this.#limit = Timer.set(() => {
      this.#limit = undefined;
      const code =
        this.#state === waiting
          ? "tls.busy"
          : this.#state === connecting
            ? "tcp.timed-out"
            : "tls.timed-out";
      this.fail(new Failure(code, this.where));
    }, this.#options.secure.handshakeTimeout ?? defaultHandshakeTimeout);
  }

  private openSession(): TlsSession {
    const { secure, host, address } = this.#options;
    const isOld =
      this.#withoutTls13 ?? (olderServer && olderServer === this.where);
    return new TlsSession({
      serverName: secure.serverName ?? host ?? address ?? "",
      trust: secure.trust,
      identity: secure.identity,
      alpn: secure.alpn,
      cipherSuites: secure.cipherSuites,
      minVersion: secure.minVersion,
      maxVersion: isOld ? "1.2" : "1.3",
      now: secure.now ? secure.now() : Date.now(),
    });
  }

  /** Has the event loop start another turn. */
  private later(): void {
    const timer = this.#running === this.#tick ? this.#tock : this.#tick;
    if (timer) Timer.schedule(timer, 0, resting);
  }

  /** A turn outside of the handshake; true when that begins now. */
  private goOn(timer: Timer | undefined): boolean {
    if (this.#running) return false;
    const state = this.#state;
    let begins = false;
    // An exception, which only the application can throw, ends the machine: nothing has to be put right after it.
    this.#running = timer ?? true;
    if (state === open) this.exchange(this.#wire!, this.#session!);
    else if (state === connecting) begins = this.connect(this.#wire!);
    else if (state === closing) this.linger();
    else if (state === waiting && this.#permit.isHeld) this.begin();
    this.#running = false;
    return begins;
  }

  /** True when there is a connection. */
  private connect(wire: Wire): boolean {
    if (wire.isConnected && !wire.hasEnded) {
      this.#state = shaking;
      this.#options.secure.onConnected?.();
      return this.#state === shaking;
    }
    if (wire.hasEnded) {
      const { error } = wire;
      this.fail(
        error instanceof Failure
          ? error
          : new Failure("tcp.unreachable", this.where),
      );
    }
    return false;
  }

  /** The handshake waits for the server or for TCP, or is over: which, `step` says. */
  private shakeHands(step: number, timer: Timer | undefined): void {
    if (this.#running) {
      this.later();
      return;
    }
    const wire = this.#wire!;
    const session = this.#session!;
    this.#running = timer ?? true;
    if (step === stepReading) {
      if (wire.hasEnded)
        this.fail(new Failure("tls.truncated", "during the handshake"));
    } else if (step === stepWriting) {
      // Where TCP is full it tells when it takes more; where it has ended, what had arrived still counts.
      if (wire.hasEnded && wire.flush(session)) this.later();
    } else if (step === stepOpen) this.enter(wire, session);
    else if (step === stepFailed) {
      if (this.isTooNew(session.failure))
        this.connectWithoutTls13(wire, session);
      else this.fail(session.failure);
    }
    this.#running = false;
  }

  /** The handshake is done. */
  private enter(wire: Wire, session: TlsSession): void {
    Timer.clear(this.#limit);
    this.#limit = undefined;
    if (this.#withoutTls13) olderServer = this.where;
    this.#state = open;
    this.#permit.release();
    this.#options.secure.onSecured?.(this.peer!);
    this.tellWritable(session);
    if (this.#state === open) this.exchange(wire, session);
  }

  /**
   * Whether the server chose TLS 1.2 and then signed by RSA-PSS. Whoever offers TLS 1.3 offers that too, and many servers
   * prefer it, but mbedTLS 3.6 and 4.x refuse it in TLS 1.2. Without TLS 1.3 they do not offer it.
   */
  private isTooNew(failure: Failure): boolean {
    return (
      failure.code === "tls.no-common-signature" &&
      !this.#withoutTls13 &&
      this.#options.secure.minVersion !== "1.3"
    );
  }

  private connectWithoutTls13(wire: Wire, session: TlsSession): void {
    this.#withoutTls13 = session.failure;
    wire.flush(session);
    wire.close();
    session.close();
    this.#wire = this.#session = undefined;
    this.begin();
  }

  /** Both directions of an open connection, until nothing more can be done or the event loop should have its turn. */
  private exchange(wire: Wire, session: TlsSession): void {
    wire.flush(session);
    // What the application leaves unread it reads when it can; until then nothing more is taken in.
    for (let records = 0; this.#unread === 0; records++) {
      const readable = this.receive(wire, session);
      if (readable <= 0) break;
      if (records === recordsPerTurn) {
        this.later();
        break;
      }
      this.#unread = readable;
      this.#options.onReadable?.call(this, readable);
      if (this.#state !== open) return;
    }
    if (this.#state === open) this.tellWritable(session);
  }

  /** Plaintext that can be read, after taking in as much ciphertext as there is room for; -1 when the session ended. */
  private receive(wire: Wire, session: TlsSession): number {
    let readable: number;
    // The session may stop at a full buffer of either side, so it is asked again as long as bytes move.
    while ((readable = session.readable) === 0)
      if (
        wire.fill(session) === 0 &&
        (session.pending === 0 || !wire.flush(session))
      )
        break;
    if (readable < 0) {
      wire.flush(session);
      this.fail(session.failure);
    } else if (readable === 0 && wire.hasEnded) {
      this.fail(new Failure("tls.truncated"));
      return -1;
    }
    return readable;
  }

  private tellWritable(session: TlsSession): void {
    const writable = session.writable;
    if (writable <= this.#told) return;
    this.#told = writable;
    this.#options.onWritable?.call(this, writable);
  }

  /** The connection ends here: the server gets the alert, the application the reason. */
  private fail(error: unknown): void {
    if (this.#state === closing || this.#state === closed) return;
    let failure = Failure.from(error, "tls.internal");
    // Nothing in common once the signature of before is not offered: that was the reason.
    if (failure.code === "tls.no-common-suite" && this.#withoutTls13)
      failure = this.#withoutTls13;
    this.#state = closing;
    this.startClosing();
    this.#options.onError?.call(this, failure);
  }

  /** Ends the connection from inside a call of the application, which hears of it after that call. */
  private failLater(error: unknown): void {
    const { onError } = this.#options;
    if (this.#state === closing || this.#state === closed) return;
    this.#state = closing;
    this.startClosing();
    this.#notice = Timer.set(() => {
      this.#notice = undefined;
      onError?.call(this, Failure.from(error, "tls.internal"));
    });
  }

  private startClosing(): void {
    Timer.clear(this.#limit);
    this.#limit = Timer.set(() => {
      this.#limit = undefined;
      this.finish();
    }, lingerTime);
    this.linger();
  }

  /**
   * Sends what is left, an alert or a close_notify, and drops what still comes in: TCP that is closed with unread data
   * resets the connection, and the other side may then never see why. The end of TCP is awaited, by which the server
   * answers a close_notify, for `lingerTime` at most.
   */
  private linger(): void {
    const wire = this.#wire?.isConnected ? this.#wire : undefined;
    const session = this.#session;
    if (session && (!wire || wire.flush(session))) {
      session.close();
      this.#session = undefined;
      this.#permit.release();
    }
    wire?.drain();
    if (!wire || wire.hasEnded) this.finish();
  }

  private finish(): void {
    if (this.#state === closed) return;
    this.#state = closed;
    Timer.clear(this.#limit);
    Timer.clear(this.#tick);
    Timer.clear(this.#tock);
    this.#limit = this.#tick = this.#tock = undefined;
    this.#session?.close();
    this.#session = undefined;
    this.#permit.release();
    this.#wire?.close();
    this.#wire = undefined;
  }
}
