import * as packet from "./packet-types.js";
import {
  propertyRows,
  type Properties,
  type PropertyRow,
} from "./properties.js";
import { checkNoWildcard } from "./topics.js";
import { encodeText } from "./utf8.js";

/** Room for the longest fixed header: type and flags, and a length of up to four bytes (MQTT 5, 2.1.1). */
const headroom = 5;

const nothing = new Uint8Array(0);

/** The largest remaining length that four bytes can say (MQTT 5, 1.5.5). */
export const largestLength = 268_435_455;

/**
 * Encodes one packet at a time straight into one buffer that is allocated once.
 *
 * `begin`, then the packet's content in its order, then `finish` with its first byte: the fixed header is put before the
 * content once its length is known, so that nothing is copied or measured beforehand. The bytes of the last packet stay
 * valid until the next `begin`. A packet that is larger than the buffer gets one of its own, given up with the next packet.
 */
export class PacketWriter {
  readonly #home: Uint8Array;
  #bytes: Uint8Array;
  #start = headroom;
  #end = headroom;
  #view: Uint8Array;
  #topic: string | undefined;
  #topicBytes: Uint8Array = nothing;

  /** @param size bytes of the buffer: most packets without their payload should fit */
  constructor(size = 256) {
    this.#home = new Uint8Array(size);
    this.#bytes = this.#home;
    this.#view = this.#home.subarray(0, 0);
  }

  /** Bytes of the finished packet, or written so far. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Bytes that still fit into the buffer that is always there. */
  get room(): number {
    return this.#home.length - this.#end;
  }

  /** Starts a packet. */
  begin(): void {
    this.#bytes = this.#home;
    this.#start = headroom;
    this.#end = headroom;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#end++] = value;
  }

  uint16(value: number): void {
    this.#reserve(2);
    const bytes = this.#bytes;
    bytes[this.#end++] = value >> 8;
    bytes[this.#end++] = value;
  }

  uint32(value: number): void {
    this.uint16(value >>> 16);
    this.uint16(value & 0xffff);
  }

  /** A Variable Byte Integer (MQTT 5, 1.5.5) of up to 268,435,455. */
  variable(value: number): void {
    this.#reserve(4);
    this.#end = putVariable(this.#bytes, this.#end, value);
  }

  /**
   * A UTF-8 Encoded String (MQTT 5, 1.5.4). Throws a RangeError when the string cannot be one.
   *
   * @param name what the string is, for the error
   */
  text(text: string, name: string): void {
    if (text === "") this.uint16(0);
    else this.#counted(encodeText(text, name));
  }

  /**
   * Makes a topic name the one that `topic` writes. The last one is remembered, checked and encoded: most nodes publish to
   * one topic over and over. Throws a RangeError when it cannot be one.
   */
  setTopic(topic: string): void {
    if (topic === this.#topic) return;
    checkNoWildcard(topic);
    this.#topicBytes = encodeText(topic, "A topic name");
    this.#topic = topic;
  }

  /** The topic name of the last `setTopic`. */
  topic(): void {
    this.#counted(this.#topicBytes);
  }

  /** Binary Data (MQTT 5, 1.5.6): its length in two bytes, then the bytes. */
  data(data: ArrayBuffer | Uint8Array, name: string): void {
    const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
    if (bytes.length > 65_535)
      throw new RangeError(`${name} is longer than 65,535 bytes`);
    this.#counted(bytes);
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /**
   * The property length and the properties (MQTT 5, 2.2.2).
   *
   * @param type the packet that carries them; WILL for a will
   * @param topicAlias sent as the property of this name when it is not 0
   * @throws TypeError for a property that this packet cannot carry, RangeError for a value that the property cannot have
   */
  properties(type: number, properties?: Properties, topicAlias = 0): void {
    this.#reserve(1);
    const lengthAt = this.#end++;
    if (topicAlias !== 0) {
      this.byte(35);
      this.uint16(topicAlias);
    }
    if (properties)
      for (const row of propertyRows) {
        const value = properties[row.name];
        if (value === undefined) continue;
        if ((row.packets & (1 << type)) === 0)
          throw new TypeError(
            `${packet.packetName(type)} cannot carry ${row.name}`,
          );
        this.#property(row, value);
      }
    const length = this.#end - lengthAt - 1;
    if (length > 127) {
      const extra = variableLength(length) - 1;
      this.#reserve(extra);
      this.#bytes.copyWithin(lengthAt + 1 + extra, lengthAt + 1, this.#end);
      this.#end += extra;
    }
    putVariable(this.#bytes, lengthAt, length);
  }

  /**
   * Puts the fixed header before what was written.
   *
   * @param first type and flags
   * @param payloadLength bytes that follow after this buffer, as part of the packet
   * @throws RangeError when no packet can be that long
   */
  finish(first: number, payloadLength = 0): void {
    const remaining = this.#end - headroom + payloadLength;
    if (remaining > largestLength)
      throw new RangeError("A packet cannot be longer than 268,435,455 bytes");
    this.#start = headroom - 1 - variableLength(remaining);
    this.#bytes[this.#start] = first;
    putVariable(this.#bytes, this.#start + 1, remaining);
  }

  /** What was written, without a copy: valid until the next `begin`. */
  view(): Uint8Array {
    const last = this.#view;
    if (
      last.buffer !== this.#bytes.buffer ||
      last.byteOffset !== this.#start ||
      last.length !== this.#end - this.#start
    )
      this.#view = this.#bytes.subarray(this.#start, this.#end);
    return this.#view;
  }

  #counted(bytes: Uint8Array): void {
    this.uint16(bytes.length);
    this.raw(bytes);
  }

  #property(row: PropertyRow, value: unknown): void {
    if (row.type === "pair") {
      for (const [name, text] of value as [string, string][]) {
        this.byte(row.identifier);
        this.text(name, "A user property's name");
        this.text(text, "A user property's value");
      }
      return;
    }
    this.byte(row.identifier);
    if (row.type === "text") this.text(value as string, row.name);
    else if (row.type === "data")
      this.data(value as ArrayBuffer | Uint8Array, row.name);
    else {
      const most = {
        flag: 1,
        bit: 1,
        uint16: 0xffff,
        uint32: 0xffffffff,
        variable: largestLength,
      }[row.type];
      const number = Number(value);
      if (!Number.isInteger(number) || number < row.least || number > most)
        throw new RangeError(
          `${row.name} must be from ${row.least} to ${most}`,
        );
      if (row.type === "uint16") this.uint16(number);
      else if (row.type === "uint32") this.uint32(number);
      else if (row.type === "variable") this.variable(number);
      else this.byte(number);
    }
  }

  #reserve(count: number): void {
    const needed = this.#end + count;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** Bytes that a Variable Byte Integer takes. */
export function variableLength(value: number): number {
  return value < 128 ? 1 : value < 16_384 ? 2 : value < 2_097_152 ? 3 : 4;
}

function putVariable(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  while (rest > 127) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}
