import { Failure } from "../system/failure.js";
import type { SocketClass } from "./client-options.js";

/** A socket as the SDK's MQTT client uses it: it reads single bytes as well. */
interface ByteSocket {
  format: "buffer" | "number";
  read(request?: number | Uint8Array): ArrayBuffer | number | undefined;
  write(
    data: Uint8Array,
    options?: { more: boolean; byteLength?: number },
  ): number | undefined;
  close(): void;
}

/** Who looks on. */
export interface Onlooker {
  /** The socket has room. `pass` tells the client. */
  onWritable(pass: () => void): void;
  /** Bytes have come. `pass` tells the client. */
  onReadable(pass: () => void): void;
  /** The socket could not be made, or has failed, of which the client hears next. */
  onFailed(failure: Failure): void;
  /** The client has read the first four bytes: CONNACK of MQTT 3.1.1. */
  onConnack(flags: number, code: number): void;
}

/** What the SDK's client makes a socket with, and what was put among its options for us. */
export interface StandardSocketOptions {
  socket: SocketClass;
  onlooker: Onlooker;
  onReadable: (count: number) => void;
  onWritable: (count: number) => void;
  onError: (error?: unknown) => void;
}

/**
 * The socket of a client that tells less than it hears: everything goes through to the real socket and back, and an
 * onlooker sees what such a client does not pass on, which is why a socket failed and what CONNACK said.
 */
export class StandardSocket implements ByteSocket {
  readonly #socket: ByteSocket;
  readonly #onlooker: Onlooker;
  readonly #connack: number[] = [];

  constructor(options: StandardSocketOptions) {
    const { socket, onlooker, onReadable, onWritable, onError } = options;
    this.#onlooker = onlooker;
    const Io = socket as unknown as new (options: object) => ByteSocket;
    try {
      this.#socket = new Io({
        ...options,
        onReadable: (count: number) =>
          onlooker.onReadable(() => onReadable(count)),
        onWritable: (count: number) =>
          onlooker.onWritable(() => onWritable(count)),
        onError: (error: unknown = new Failure("tcp.closed")) => {
          onlooker.onFailed(Failure.from(error, "tcp.closed"));
          onError();
        },
      });
    } catch (error) {
      onlooker.onFailed(Failure.from(error, "tcp.unreachable"));
      throw error;
    }
  }

  get format(): "buffer" | "number" {
    return this.#socket.format;
  }
  set format(format: "buffer" | "number") {
    this.#socket.format = format;
  }

  read(request?: number | Uint8Array): ArrayBuffer | number | undefined {
    const result = this.#socket.read(request);
    if (this.#connack.length < 4 && typeof result === "number") {
      const [, , flags = 0] = this.#connack;
      this.#connack.push(result);
      if (this.#connack.length === 4) this.#onlooker.onConnack(flags, result);
    }
    return result;
  }

  write(
    data: Uint8Array,
    options?: { more: boolean; byteLength?: number },
  ): number | undefined {
    return options
      ? this.#socket.write(data, options)
      : this.#socket.write(data);
  }

  close(): void {
    this.#socket.close();
  }
}
