import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** Judges a client's certificate (DER), or that it showed none. @returns why it is refused, in words; undefined lets it pass */
export type JudgeCertificate = (der: Buffer | undefined) => string | undefined;

/** Numbers of TLS that the gate looks at: record types, a handshake message, alerts (RFC 5246 section 7). */
const handshake = 22;
const certificateMessage = 11;
const alert = { handshakeFailure: 40, certificateUnknown: 46 } as const;
/** Bytes of handshake messages that are looked at; a client with more is let through, and judged at its CONNECT. */
const handshakeLimit = 65_536;

/**
 * Stands between a TCP socket and Node's TLS, looks at the client's Certificate message of TLS 1.2, which is in the clear, and
 * refuses one that is no good by a fatal alert in the handshake: 46 `certificate_unknown`, or 40 `handshake_failure` when
 * none was shown. Node's TLS lets any certificate through its handshake, so it cannot send these itself; and in TLS 1.3
 * nobody outside of it could, because there everything after ServerHello is encrypted.
 */
export class CertificateGate extends Duplex {
  readonly #socket: Socket;
  readonly #judge: JudgeCertificate;
  readonly #onRefused: (reason: string, alert: number) => void;
  /** Bytes of a record that is not whole yet, then those of a handshake message. */
  #records: Buffer = Buffer.alloc(0);
  #messages: Buffer = Buffer.alloc(0);
  #open = false;

  constructor(
    socket: Socket,
    judge: JudgeCertificate,
    onRefused: (reason: string, alert: number) => void,
  ) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#judge = judge;
    this.#onRefused = onRefused;
    socket.on("data", (bytes: Buffer) => this.#received(bytes));
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(
    bytes: Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    this.#socket.write(bytes, done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(
    error: Error | null,
    done: (error: Error | null) => void,
  ): void {
    // A refusal ends the socket by itself, once its alert is written.
    if (!this.#socket.writableEnded) this.#socket.destroy();
    done(error);
  }

  #received(bytes: Buffer): void {
    if (!this.#open) {
      this.#records = Buffer.concat([this.#records, bytes]);
      const certificate = this.#certificate();
      if (certificate !== undefined) {
        this.#open = true;
        const der = certificate.length > 0 ? certificate : undefined;
        const flaw = this.#judge(der);
        if (flaw !== undefined) {
          this.#refuse(flaw, der !== undefined);
          return;
        }
      }
    }
    if (!this.push(bytes)) this.#socket.pause();
  }

  /** The certificate once its message is whole; empty when there is none in it. Opens the gate where nothing is to be seen. */
  #certificate(): Buffer | undefined {
    while (this.#records.length >= 5) {
      const end = 5 + this.#records.readUInt16BE(3);
      if (this.#records[0] !== handshake) this.#open = true;
      if (this.#records.length < end || this.#open) return undefined;
      const part = this.#records.subarray(5, end);
      this.#messages = Buffer.concat([this.#messages, part]);
      this.#records = this.#records.subarray(end);
      while (this.#messages.length >= 4) {
        const size = 4 + this.#messages.readUIntBE(1, 3);
        if (size > handshakeLimit) this.#open = true;
        if (this.#messages.length < size || this.#open) break;
        const message = this.#messages.subarray(0, size);
        this.#messages = this.#messages.subarray(size);
        if (message[0] === certificateMessage) return firstOf(message);
      }
    }
    return undefined;
  }

  #refuse(reason: string, shown: boolean): void {
    const number = shown ? alert.certificateUnknown : alert.handshakeFailure;
    this.#socket.removeAllListeners("data");
    this.#socket.resume();
    this.#socket.end(Buffer.from([21, 3, 3, 0, 2, 2, number]));
    setTimeout(() => this.#socket.destroy(), 1_000).unref();
    this.#onRefused(reason, number);
  }
}

/** The first certificate of a Certificate message (RFC 5246 section 7.4.2): type, length, length of the list, then each. */
function firstOf(message: Buffer): Buffer {
  if (message.length < 10) return Buffer.alloc(0);
  return message.subarray(10, 10 + message.readUIntBE(7, 3));
}
