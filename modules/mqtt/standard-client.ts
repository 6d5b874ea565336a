import Timer from "timer";
import { Failure } from "../system/failure.js";
import type { Bytes, ReadableOptions, WriteOptions } from "./client-options.js";
import { beforeConnack } from "./hang-up.js";
import * as packet from "./packet-types.js";
import { connackReason, connectFailure } from "./reason-codes.js";
import type { Client, ClientClass, ClientOptions } from "./session-options.js";
import { StandardSocket, type Onlooker } from "./standard-socket.js";

/** ECMA-419's MQTT client (clause 25) as the Moddable SDK has it in `embedded:network/mqtt/client`. */
export interface StandardMQTT {
  write(data: Uint8Array, options?: WriteOptions): number;
  read(buffer: Bytes): number | undefined;
  close(): void;
}

/** Its class. */
export type StandardMQTTClass = new (options: object) => StandardMQTT;

/** A packet that it tells of. */
interface Control {
  operation: number;
  id?: number;
  payload?: number[];
}

/** Bytes that PUBLISH has at most beside topic and payload, less the 8 that the SDK's client holds back for them. */
const overhead = 1;
const empty = new Uint8Array(0);
/** As our own client has them, in ms. */
const defaultTimeout = 20_000;
const closingLimit = 2000;

/**
 * Makes a session's client of ECMA-419's, so that a `Session`, and with it a `Connection`, works over the SDK's, with MQTT
 * 3.1.1.
 *
 * It adds what that one lacks: why a connection failed, whether the broker kept the session, a limit for CONNACK, and
 * messages longer than the socket has room for. It cannot mend what happens inside: the SDK's client stops reading at a
 * message without a payload, until the keep-alive ends the connection.
 */
export function standardClient(MQTT: StandardMQTTClass): ClientClass {
  return class extends StandardClient {
    constructor(options: ClientOptions) {
      super(options, MQTT);
    }
  };
}

class StandardClient implements Client, Onlooker {
  readonly target: unknown;
  readonly #options: ClientOptions;
  #client: StandardMQTT | undefined;
  #timer: Timer | undefined;
  #state: "opening" | "waiting" | "connected" | "ended" = "opening";
  #room = 0;
  /** A packet that waits for room, and bytes of a payload that do. */
  #held: WriteOptions | undefined;
  #rest: Uint8Array = empty;
  #sessionPresent = false;
  /** Why the client is about to say that its connection is over. */
  #reason: Failure | undefined;
  /** What would be the reason when there is none. */
  #reading = false;

  /** @throws RangeError for any other version than MQTT 3.1.1 */
  constructor(options: ClientOptions, MQTT: StandardMQTTClass) {
    if (options.protocol !== "3.1.1")
      throw new RangeError('This client is for the protocol "3.1.1"');
    this.#options = options;
    this.target = options.target;
    const { socket, host, port, id, clean, keepAlive } = options;
    const { user, password, will } = options;
    this.#client = new MQTT({
      ...{ host, port, id, clean, keepAlive, user, password, will },
      dns: {
        io: KnownAddress,
        address: socket.address,
        // Not at once: it would tell in its constructor that a socket cannot be made.
        later: (then: () => void) => this.#later(0, () => this.#pass(then)),
      },
      socket: {
        ...socket,
        io: StandardSocket,
        socket: socket.io,
        onlooker: this,
      },
      onReadable: (count: number, message: ReadableOptions) =>
        options.onReadable?.call(this, count, message),
      onWritable: (count: number) => this.#writableNow(count),
      onControl: (message: Control) => this.#control(message),
      onError: () => this.#failed(),
    });
  }

  /** See `MQTTClient.writable`. */
  get writable(): number {
    return this.#state === "connected" && !this.#isWaiting() ? this.#room : 0;
  }

  /** See `MQTTClient.write`. */
  write(data: Bytes | undefined, options?: WriteOptions): number {
    if (this.#state !== "connected" || this.#isWaiting())
      throw new Error("write is for a connected client that has room");
    this.#rest =
      data instanceof ArrayBuffer ? new Uint8Array(data) : (data ?? empty);
    this.#held = options;
    this.#flush();
    if (options?.operation === packet.DISCONNECT) {
      this.#state = "ended";
      this.#later(closingLimit, () => this.#failed());
    }
    return this.writable;
  }

  /** See `MQTTClient.read`. */
  read(buffer: Bytes): number | undefined {
    return this.#client?.read(buffer);
  }

  /** See `MQTTClient.close`. */
  close(): void {
    const client = this.#client;
    this.#client = undefined;
    Timer.clear(this.#timer);
    client?.close();
  }

  onReadable(pass: () => void): void {
    this.#reading = true;
    this.#pass(pass);
    this.#reading = false;
  }

  onWritable(pass: () => void): void {
    const isFirst = this.#state === "opening";
    if (isFirst) {
      this.#state = "waiting";
      this.#later(this.#options.timeout ?? defaultTimeout, () => {
        this.#reason = new Failure("mqtt.no-connack");
        this.#failed();
      });
    }
    this.#pass(pass);
    if (isFirst && this.#client) this.#options.onSocketConnected?.call(this);
  }

  onFailed(failure: Failure): void {
    this.#reason = this.#state === "waiting" ? beforeConnack(failure) : failure;
  }

  onConnack(flags: number, code: number): void {
    this.#sessionPresent = (flags & 1) !== 0;
    if (code !== 0)
      this.#reason = connectFailure(connackReason(code, 4) ?? 0x80);
  }

  /** Lets the client handle something. Once it is closed, it stumbles over what it had not handled yet. */
  #pass(pass: () => void): void {
    try {
      pass();
    } catch (error) {
      if (this.#client) throw error;
    }
  }

  #control({ operation, id, payload }: Control): void {
    const { onControl, keepAlive = 0 } = this.#options;
    if (operation !== packet.CONNACK) {
      const message = { operation, id: id ?? 0, reasonCode: 0 };
      onControl?.call(
        this,
        operation,
        payload ? { ...message, payload } : message,
      );
      return;
    }
    Timer.clear(this.#timer);
    this.#state = "connected";
    onControl?.call(this, operation, {
      ...{ operation, reasonCode: 0, keepAlive },
      sessionPresent: this.#sessionPresent,
    });
  }

  #writableNow(room: number): void {
    this.#room = room;
    this.#flush();
    const { writable } = this;
    if (writable > 0) this.#options.onWritable?.call(this, writable);
  }

  #isWaiting(): boolean {
    return this.#held !== undefined || this.#rest.length > 0;
  }

  /** Hands over what waits, as far as there is room: a whole packet, but of a message's payload what fits. */
  #flush(): void {
    const held = this.#held;
    if (held) {
      const fits = this.#room - overhead - lengthOf(held);
      if (fits <= 0) return;
      this.#held = undefined;
      const isMessage = (held.operation ?? packet.PUBLISH) === packet.PUBLISH;
      this.#send(
        fits,
        isMessage ? { byteLength: this.#rest.length, ...held } : held,
      );
    }
    while (this.#rest.length > 0 && this.#room > 0) this.#send(this.#room);
  }

  #send(most: number, options?: WriteOptions): void {
    const rest = this.#rest;
    const part = rest.length <= most ? rest : rest.subarray(0, most);
    this.#rest = part === rest ? empty : rest.subarray(most);
    this.#room = this.#client?.write(part, options) ?? 0;
  }

  /** The connection is over. The client does not say why. */
  #failed(): void {
    if (!this.#client) return;
    const reason =
      this.#reason ??
      new Failure(
        this.#state === "opening"
          ? "tcp.timed-out"
          : this.#reading
            ? "mqtt.malformed"
            : "mqtt.keep-alive",
      );
    this.close();
    if (this.#state === "ended") this.#options.onClose?.call(this);
    else this.#options.onError?.call(this, reason);
  }

  #later(milliseconds: number, then: () => void): void {
    Timer.clear(this.#timer);
    this.#timer = Timer.set(then, milliseconds);
  }
}

/** A resolver for a name whose address is known. */
class KnownAddress {
  readonly #address: string;
  readonly #later: (then: () => void) => void;

  constructor(options: { address: string; later: (then: () => void) => void }) {
    this.#address = options.address;
    this.#later = options.later;
  }

  resolve(request: {
    host: string;
    onResolved: (host: string, address: string) => void;
  }): void {
    this.#later(() => request.onResolved(request.host, this.#address));
  }
}

/** Bytes of a packet's topics and what goes with each. */
function lengthOf({ topic, items = [] }: WriteOptions): number {
  const bytes = (text: string): number =>
    ArrayBuffer.fromString(text).byteLength;
  return items.reduce(
    (sum, item) => sum + bytes(item.topic) + 3,
    topic === undefined ? 0 : bytes(topic),
  );
}
