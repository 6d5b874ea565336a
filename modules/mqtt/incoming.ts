import { Failure } from "../system/failure.js";
import type { ReadableOptions } from "./client-options.js";
import type { Properties } from "./properties.js";

/** What is known of an incoming message beside its payload. */
export interface Message {
  topic: string;
  QoS: number;
  retain: boolean;
  /** The broker sends it again; it may have come before. */
  duplicate: boolean;
  /** Bytes of the payload. */
  byteLength: number;
  properties?: Properties | undefined;
}

/** Who gets the messages. */
export interface IncomingOptions {
  /** A whole message. QoS 1: it is acknowledged once this returns. */
  onMessage?: (topic: string, payload: ArrayBuffer, message: Message) => void;
  /** The pieces, in order, of a message that is larger than `messageLimit`. `part` is valid only during the call. */
  onPart?: (message: Message, part: Uint8Array, more: boolean) => void;
  /** A message was too large and there is no `onPart`: it was read and dropped. */
  onDropped?: (failure: Failure) => void;
  /** Largest payload that is put together in memory, in bytes; 16,384 when left out. */
  messageLimit?: number;
}

/** What the assembly needs of a client. */
interface Readable {
  read(buffer: Uint8Array): number | undefined;
}

/** Bytes of a piece of a large message. */
const partSize = 512;

/** Puts the pieces that a client tells of together to messages, or passes them on when a message is too large for that. */
export class Incoming {
  readonly #options: IncomingOptions;
  readonly #limit: number;
  #message: Message | undefined;
  #payload: Uint8Array | undefined;
  #filled = 0;
  /** Allocated with the first large message, and kept. */
  #part: Uint8Array | undefined;

  constructor(options: IncomingOptions) {
    this.#options = options;
    this.#limit = options.messageLimit ?? 16_384;
  }

  /** The connection is gone, and with it the rest of the message that was coming. */
  reset(): void {
    this.#message = this.#payload = undefined;
  }

  /** `onReadable` of the client. */
  readable(client: Readable, count: number, options: ReadableOptions): void {
    if (options.topic !== undefined) {
      // A client of MQTT 3.1.1 and ECMA-419 alone tells less.
      this.#message = {
        topic: options.topic,
        QoS: options.QoS ?? 0,
        retain: options.retain ?? false,
        duplicate: options.duplicate ?? false,
        byteLength: options.byteLength ?? count,
        properties: options.properties,
      };
      this.#filled = 0;
      this.#payload =
        this.#message.byteLength <= this.#limit
          ? new Uint8Array(this.#message.byteLength)
          : undefined;
    }
    const message = this.#message!;
    if (this.#payload) this.#collect(client, message, this.#payload, count);
    else this.#pass(client, message, count);
  }

  #collect(
    client: Readable,
    message: Message,
    payload: Uint8Array,
    count: number,
  ): void {
    const whole = count === payload.length;
    if (count > 0)
      this.#filled +=
        client.read(
          whole
            ? payload
            : payload.subarray(this.#filled, this.#filled + count),
        ) ?? 0;
    if (this.#filled < payload.length) return;
    this.reset();
    this.#options.onMessage?.(
      message.topic,
      payload.buffer as ArrayBuffer,
      message,
    );
  }

  #pass(client: Readable, message: Message, count: number): void {
    this.#part ??= new Uint8Array(partSize);
    let left = count;
    while (left > 0 && this.#message === message) {
      const part = left < partSize ? this.#part.subarray(0, left) : this.#part;
      const got = client.read(part);
      if (got !== part.length) return;
      left -= got;
      this.#filled += got;
      const more = this.#filled < message.byteLength;
      if (!more) this.reset();
      if (this.#options.onPart) this.#options.onPart(message, part, more);
      else if (!more)
        this.#options.onDropped?.(
          new Failure(
            "mqtt.too-large",
            `from ${message.topic}: ${message.byteLength} of ${this.#limit} bytes`,
          ),
        );
    }
  }
}
