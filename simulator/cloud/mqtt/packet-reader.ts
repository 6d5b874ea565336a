import mqttPacket, { type Packet, type Parser } from "mqtt-packet";

/** Why bytes were refused. */
export type ReadProblem = "malformed" | "too-large";

/** A client's bytes that are no MQTT, or more of it than is allowed. */
export class PacketError extends Error {
  override readonly name = "PacketError";
  readonly problem: ReadProblem;

  constructor(problem: ReadProblem, message: string) {
    super(message);
    this.problem = problem;
  }
}

/**
 * Cuts a client's bytes into packets.
 *
 * The frame is read here, before the parser sees it, so that a packet that is too large is refused by its header and never
 * gathered, and so that the strings of each packet can be held to UTF-8 (MQTT 5 section 1.5.4).
 */
export class PacketReader {
  readonly #limit: number;
  readonly #parser: Parser;
  readonly #packets: Packet[] = [];
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  /** @param limit largest packet, header included, in bytes */
  constructor(limit: number) {
    this.#limit = limit;
    this.#parser = mqttPacket.parser();
    this.#parser.on("packet", (packet: Packet) => this.#packets.push(packet));
    this.#parser.on("error", (error: Error) => {
      throw new PacketError("malformed", error.message);
    });
  }

  /** Takes bytes from the wire. */
  feed(bytes: Buffer): void {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
  }

  /** Bytes that are waiting for the rest of their packet. */
  get waiting(): number {
    return this.#pendingBytes;
  }

  /**
   * The next whole packet, or undefined until more bytes come.
   * @throws PacketError
   */
  next(): Packet | undefined {
    const length = this.#frameLength();
    if (length === undefined || this.#pendingBytes < length) return undefined;
    const bytes = this.#joined();
    const frame = bytes.subarray(0, length);
    this.#pending = length < bytes.length ? [bytes.subarray(length)] : [];
    this.#pendingBytes = bytes.length - length;
    return this.#parse(frame);
  }

  #parse(frame: Buffer): Packet {
    try {
      this.#parser.parse(frame);
    } catch (error) {
      if (error instanceof PacketError) throw error;
      throw new PacketError(
        "malformed",
        error instanceof Error ? error.message : String(error),
      );
    }
    const packet = this.#packets.pop();
    if (!packet) throw new PacketError("malformed", "Packet too short");
    return packet;
  }

  /** Length of the frame at the front, header included; undefined while its header is incomplete. */
  #frameLength(): number | undefined {
    if (this.#pendingBytes < 2) return undefined;
    const first = this.#pending[0];
    const header = first.length >= 5 ? first : this.#joined();
    let length = 0;
    for (let index = 1; index <= 4; index++) {
      const byte = header.at(index);
      if (byte === undefined) return undefined;
      length += (byte & 0x7f) * 128 ** (index - 1);
      if (byte & 0x80) continue;
      const total = 1 + index + length;
      if (total > this.#limit)
        throw new PacketError(
          "too-large",
          `a packet of ${total} bytes, ${this.#limit} are allowed`,
        );
      return total;
    }
    throw new PacketError("malformed", "Invalid remaining length");
  }

  #joined(): Buffer {
    if (this.#pending.length > 1)
      this.#pending = [Buffer.concat(this.#pending, this.#pendingBytes)];
    return this.#pending[0];
  }
}
