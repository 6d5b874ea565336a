import type { WriteOptions } from "./client-options.js";
import { receiveMaximum } from "./connect-packet.js";
import type { KeepAlive } from "./keep-alive.js";
import { Outlet, type Socket } from "./outlet.js";
import { PacketIdQueue, PacketIds } from "./packet-ids.js";
import * as packet from "./packet-types.js";
import type { PacketWriter } from "./packet-writer.js";
import type { Properties } from "./properties.js";
import { writePublish, writeSubscription } from "./request-packets.js";
import { ServerLimits } from "./server-limits.js";
import { OutgoingAliases } from "./topic-aliases.js";

/** Bytes of the smallest PUBLISH beside topic and payload, held back from what can be written. */
const overhead = 8;

/**
 * What a connected client sends: the application's packets, and, where they leave room, its own: acknowledgements, PINGREQ
 * and DISCONNECT. Nothing gets between the pieces of a message.
 */
export class Sender {
  readonly #level: packet.ProtocolLevel;
  readonly #onBroken: (error: unknown) => void;
  readonly #outlet = new Outlet();
  /** Allocated with the first QoS 1 message that comes in: many nodes never get one. */
  #acknowledgements: PacketIdQueue | undefined;
  readonly #ids = new PacketIds();
  #limits = new ServerLimits();
  #aliases = new OutgoingAliases(0);
  #connected = false;
  /** Bytes of a payload that the application has still to write. */
  #toWrite = 0;
  #pingWanted = false;
  #farewell: { code: number; properties: Properties | undefined } | undefined;
  #ended = false;
  /** Is told when a packet is on its way. */
  keepAlive: KeepAlive | undefined;

  /** @param onBroken the socket threw */
  constructor(level: packet.ProtocolLevel, onBroken: (error: unknown) => void) {
    this.#level = level;
    this.#onBroken = onBroken;
  }

  /** Where CONNECT is written. */
  get writer(): PacketWriter {
    return this.#outlet.writer;
  }

  /** About how many bytes `write` can pass on at once. */
  get room(): number {
    return this.#outlet.idle ? Math.max(0, this.#outlet.room - overhead) : 0;
  }

  /** A message is on its way, and nothing can come before its end. */
  get busy(): boolean {
    return !this.#outlet.idle || this.#toWrite > 0;
  }

  /** DISCONNECT is on its way: the last packet. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Makes room for one more acknowledgement, if there is none; false when that must wait for the socket. */
  canAcknowledge(): boolean {
    const ids = this.#acknowledgements;
    if (ids?.full) this.sendWaiting();
    return !ids?.full;
  }

  /** Sends what stands in `writer`. */
  send(data?: Uint8Array): void {
    try {
      this.#outlet.send(data);
    } catch (error) {
      this.#onBroken(error);
    }
  }

  /** The broker has accepted the connection, with these properties: from now on everything may be sent. */
  connected(said: Properties): void {
    this.#connected = true;
    this.#limits = new ServerLimits(said);
    this.#aliases = new OutgoingAliases(said.topicAliasMaximum ?? 0);
  }

  /** The socket takes that many bytes. */
  writable(socket: Socket, room: number): void {
    try {
      this.#outlet.writable(socket, room);
    } catch (error) {
      this.#onBroken(error);
    }
    this.sendWaiting();
  }

  /** PUBLISH, SUBSCRIBE or UNSUBSCRIBE of the application. Throws before anything is sent. */
  request(
    operation: number,
    data: Uint8Array | undefined,
    options: WriteOptions,
  ): void {
    if (this.#toWrite > 0)
      throw new Error(`${this.#toWrite} bytes of a message are missing`);
    this.#checkIdle();
    const level = this.#level;
    const { writer } = this.#outlet;
    const limits = this.#limits;
    const length = data?.length ?? 0;
    const id = options.id ?? this.#ids.next();
    if (operation === packet.PUBLISH) {
      const byteLength = options.byteLength ?? length;
      if (length > byteLength) throw new RangeError("data beyond byteLength");
      limits.checkPublish(options);
      const aliases = this.#aliases;
      writePublish(writer, level, options, id, byteLength, aliases, limits);
      this.#toWrite = byteLength - length;
    } else if (
      operation === packet.SUBSCRIBE ||
      operation === packet.UNSUBSCRIBE
    ) {
      if (operation === packet.SUBSCRIBE) limits.checkSubscribe(options);
      writeSubscription(writer, operation, level, options, id);
      limits.checkSize(writer.length, packet.packetName(operation));
    } else
      throw new RangeError(
        `${packet.packetName(operation)} is not an application's to send`,
      );
    this.keepAlive?.sent();
    this.send(data);
    this.sendWaiting();
  }

  /** More of the payload of the message that the last request began. */
  more(data: Uint8Array | undefined): void {
    this.#checkIdle();
    const count = data?.length ?? 0;
    if (!data || count > this.#toWrite)
      throw new RangeError(
        `${count} bytes for a message that has ${this.#toWrite} left`,
      );
    this.#toWrite -= count;
    try {
      this.#outlet.sendMore(data);
    } catch (error) {
      this.#onBroken(error);
    }
    this.sendWaiting();
  }

  /** Sends PUBACK as soon as possible. */
  acknowledge(id: number): void {
    this.#acknowledgements ??= new PacketIdQueue(receiveMaximum);
    this.#acknowledgements.push(id);
  }

  /** The broker has acknowledged a QoS 1 message. */
  acknowledged(id: number): void {
    this.#aliases.acknowledged(id);
  }

  /** Sends PINGREQ as soon as possible. */
  ping(): void {
    this.#pingWanted = true;
    this.sendWaiting();
  }

  /** Sends DISCONNECT as soon as possible, after everything else. */
  disconnect(code: number, properties?: Properties): void {
    // What cannot be encoded is the caller's error, so it is found now.
    if (this.#outlet.idle) this.#writeDisconnect(code, properties);
    this.#farewell = { code, properties };
    this.sendWaiting();
  }

  /** Tells the broker what it did wrong (MQTT 5, 4.13.1), if anything can be said at all now. */
  complain(code: number): void {
    if (!this.#connected || this.busy || this.#level !== 5) return;
    this.#writeDisconnect(code);
    this.send();
  }

  /** Sends what the client itself has to say. */
  sendWaiting(): void {
    const { writer } = this.#outlet;
    const ids = this.#acknowledgements;
    while (this.#connected && !this.busy) {
      if (ids && ids.length > 0) {
        writer.begin();
        while (ids.length > 0 && writer.room >= 4) {
          writer.byte(packet.PUBACK << 4);
          writer.byte(2);
          writer.uint16(ids.shift());
        }
      } else if (this.#pingWanted) {
        this.#pingWanted = false;
        writer.begin();
        writer.finish(packet.PINGREQ << 4);
        // It may have waited behind a message.
        this.keepAlive?.progressed();
      } else if (this.#farewell) {
        this.#connected = false;
        this.#writeDisconnect(this.#farewell.code, this.#farewell.properties);
        this.#ended = true;
      } else return;
      this.keepAlive?.sent();
      this.send();
    }
  }

  #checkIdle(): void {
    if (!this.#outlet.idle)
      throw new Error("The last packet is still on its way: await onWritable");
  }

  #writeDisconnect(code: number, properties?: Properties): void {
    const { writer } = this.#outlet;
    writer.begin();
    if (this.#level === 5 && (code !== 0 || properties)) {
      writer.byte(code);
      if (properties) writer.properties(packet.DISCONNECT, properties);
    }
    writer.finish(packet.DISCONNECT << 4);
  }
}
