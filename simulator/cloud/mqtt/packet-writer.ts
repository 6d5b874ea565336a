import type { Duplex } from "node:stream";
import mqttPacket, { type Packet } from "mqtt-packet";

/** Bytes that may wait for a slow reader: beyond the first, deliveries wait; beyond the second, the client is cut off. */
const slowReader = { wait: 256 * 1024, cut: 4 * 1024 * 1024 };

/** Writes a client's packets, joined to few records, and watches how much waits for a client that does not read. */
export class PacketWriter {
  readonly #socket: Duplex;
  /** Protocol version that packets are written in. */
  version: 4 | 5 = 4;
  /** Largest packet that the client accepts, bytes. */
  maximumPacketSize = Infinity;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  /** False while too much waits for the client. */
  get ready(): boolean {
    return this.#unsent < slowReader.wait;
  }

  /** True when so much waits that the client has to be given up. */
  get hopeless(): boolean {
    return this.#unsent > slowReader.cut;
  }

  /** Sends a packet. @returns false when it is larger than the client accepts */
  send(packet: Packet): boolean {
    const bytes = mqttPacket.generate(packet, {
      protocolVersion: this.version,
    });
    if (bytes.length > this.maximumPacketSize) return false;
    // What one turn of the event loop sends leaves as one write.
    if (this.#waiting.length === 0) process.nextTick(() => this.flush());
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    return true;
  }

  /** Writes what was sent in this turn of the event loop. Called before the socket is ended. */
  flush(): void {
    if (this.#waiting.length === 0) return;
    const bytes =
      this.#waiting.length === 1
        ? this.#waiting[0]
        : Buffer.concat(this.#waiting, this.#waitingBytes);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#socket.write(bytes);
  }

  get #unsent(): number {
    return this.#socket.writableLength + this.#waitingBytes;
  }
}
