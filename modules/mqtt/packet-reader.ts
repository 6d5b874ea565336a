import * as packet from "./packet-types.js";
import type { Properties } from "./properties.js";
import { readProperties } from "./property-reader.js";
import { ProtocolError } from "./protocol-error.js";
import {
  connackReason,
  isDisconnectReason,
  isPubackReason,
  isSubackReason,
  isUnsubackReason,
} from "./reason-codes.js";
import { decodeText, isWellFormed } from "./utf8.js";

const malformed = (rule: string) => new ProtocolError(0x81, rule);

/** Topics up to this many bytes are remembered, so that the same topic again is not decoded again. */
const rememberedTopic = 256;

/** What a packet reader is for. Sizes in bytes. */
export interface PacketReaderOptions {
  level: packet.ProtocolLevel;
  /** The buffer that is always there. */
  size?: number;
  /** What a packet may have beside a message's payload; it is refused with 0x97 when it has more. */
  headerLimit?: number;
  /** What this client announced as Maximum Packet Size; larger packets are refused with 0x95. */
  maximumPacketSize?: number;
}

/**
 * Decodes what a broker sends, in whatever pieces it comes, in place in one buffer.
 *
 * Ask `prepare` how much fits, put bytes into `buffer` at `end`, tell `filled`, then call `next` until it returns 0. Of a
 * PUBLISH everything but the payload is decoded; the payload's bytes are for `take`, and what is not in the buffer yet can
 * be taken from the wire directly (`skip`). `next` must not be called while `payloadLeft` is not 0. The fields are those
 * of the last packet. Whatever breaks a rule is thrown as a `ProtocolError`, after which the reader is of no more use.
 */
export class PacketReader {
  readonly #level: packet.ProtocolLevel;
  readonly #home: Uint8Array;
  readonly #headerLimit: number;
  readonly #maximumPacketSize: number;
  #bytes: Uint8Array;
  #start = 0;
  #end = 0;
  #needed = 2;
  /** Allocated with the first message: many nodes never get one. */
  #topicBytes: Uint8Array | undefined;
  #topicLength = 0;
  #topic = "";

  /** Packet identifier of PUBLISH with QoS 1, PUBACK, SUBACK and UNSUBACK; otherwise 0. */
  packetId = 0;
  /** Reason code of CONNACK (3.1.1's translated), PUBACK and DISCONNECT. */
  reasonCode = 0;
  sessionPresent = false;
  /** PUBLISH: "" when only an alias names it. */
  topic = "";
  QoS = 0;
  retain = false;
  duplicate = false;
  /** PUBLISH: bytes of the whole payload. */
  payloadLength = 0;
  /** PUBLISH: bytes of the payload that were not taken yet. */
  payloadLeft = 0;
  /** SUBACK, and UNSUBACK of MQTT 5: one for each filter. */
  reasonCodes: number[] = [];
  properties: Properties | undefined;

  constructor(options: PacketReaderOptions) {
    this.#level = options.level;
    this.#home = new Uint8Array(options.size ?? 512);
    this.#headerLimit = options.headerLimit ?? 16_384;
    this.#maximumPacketSize = options.maximumPacketSize ?? Infinity;
    this.#bytes = this.#home;
  }

  /** Where received bytes go, from `end` on. Another one after each `prepare`. */
  get buffer(): Uint8Array {
    return this.#bytes;
  }

  /** Where the next received byte goes. */
  get end(): number {
    return this.#end;
  }

  /** Bytes that were received and belong to nothing that was taken. */
  get buffered(): number {
    return this.#end - this.#start;
  }

  /** Makes room for what is missing of the next packet and tells how many bytes fit. */
  prepare(): number {
    if (this.#start === this.#end) {
      this.#start = this.#end = 0;
      if (this.#needed <= this.#home.length) this.#bytes = this.#home;
    }
    const bytes = this.#bytes;
    if (this.#needed > bytes.length) {
      this.#bytes = new Uint8Array(this.#needed);
      this.#bytes.set(bytes.subarray(this.#start, this.#end));
    } else if (this.#start + this.#needed > bytes.length)
      bytes.copyWithin(0, this.#start, this.#end);
    else return bytes.length - this.#end;
    this.#end -= this.#start;
    this.#start = 0;
    return this.#bytes.length - this.#end;
  }

  /** Tells that `count` bytes were put at `end`. */
  filled(count: number): void {
    this.#end += count;
  }

  /** Moves up to `into.length` bytes of the payload out of the buffer; returns how many there were. */
  take(into: Uint8Array): number {
    const count = Math.min(into.length, this.payloadLeft, this.buffered);
    const bytes = this.#bytes;
    if (count === bytes.length) into.set(bytes);
    else into.set(bytes.subarray(this.#start, this.#start + count));
    this.#start += count;
    this.payloadLeft -= count;
    return count;
  }

  /** Tells that `count` bytes of the payload were taken from the wire, past the buffer, which must be empty. */
  skip(count: number): void {
    this.payloadLeft -= count;
  }

  /**
   * Decodes the next packet.
   *
   * @returns its type, or 0 when not all of it (of a PUBLISH: not all before the payload) was received yet
   */
  next(): number {
    const { buffered } = this;
    if (buffered === 0) {
      this.#needed = 2;
      return 0;
    }
    const bytes = this.#bytes;
    const first = bytes[this.#start];
    const type = first >> 4;
    this.#checkFirst(type, first & 15);

    let at = this.#start + 1;
    let remaining = 0;
    for (let shift = 0; ; shift += 7) {
      if (at === this.#end) return this.#wait(at - this.#start + 1);
      const byte = bytes[at++];
      remaining += (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0)
          throw malformed("MQTT-1.5.5-1: a length in more bytes than needed");
        break;
      }
      if (shift === 21)
        throw malformed("a remaining length of more than four bytes");
    }
    const end = at + remaining;
    if (end - this.#start > this.#maximumPacketSize)
      throw new ProtocolError(
        0x95,
        `MQTT-3.1.2-24: ${packet.packetName(type)} of ${end - this.#start} bytes`,
      );
    if (type === packet.PUBLISH) return this.#publish(first, at, end);
    if (end > this.#end) return this.#wait(end - this.#start);
    this.#control(type, at, end);
    this.#start = end;
    this.#needed = 2;
    return type;
  }

  /** What the first byte alone shows (MQTT 5, 2.1.2 and 2.1.3). */
  #checkFirst(type: number, flags: number): void {
    switch (type) {
      case packet.PUBLISH:
        if ((flags & 6) === 6) throw malformed("MQTT-3.3.1-4: QoS 3");
        if ((flags & 6) === 4)
          throw new ProtocolError(0x9b, "QoS 2, which was not subscribed to");
        if ((flags & 14) === 8) throw malformed("MQTT-3.3.1-2: DUP with QoS 0");
        return;
      case packet.CONNACK:
      case packet.PUBACK:
      case packet.SUBACK:
      case packet.UNSUBACK:
      case packet.PINGRESP:
        break;
      case packet.DISCONNECT:
        if (this.#level === 5) break;
        throw new ProtocolError(0x82, "DISCONNECT from a server in MQTT 3.1.1");
      case 0:
        throw malformed("packet type 0");
      default:
        // Types that only a client sends, those of QoS 2, and AUTH, which a server sends only when asked.
        throw new ProtocolError(
          0x82,
          `${packet.packetName(type)} from the server`,
        );
    }
    if (flags !== 0)
      throw malformed(
        `MQTT-2.1.3-1: reserved flags of ${packet.packetName(type)}`,
      );
  }

  #wait(needed: number): number {
    if (needed > this.#headerLimit)
      throw new ProtocolError(
        0x97,
        `a header of ${needed} bytes, more than the ${this.#headerLimit} that this node has room for`,
      );
    this.#needed = needed;
    return 0;
  }

  #publish(first: number, start: number, end: number): number {
    const bytes = this.#bytes;
    let at = start + 2;
    if (at > end) throw malformed("PUBLISH ends inside its topic");
    if (at > this.#end) return this.#wait(at - this.#start);
    const topicEnd = at + ((bytes[at - 2] << 8) | bytes[at - 1]);
    const QoS = (first >> 1) & 3;
    at = topicEnd + (QoS === 0 ? 0 : 2);
    if (at > end) throw malformed("PUBLISH ends inside its topic");
    let propertiesEnd = at;
    if (this.#level === 5) {
      let length = 0;
      for (let shift = 0; ; shift += 7) {
        if (at === end) throw malformed("PUBLISH ends inside its properties");
        if (at >= this.#end) return this.#wait(at + 1 - this.#start);
        const byte = bytes[at++];
        length += (byte & 0x7f) << shift;
        if (byte < 0x80) break;
        if (shift === 21) throw malformed("a property length over four bytes");
      }
      propertiesEnd = at + length;
      if (propertiesEnd > end)
        throw malformed("PUBLISH ends inside its properties");
    }
    if (propertiesEnd > this.#end)
      return this.#wait(propertiesEnd - this.#start);

    this.QoS = QoS;
    this.retain = (first & 1) !== 0;
    this.duplicate = (first & 8) !== 0;
    this.topic = this.#readTopic(start + 2, topicEnd);
    this.packetId = 0;
    if (QoS > 0) this.#readPacketId(topicEnd);
    this.properties = undefined;
    if (this.#level === 5)
      this.properties = readProperties(
        packet.PUBLISH,
        bytes,
        topicEnd + (QoS === 0 ? 0 : 2),
        propertiesEnd,
      );
    if (this.topic === "" && this.properties?.topicAlias === undefined)
      throw new ProtocolError(0x82, "an empty topic name without an alias");
    this.payloadLength = this.payloadLeft = end - propertiesEnd;
    this.#start = propertiesEnd;
    this.#needed = 2;
    return packet.PUBLISH;
  }

  #readTopic(start: number, end: number): string {
    const bytes = this.#bytes;
    const length = end - start;
    if (length === 0) return "";
    const last = this.#topicBytes;
    if (last && length === this.#topicLength) {
      let same = 0;
      while (same < length && bytes[start + same] === last[same]) same++;
      if (same === length) return this.#topic;
    }
    if (!isWellFormed(bytes, start, end))
      throw malformed("MQTT-1.5.4-1: a topic name that is no UTF-8");
    for (let at = start; at < end; at++)
      if (bytes[at] === 0x23 || bytes[at] === 0x2b)
        throw new ProtocolError(
          0x90,
          "MQTT-3.3.2-2: a wildcard in a topic name",
        );
    const topic = decodeText(bytes, start, end);
    if (length <= rememberedTopic) {
      const kept = (this.#topicBytes ??= new Uint8Array(rememberedTopic));
      for (let at = 0; at < length; at++) kept[at] = bytes[start + at]!;
      this.#topicLength = length;
      this.#topic = topic;
    }
    return topic;
  }

  #readPacketId(at: number): void {
    this.packetId = (this.#bytes[at] << 8) | this.#bytes[at + 1];
    if (this.packetId === 0)
      throw new ProtocolError(0x82, "MQTT-2.2.1-4: packet identifier 0");
  }

  #control(type: number, start: number, end: number): void {
    this.packetId = 0;
    this.reasonCode = 0;
    this.properties = undefined;
    const length = end - start;
    const name = packet.packetName(type);
    switch (type) {
      case packet.CONNACK:
        this.#connack(start, end);
        return;
      case packet.PUBACK:
        if (length < 2 || (this.#level === 4 && length !== 2))
          throw malformed(`${name} of ${length} bytes`);
        this.#readPacketId(start);
        if (length > 2) this.reasonCode = this.#bytes[start + 2]!;
        if (!isPubackReason(this.reasonCode))
          throw malformed(`MQTT-3.4.2-1: ${name} with code ${this.reasonCode}`);
        if (length > 3)
          this.properties = readProperties(type, this.#bytes, start + 3, end);
        return;
      case packet.SUBACK:
      case packet.UNSUBACK:
        this.#suback(type, start, end);
        return;
      case packet.PINGRESP:
        if (length !== 0) throw malformed(`${name} of ${length} bytes`);
        return;
      case packet.DISCONNECT:
        if (length > 0) this.reasonCode = this.#bytes[start]!;
        if (!isDisconnectReason(this.reasonCode))
          throw malformed(
            `MQTT-3.14.2-1: ${name} with code ${this.reasonCode}`,
          );
        if (length > 1)
          this.properties = readProperties(type, this.#bytes, start + 1, end);
        if (this.properties?.sessionExpiryInterval !== undefined)
          throw new ProtocolError(
            0x82,
            "MQTT-3.14.2-2: a session expiry in the server's DISCONNECT",
          );
    }
  }

  #connack(start: number, end: number): void {
    const bytes = this.#bytes;
    const length = end - start;
    if (
      length < (this.#level === 5 ? 3 : 2) ||
      (this.#level === 4 && length > 2)
    )
      throw malformed(`CONNACK of ${length} bytes`);
    if (bytes[start] > 1)
      throw malformed("MQTT-3.2.2-1: reserved flags of CONNACK");
    this.sessionPresent = bytes[start] === 1;
    const code = connackReason(bytes[start + 1], this.#level);
    if (code === undefined)
      throw malformed(`MQTT-3.2.2-8: CONNACK with code ${bytes[start + 1]}`);
    this.reasonCode = code;
    if (code !== 0 && this.sessionPresent)
      throw new ProtocolError(
        0x82,
        "MQTT-3.2.2-6: session present in a refusal",
      );
    if (this.#level === 5)
      this.properties = readProperties(packet.CONNACK, bytes, start + 2, end);
  }

  #suback(type: number, start: number, end: number): void {
    const bytes = this.#bytes;
    const name = packet.packetName(type);
    const codeless = type === packet.UNSUBACK && this.#level === 4;
    if (end - start < 2 || (codeless && end - start !== 2))
      throw malformed(`${name} of ${end - start} bytes`);
    this.#readPacketId(start);
    let at = start + 2;
    if (this.#level === 5) {
      const list = { end: 0 };
      this.properties = readProperties(type, bytes, at, end, list);
      at = list.end;
    }
    this.reasonCodes = [];
    if (!codeless && at === end) throw malformed(`${name} without a code`);
    for (; at < end; at++) {
      const code = bytes[at];
      if (
        type === packet.SUBACK
          ? !isSubackReason(code, this.#level)
          : !isUnsubackReason(code)
      )
        throw malformed(`${name} with code ${code}`);
      this.reasonCodes.push(code);
    }
  }
}
