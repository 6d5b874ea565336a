import Timer from "timer";
import type { Bytes, ReadableOptions } from "./client-options.js";
import type { Socket } from "./outlet.js";
import { PacketReader } from "./packet-reader.js";
import { PUBLISH, type ProtocolLevel } from "./packet-types.js";
import { IncomingAliases } from "./topic-aliases.js";

/** What an inlet needs of who sends. */
export interface Acknowledger {
  canAcknowledge(): boolean;
  acknowledge(packetId: number): void;
}

/** What an inlet needs, and whom it tells what came in. */
export interface InletOptions {
  level: ProtocolLevel;
  /** What CONNECT announces. */
  maximumPacketSize?: number | undefined;
  topicAliasMaximum?: number | undefined;
  /** Holds up what comes in while it can remember no more acknowledgements; call `resume` when that changes. */
  acknowledger: Acknowledger;
  /** A packet other than PUBLISH is in `reader`. */
  onControl: (type: number) => void;
  /** `count` bytes of a message can be read, none of an empty one. */
  onMessage: (count: number, options: ReadableOptions) => void;
  /** Handling goes on by itself, outside of all calls. */
  onResume: () => void;
  /** The socket threw. */
  onBroken: (error: unknown) => void;
}

const last: ReadableOptions = Object.freeze({ more: false });
const notLast: ReadableOptions = Object.freeze({ more: true });

/**
 * The way in: packets from a socket, messages in pieces to the application, which takes them when it likes.
 *
 * A message's payload goes from the socket straight into the application's buffer, but for what came together with its
 * header. While the application has not taken all of a message, nothing after it is read.
 */
export class Inlet {
  readonly reader: PacketReader;
  readonly #options: InletOptions;
  readonly #aliases: IncomingAliases;
  #socket: Socket | undefined;
  /** Bytes that the socket has for us. */
  #readable = 0;
  #pumping = false;
  /** A message is being given to the application. */
  #receiving = false;
  #announced = false;
  /** Bytes that the application was told of and did not take. */
  #offered = 0;
  #timer: Timer | undefined;
  #view: Uint8Array;

  constructor(options: InletOptions) {
    this.#options = options;
    this.reader = new PacketReader(options);
    this.#view = this.reader.buffer;
    this.#aliases = new IncomingAliases(options.topicAliasMaximum ?? 0);
  }

  /** In the middle of a packet: what comes next can only be the rest of it. */
  get busy(): boolean {
    return this.#receiving || this.reader.buffered > 0;
  }

  /** Bytes of the current message that can be read. */
  get available(): number {
    if (!this.#receiving) return 0;
    const { reader } = this;
    return Math.min(reader.payloadLeft, reader.buffered + this.#readable);
  }

  /** The socket has `count` bytes. Throws a ProtocolError for what breaks a rule. */
  readable(socket: Socket, count: number): void {
    this.#socket = socket;
    this.#readable = count;
    this.resume();
  }

  /**
   * Handles what was received until there is no more, or until the application or `isReady` holds it up. Throws a
   * ProtocolError for what breaks a rule, and what the application throws.
   */
  resume(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#socket) if (!this.#step()) break;
    } finally {
      this.#pumping = false;
    }
  }

  /** See `MQTTClient.read`. */
  read(request?: number | Bytes): ArrayBuffer | number | undefined {
    const { available } = this;
    if (available === 0) return undefined;
    let result: ArrayBuffer | number;
    if (request === undefined || typeof request === "number") {
      const into = new Uint8Array(Math.min(request ?? available, available));
      const count = this.#take(into);
      result =
        count === into.length ? into.buffer : into.buffer.slice(0, count);
    } else {
      const into =
        request instanceof ArrayBuffer ? new Uint8Array(request) : request;
      result = this.#take(
        into.length > available ? into.subarray(0, available) : into,
      );
    }
    this.#offered = this.available;
    if (!this.#pumping && this.reader.payloadLeft === 0)
      this.#timer ??= Timer.set(() => {
        this.#timer = undefined;
        this.#options.onResume();
      }, 0);
    return result;
  }

  /** Handles nothing any more. */
  close(): void {
    Timer.clear(this.#timer);
    this.#timer = this.#socket = undefined;
    this.#receiving = false;
    this.#readable = 0;
  }

  /** One packet, or one piece of a message. Returns false when nothing more can be done now. */
  #step(): boolean {
    if (this.#receiving) return this.#deliver();
    if (!this.#options.acknowledger.canAcknowledge()) return false;
    const type = this.reader.next();
    if (type === 0) return this.#fill();
    if (type === PUBLISH) this.#startMessage();
    else this.#options.onControl(type);
    return true;
  }

  #fill(): boolean {
    if (this.#readable === 0) return false;
    const { reader } = this;
    const count = Math.min(reader.prepare(), this.#readable);
    const { buffer, end } = reader;
    let into = this.#view;
    // Most of what comes is a PUBACK: the same place, the same length.
    if (
      into.buffer !== buffer.buffer ||
      into.byteOffset !== end ||
      into.length !== count
    )
      into = this.#view = buffer.subarray(end, end + count);
    reader.filled(this.#readSocket(into));
    return true;
  }

  /** Reads from the socket exactly what it said it has: some of them throw when asked for more. */
  #readSocket(into: Uint8Array): number {
    let count = 0;
    try {
      count = this.#socket?.read(into) ?? 0;
    } catch (error) {
      this.#options.onBroken(error);
    }
    this.#readable = count < into.length ? 0 : this.#readable - count;
    return count;
  }

  #take(into: Uint8Array): number {
    const { reader } = this;
    const buffered = reader.take(into);
    if (buffered === into.length) return buffered;
    const direct = this.#readSocket(
      buffered === 0 ? into : into.subarray(buffered),
    );
    reader.skip(direct);
    return buffered + direct;
  }

  #startMessage(): void {
    const { reader } = this;
    const alias = reader.properties?.topicAlias;
    if (alias !== undefined)
      reader.topic = this.#aliases.resolve(reader.topic, alias);
    this.#receiving = true;
    this.#announced = false;
    this.#offered = 0;
  }

  #deliver(): boolean {
    const { reader, available } = this;
    if (!this.#announced) {
      if (available === 0 && reader.payloadLeft > 0) return false;
      this.#announced = true;
      this.#offered = available;
      this.#options.onMessage(available, {
        more: available < reader.payloadLeft,
        topic: reader.topic,
        QoS: reader.QoS,
        byteLength: reader.payloadLength,
        retain: reader.retain,
        duplicate: reader.duplicate,
        properties: reader.properties,
      });
    } else if (reader.payloadLeft === 0) {
      this.#receiving = false;
      if (reader.QoS === 1)
        this.#options.acknowledger.acknowledge(reader.packetId);
    } else {
      if (available === this.#offered) return false;
      this.#offered = available;
      this.#options.onMessage(
        available,
        available < reader.payloadLeft ? notLast : last,
      );
    }
    return true;
  }
}
