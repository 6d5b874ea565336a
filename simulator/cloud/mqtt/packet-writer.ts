import type { Duplex } from "node:stream";
import mqttPacket, { type Packet } from "mqtt-packet";
import { Throughput } from "./throughput.js";

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
  readonly #throughput: Throughput;
  readonly #onRoom: () => void;
  #delayed: NodeJS.Timeout | undefined;

  /**
   * @param throughput bytes a second that leave; 0 for any number
   * @param onRoom is called when bytes that were delayed have left
   */
  constructor(socket: Duplex, throughput: number, onRoom: () => void) {
    this.#socket = socket;
    this.#throughput = new Throughput(throughput);
    this.#onRoom = onRoom;
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
    if (this.#waiting.length === 0) process.nextTick(() => this.#flush());
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    return true;
  }

  /** Writes what is left and ends the socket. */
  end(): void {
    clearTimeout(this.#delayed);
    this.#delayed = undefined;
    this.#flush();
    clearTimeout(this.#delayed);
    this.#socket.end();
  }

  #flush(): void {
    if (this.#waiting.length === 0 || this.#delayed) return;
    const bytes =
      this.#waiting.length === 1
        ? this.#waiting[0]
        : Buffer.concat(this.#waiting, this.#waitingBytes);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#socket.write(bytes);
    const wait = this.#throughput.take(bytes.length);
    if (wait === 0) return;
    this.#delayed = setTimeout(() => {
      this.#delayed = undefined;
      this.#flush();
      this.#onRoom();
    }, wait);
  }

  get #unsent(): number {
    return this.#socket.writableLength + this.#waitingBytes;
  }
}
