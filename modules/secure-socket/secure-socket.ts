import Timer from "timer";
import { Failure } from "../system/failure.js";
import { HandshakePermit } from "./handshake-permit.js";
import type {
  SecureSocketOptions,
  WriteOptions,
} from "./secure-socket-options.js";
import type { ByteBuffer } from "./tcp-socket.js";
import { TlsSession, type TlsPeer } from "./tls-session.js";
import { Wire } from "./wire.js";

/** Time for TCP connection and handshake together, in ms: a slow chip on a slow link needs a few seconds. */
const defaultHandshakeTimeout = 30_000;
/** How long a closed socket waits for the other side before it lets go of TCP, in ms. */
const lingerTime = 1000;
/** Records given to the application before the event loop gets its turn. */
const recordsPerTurn = 8;

/** The server that was last found to have TLS 1.2 only, and to need to be offered no more (see `#isTooNew`). */
let olderServer: string | undefined;

/**
 * TLS as an ECMA-419 TCP socket: what works over TCP works over this.
 *
 * States: `waiting` (another socket makes its handshake) → `connecting` (TCP) → `handshake` → `open` → `closing` (the
 * last bytes go out, what still comes in is dropped) → `closed`. A turn of the event loop does at most one message of the
 * handshake, and what it produced is on its way before the next. Every failure is an `onError` with a Failure; nothing is
 * thrown out of a callback of TCP.
 */
export class SecureSocket {
  /** As given to the constructor. */
  readonly target: unknown;
  readonly #options: SecureSocketOptions;
  readonly #permit: HandshakePermit;
  #state:
    "waiting" | "connecting" | "handshake" | "open" | "closing" | "closed" =
    "waiting";
  #format: "buffer" | "number";
  #wire: Wire | undefined;
  #session: TlsSession | undefined;
  #peer: TlsPeer | undefined;
  /** Plaintext that was announced to the application and not read yet. */
  #unread = 0;
  /** A turn is under way, so callbacks of the application need not start another. */
  #running = false;
  /** Plaintext that the application was last told it can write. */
  #told = 0;
  #turn: Timer | undefined;
  #limit: Timer | undefined;
  /** Why TLS 1.3 is no longer offered. */
  #withoutTls13: Failure | undefined;
  /** A failure that the application is about to hear of. */
  #notice: Timer | undefined;
  readonly #onTurn = () => {
    this.#turn = undefined;
    this.#run();
  };

  /**
   * Starts to connect, or waits until the handshakes of others are done. What is wrong with the TLS options, too, is told
   * by `onError`, before anything is sent.
   */
  constructor(options: SecureSocketOptions) {
    this.#options = options;
    this.#format = options.format ?? "buffer";
    this.target = options.target;
    this.#permit = new HandshakePermit(() => this.#later());
    if (this.#permit.isHeld) this.#begin();
    else this.#startLimit();
  }

  /** How `read` gives and `write` takes data: buffers, or single bytes as numbers. */
  get format(): "buffer" | "number" {
    return this.#format;
  }

  set format(format: "buffer" | "number") {
    this.#format = format;
  }

  /** What the handshake agreed on and who answered; undefined before it is done. */
  get peer(): TlsPeer | undefined {
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
    if (this.#state !== "open" || !session || this.#unread === 0)
      return undefined;
    if (this.#format === "number") {
      const byte = new Uint8Array(1);
      return this.#readInto(session, byte) === 1 ? byte[0] : undefined;
    }
    if (typeof request === "object")
      return this.#readInto(session, bytesOf(request));
    const bytes = new Uint8Array(
      Math.min(request ?? this.#unread, this.#unread),
    );
    return this.#readInto(session, bytes) === undefined
      ? undefined
      : bytes.buffer;
  }

  #readInto(session: TlsSession, bytes: Uint8Array): number | undefined {
    try {
      const count = session.read(bytes);
      this.#unread -= count;
      // The record is used up: what waits in TCP can go on.
      if (this.#unread === 0 && !this.#running) this.#later();
      return count;
    } catch (error) {
      this.#failLater(error);
      return undefined;
    }
  }

  /**
   * Sends data, all of it; returns how many bytes may follow. Throws a RangeError when the data is longer than what may
   * be written, and takes none of it then.
   */
  write(data: number | ByteBuffer, options?: WriteOptions): number {
    const session = this.#session;
    if (this.#state !== "open" || !session) return 0;
    const bytes =
      typeof data === "number" ? Uint8Array.of(data) : bytesOf(data);
    try {
      if (session.write(bytes, options?.more) < bytes.byteLength)
        throw new RangeError("would block");
      if (!options?.more) this.#wire?.flush(session);
      return (this.#told = session.writable);
    } catch (error) {
      if (error instanceof RangeError) throw error;
      this.#failLater(error);
      return 0;
    }
  }

  /** Ends the connection properly (close_notify). No callback comes any more. Closing again does nothing. */
  close(): void {
    Timer.clear(this.#notice);
    this.#notice = undefined;
    if (this.#state === "closed" || this.#state === "closing") return;
    this.#state = "closing";
    this.#session?.close();
    if (this.#wire?.isConnected) this.#startClosing();
    else this.#finish();
  }

  get #where(): string {
    const { address, host, port } = this.#options;
    return `${host ?? address ?? ""}:${port}`;
  }

  /** It is this socket's turn: opens the session, so that the memory for it is taken now and not while waiting. */
  #begin(): void {
    this.#state = "connecting";
    this.#startLimit();
    try {
      this.#session = this.#openSession();
      this.#wire = new Wire(this.#options, () => this.#run());
    } catch (error) {
      // The caller may not have its socket yet, so it cannot be told now.
      this.#failLater(
        Failure.from(error, this.#session ? "tcp.unreachable" : "tls.internal"),
      );
    }
  }

  #startLimit(): void {
    Timer.clear(this.#limit);
    this.#limit = Timer.set(() => {
      this.#limit = undefined;
      const code =
        this.#state === "waiting"
          ? "tls.busy"
          : this.#state === "connecting"
            ? "tcp.timed-out"
            : "tls.timed-out";
      this.#fail(new Failure(code, this.#where));
    }, this.#options.secure.handshakeTimeout ?? defaultHandshakeTimeout);
  }

  #openSession(): TlsSession {
    const { secure, host, address } = this.#options;
    return new TlsSession({
      ...secure,
      serverName: secure.serverName ?? host ?? address ?? "",
      now: secure.now ? secure.now() : Date.now(),
      maxVersion:
        this.#withoutTls13 || olderServer === this.#where ? "1.2" : "1.3",
    });
  }

  /** One turn: whatever can be done now, at most one message of the handshake. */
  #run(): void {
    if (this.#running) return;
    this.#running = true;
    try {
      if (this.#state === "waiting" && this.#permit.isHeld) this.#begin();
      if (this.#state === "connecting" && this.#wire) this.#connect(this.#wire);
      if (this.#state === "handshake") this.#shakeHands(this.#wire!);
      if (this.#state === "open") this.#exchange(this.#wire!);
      if (this.#state === "closing") this.#linger();
    } finally {
      this.#running = false;
    }
  }

  /** Has the event loop start another turn. */
  #later(): void {
    this.#turn ??= Timer.set(this.#onTurn, 0);
  }

  #connect(wire: Wire): void {
    if (wire.hasEnded) {
      const { error } = wire;
      this.#fail(
        error instanceof Failure
          ? error
          : new Failure("tcp.unreachable", this.#where),
      );
    } else if (wire.isConnected) {
      this.#state = "handshake";
      this.#options.secure.onConnected?.();
    }
  }

  #shakeHands(wire: Wire): void {
    const session = this.#session!;
    try {
      wire.fill(session);
      const step = session.step();
      wire.flush(session);
      if (step === "open") this.#peer = session.peer;
      else {
        const canGoOn =
          step === "writing"
            ? session.pending === 0
            : wire.hasArrived && session.room > 0;
        if (canGoOn) this.#later();
        else if (step === "reading" && wire.hasEnded)
          this.#fail(new Failure("tls.truncated", "during the handshake"));
        return;
      }
    } catch (error) {
      if (this.#isTooNew(error)) this.#connectWithoutTls13(wire, error);
      else this.#fail(error);
      return;
    }
    Timer.clear(this.#limit);
    this.#limit = undefined;
    if (this.#withoutTls13) olderServer = this.#where;
    this.#state = "open";
    this.#permit.release();
    this.#options.secure.onSecured?.(this.#peer);
    this.#tellWritable(session);
  }

  /**
   * Whether the server chose TLS 1.2 and then signed by RSA-PSS. Whoever offers TLS 1.3 offers that too, and many servers
   * prefer it, but mbedTLS 3.6 and 4.x refuse it in TLS 1.2. Without TLS 1.3 they do not offer it.
   */
  #isTooNew(error: unknown): error is Failure {
    return (
      error instanceof Failure &&
      error.code === "tls.no-common-signature" &&
      !this.#withoutTls13 &&
      this.#options.secure.minVersion !== "1.3"
    );
  }

  #connectWithoutTls13(wire: Wire, failure: Failure): void {
    this.#withoutTls13 = failure;
    wire.flush(this.#session!);
    wire.close();
    this.#session?.close();
    this.#wire = this.#session = undefined;
    this.#begin();
  }

  /** Both directions of an open connection, until nothing more can be done or the event loop should have its turn. */
  #exchange(wire: Wire): void {
    const session = this.#session!;
    wire.flush(session);
    // What the application leaves unread it reads when it can; until then nothing more is taken in.
    for (let records = 0; this.#unread === 0; records++) {
      const readable = this.#receive(wire, session);
      if (readable <= 0) break;
      if (records === recordsPerTurn) {
        this.#later();
        break;
      }
      this.#unread = readable;
      this.#options.onReadable?.call(this, readable);
      if (this.#state !== "open") return;
    }
    if (this.#state === "open") this.#tellWritable(session);
  }

  /** Plaintext that can be read, after taking in as much ciphertext as there is room for; -1 when the session ended. */
  #receive(wire: Wire, session: TlsSession): number {
    try {
      // The session may stop at a full buffer of either side, so it is asked again until no byte moves any more.
      for (;;) {
        const readable = session.readable;
        if (readable > 0) return readable;
        if (wire.fill(session) + wire.flush(session) === 0) break;
      }
    } catch (error) {
      wire.flush(session);
      this.#fail(error);
      return -1;
    }
    if (!wire.hasEnded) return 0;
    this.#fail(new Failure("tls.truncated"));
    return -1;
  }

  #tellWritable(session: TlsSession): void {
    const writable = session.writable;
    if (writable <= this.#told) return;
    this.#told = writable;
    this.#options.onWritable?.call(this, writable);
  }

  /** The connection ends here: the server gets the alert, the application the reason. */
  #fail(error: unknown): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    let failure = Failure.from(error, "tls.internal");
    // Nothing in common once the signature of before is not offered: that was the reason.
    if (failure.code === "tls.no-common-suite" && this.#withoutTls13)
      failure = this.#withoutTls13;
    this.#state = "closing";
    this.#startClosing();
    this.#options.onError?.call(this, failure);
  }

  /** Ends the connection from inside a call of the application, which hears of it after that call. */
  #failLater(error: unknown): void {
    const { onError } = this.#options;
    if (this.#state === "closing" || this.#state === "closed") return;
    this.#state = "closing";
    this.#startClosing();
    this.#notice = Timer.set(() => {
      this.#notice = undefined;
      onError?.call(this, Failure.from(error, "tls.internal"));
    });
  }

  #startClosing(): void {
    Timer.clear(this.#limit);
    this.#limit = Timer.set(() => {
      this.#limit = undefined;
      this.#finish();
    }, lingerTime);
    this.#linger();
  }

  /**
   * Sends what is left, an alert or a close_notify, and drops what still comes in: TCP that is closed with unread data
   * resets the connection, and the other side may then never see why. The end of TCP is awaited, by which the server
   * answers a close_notify, for `lingerTime` at most.
   */
  #linger(): void {
    const wire = this.#wire?.isConnected ? this.#wire : undefined;
    if (this.#session) {
      wire?.flush(this.#session);
      if (!wire || this.#session.pending === 0) {
        this.#session.close();
        this.#session = undefined;
        this.#permit.release();
      }
    }
    wire?.drain();
    if (!wire || wire.hasEnded) this.#finish();
  }

  #finish(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    Timer.clear(this.#limit);
    Timer.clear(this.#turn);
    this.#limit = this.#turn = undefined;
    this.#session?.close();
    this.#session = undefined;
    this.#permit.release();
    this.#wire?.close();
    this.#wire = undefined;
  }
}

function bytesOf(data: ByteBuffer): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data))
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array(data);
}
