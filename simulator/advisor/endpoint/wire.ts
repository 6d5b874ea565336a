import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { RecordScanner } from "./record-scanner.js";

/**
 * A TCP connection of a device, as the stream that TLS runs on, with its records watched in both directions: their sizes,
 * and the alerts that are still readable. Starts with bytes that were read from the socket already.
 */
export class Wire extends Duplex {
  readonly #socket: Socket;
  readonly received = new RecordScanner();
  readonly sent = new RecordScanner();

  constructor(socket: Socket, first: Buffer) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    this.#take(first);
    socket.on("data", (bytes) => this.#take(bytes));
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
    socket.resume();
  }

  #take(bytes: Buffer): void {
    this.received.feed(bytes);
    if (!this.push(bytes)) this.#socket.pause();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(
    bytes: Buffer,
    _: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    this.sent.feed(bytes);
    this.#socket.write(bytes, done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void) {
    this.#socket.destroy();
    done(error);
  }
}
