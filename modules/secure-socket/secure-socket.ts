import Timer from "timer";
import { Failure } from "../system/failure.js";
import type {
  SecureSocketOptions,
  WriteOptions,
} from "./secure-socket-options.js";
import type { ByteBuffer, TcpSocket } from "./tcp-socket.js";
import { TlsSession, type TlsPeer } from "./tls-session.js";

/** Time for TCP connection and handshake together, in ms: a slow chip on a slow link needs a few seconds. */
const defaultHandshakeTimeout = 30_000;
/** How long a closed socket waits for the other side before it lets go of TCP, in ms. */
const lingerTime = 1000;
/** Bytes moved at once between TCP and the session. */
const chunkSize = 1024;
/** Records given to the application before the event loop gets its turn. */
const recordsPerTurn = 8;

/**
 * TLS as an ECMA-419 TCP socket: what works over TCP works over this.
 *
 * States: `connecting` (TCP) → `handshake` → `open` → `closing` (the last bytes go out, what still comes in is dropped)
 * → `closed`. A turn of the event loop does at most one message of the handshake, and what it produced is on its way
 * before the next. Every failure is an `onError` with a Failure; nothing is thrown out of a callback of TCP.
 */
export class SecureSocket {
  /** As given to the constructor. */
  readonly target: unknown;
  readonly #options: SecureSocketOptions;
  readonly #chunk = new Uint8Array(chunkSize);
  #state: "connecting" | "handshake" | "open" | "closing" | "closed" =
    "connecting";
  #format: "buffer" | "number";
  #tcp: TcpSocket | undefined;
  #session: TlsSession | undefined;
  #peer: TlsPeer | undefined;
  /** Ciphertext that TCP holds for us. */
  #arrived = 0;
  /** Ciphertext that TCP takes now. */
  #room = 0;
  /** TCP has ended; what had arrived may still be here. */
  #ended = false;
  /** Plaintext that was announced to the application and not read yet. */
  #unread = 0;
  /** A turn is under way, so callbacks of the application need not start another. */
  #running = false;
  /** Plaintext that the application was last told it can write. */
  #told = 0;
  #turn: Timer | undefined;
  #limit: Timer | undefined;
  /** A failure that the application is about to hear of. */
  #notice: Timer | undefined;
  readonly #onTurn = () => {
    this.#turn = undefined;
    this.#run();
  };

  /** Starts to connect. What is wrong with the TLS options, too, is told by `onError`, before anything is sent. */
  constructor(options: SecureSocketOptions) {
    this.#options = options;
    this.#format = options.format ?? "buffer";
    this.target = options.target;
    const { secure } = options;
    try {
      this.#session = this.#openSession();
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
          this.#run();
        },
        onWritable: (count) => {
          this.#room = count;
          if (this.#state === "connecting") {
            this.#state = "handshake";
            secure.onConnected?.();
          }
          this.#run();
        },
        onError: (error) => {
          this.#endOfWire(error);
        },
      });
      this.#limit = Timer.set(() => {
        this.#limit = undefined;
        this.#fail(
          new Failure(
            this.#state === "connecting" ? "tcp.timed-out" : "tls.timed-out",
            this.#where,
          ),
        );
      }, secure.handshakeTimeout ?? defaultHandshakeTimeout);
    } catch (error) {
      // The caller does not have its socket yet, so it cannot be told now.
      this.#limit = Timer.set(() => {
        this.#limit = undefined;
        this.#fail(Failure.from(error, "tls.internal"));
      }, 0);
    }
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
      if (!options?.more) this.#flush(session);
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
    const wasConnected = this.#state !== "connecting";
    this.#state = "closing";
    this.#session?.close();
    if (wasConnected) this.#startClosing();
    else this.#finish();
  }

  get #where(): string {
    const { address, host, port } = this.#options;
    return `${host ?? address ?? ""}:${port}`;
  }

  #openSession(): TlsSession {
    const { secure, host, address } = this.#options;
    return new TlsSession({
      ...secure,
      serverName: secure.serverName ?? host ?? address ?? "",
      now: secure.now ? secure.now() : Date.now(),
    });
  }

  /** One turn: whatever can be done now, at most one message of the handshake. */
  #run(): void {
    if (this.#running) return;
    this.#running = true;
    try {
      if (this.#state === "handshake") this.#shakeHands();
      if (this.#state === "open") this.#exchange();
      if (this.#state === "closing") this.#linger();
    } finally {
      this.#running = false;
    }
  }

  /** Has the event loop start another turn. */
  #later(): void {
    this.#turn ??= Timer.set(this.#onTurn, 0);
  }

  #shakeHands(): void {
    const session = this.#session!;
    try {
      this.#fill(session);
      const step = session.step();
      const flushed = this.#flush(session);
      if (step === "open") this.#peer = session.peer;
      else {
        const canGoOn =
          step === "writing" ? flushed : this.#arrived > 0 && session.room > 0;
        if (canGoOn) this.#later();
        else if (step === "reading" && this.#ended)
          this.#fail(new Failure("tls.truncated", "during the handshake"));
        return;
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    Timer.clear(this.#limit);
    this.#limit = undefined;
    this.#state = "open";
    this.#options.secure.onSecured?.(this.#peer);
    this.#tellWritable(session);
  }

  /** Both directions of an open connection, until nothing more can be done or the event loop should have its turn. */
  #exchange(): void {
    const session = this.#session!;
    this.#flush(session);
    // What the application leaves unread it reads when it can; until then nothing more is taken in.
    for (let records = 0; this.#unread === 0; records++) {
      const readable = this.#receive(session);
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
  #receive(session: TlsSession): number {
    try {
      for (;;) {
        const readable = session.readable;
        if (readable > 0) return readable;
        const before = this.#arrived;
        this.#fill(session);
        if (this.#arrived === before && session.readable === 0) break;
      }
      this.#flush(session);
    } catch (error) {
      this.#flushQuietly(session);
      this.#fail(error);
      return -1;
    }
    if (!this.#ended) return 0;
    this.#fail(new Failure("tls.truncated"));
    return -1;
  }

  #tellWritable(session: TlsSession): void {
    const writable = session.writable;
    if (writable <= this.#told) return;
    this.#told = writable;
    this.#options.onWritable?.call(this, writable);
  }

  /** Moves ciphertext from TCP into the session, as much as it has room for. */
  #fill(session: TlsSession): void {
    while (this.#arrived > 0) {
      const count = Math.min(this.#arrived, session.room, chunkSize);
      if (count === 0) return;
      const bytes = this.#part(count);
      const read = numberOr(this.#tcp!.read(bytes), count);
      if (read === 0) {
        this.#arrived = 0;
        return;
      }
      this.#arrived -= read;
      session.feed(read === count ? bytes : this.#part(read));
    }
  }

  /** Moves ciphertext from the session to TCP; true when none is left. */
  #flush(session: TlsSession): boolean {
    while (this.#room > 0 && !this.#ended) {
      const count = session.take(this.#part(Math.min(this.#room, chunkSize)));
      if (count === 0) return true;
      this.#room = numberOr(
        this.#tcp!.write(this.#part(count)),
        this.#room - count,
      );
    }
    // Nobody is there to hear the rest.
    while (this.#ended && session.take(this.#chunk) > 0);
    return session.pending === 0;
  }

  #flushQuietly(session: TlsSession): void {
    try {
      this.#flush(session);
    } catch {
      // TCP is gone, and the reason is about to be told.
      this.#ended = true;
    }
  }

  #part(count: number): Uint8Array {
    return count === chunkSize
      ? this.#chunk
      : new Uint8Array(this.#chunk.buffer, 0, count);
  }

  #endOfWire(error: unknown): void {
    this.#ended = true;
    if (this.#state === "connecting")
      this.#fail(
        error instanceof Failure
          ? error
          : new Failure("tcp.unreachable", this.#where),
      );
    else this.#run();
  }

  /** The connection ends here: the server gets the alert, the application the reason. */
  #fail(error: unknown): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    const failure = Failure.from(error, "tls.internal");
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
   * resets the connection, and the other side may then never see why.
   */
  #linger(): void {
    const session = this.#session;
    try {
      if (session && this.#flush(session)) {
        session.close();
        this.#session = undefined;
      }
      while (this.#arrived > 0) {
        const bytes = this.#part(Math.min(this.#arrived, chunkSize));
        const read = numberOr(this.#tcp!.read(bytes), bytes.byteLength);
        this.#arrived = read === 0 ? 0 : this.#arrived - read;
      }
    } catch {
      this.#ended = true;
    }
    if (this.#ended || !this.#tcp) this.#finish();
  }

  #finish(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    Timer.clear(this.#limit);
    Timer.clear(this.#turn);
    this.#limit = this.#turn = undefined;
    this.#session?.close();
    this.#session = undefined;
    this.#tcp?.close();
    this.#tcp = undefined;
  }
}

/** What a TCP class returned, or what it must have meant when it returned nothing. */
function numberOr(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

function bytesOf(data: ByteBuffer): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data))
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array(data);
}
