import { once } from "node:events";
import tls, { type TLSSocket } from "node:tls";
import mqttPacket from "mqtt-packet";

/** How a client of the load comes to a broker. */
export interface LoadTarget {
  readonly port: number;
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

/** MQTT packet types, in the high half of the first byte (MQTT 3.1.1 section 2.2.1). */
const packetType = { publish: 3, puback: 4 } as const;

/**
 * An MQTT 3.1.1 client that costs little, so that the broker is what is measured: it takes packets apart only as far as it
 * must, acknowledges every QoS 1 message, and tells of each by its payload.
 */
export class LoadClient {
  readonly #socket: TLSSocket;
  /** Rejects when the broker ends the connection: a message that got lost is not waited for. */
  readonly lost: Promise<never>;
  #closing = false;
  #rest: Buffer = Buffer.alloc(0);
  #nextId = 0;
  /** Is called with the payload of each message. */
  onMessage: (payload: Buffer) => void = () => {};
  #onPacket: (first: number) => void = () => {};

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => this.#received(bytes));
    socket.on("error", () => socket.destroy());
    this.lost = new Promise((_, reject) =>
      socket.on("close", () => {
        if (!this.#closing) reject(new Error("The broker closed a connection"));
      }),
    );
    this.lost.catch(() => {});
  }

  static async connect(
    { port, key, cert, ca }: LoadTarget,
    clientId: string,
  ): Promise<LoadClient> {
    const socket = tls.connect({
      ...{ host: "127.0.0.1", port, key, cert, ca },
      servername: "localhost",
    });
    const client = new LoadClient(socket);
    await Promise.race([once(socket, "secureConnect"), client.lost]);
    socket.setNoDelay(true);
    await client.#ask({
      cmd: "connect",
      protocolId: "MQTT",
      protocolVersion: 4,
      clean: true,
      keepalive: 600,
      clientId,
    });
    return client;
  }

  async subscribe(topic: string): Promise<void> {
    await this.#ask({
      cmd: "subscribe",
      messageId: 1,
      subscriptions: [{ topic, qos: 1 }],
    });
  }

  /** Publishes with QoS 1. */
  publish(topic: string, payload: Buffer): void {
    this.#nextId = (this.#nextId % 0xffff) + 1;
    this.#socket.write(
      mqttPacket.generate({
        cmd: "publish",
        topic,
        payload,
        qos: 1,
        dup: false,
        retain: false,
        messageId: this.#nextId,
      }),
    );
  }

  close(): void {
    this.#closing = true;
    this.#socket.destroy();
  }

  async #ask(packet: mqttPacket.Packet): Promise<void> {
    const answered = new Promise<void>((resolve) => {
      this.#onPacket = () => resolve();
    });
    this.#socket.write(mqttPacket.generate(packet));
    await Promise.race([answered, this.lost]);
    this.#onPacket = () => {};
  }

  #received(bytes: Buffer): void {
    let buffer =
      this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const acknowledgements: Buffer[] = [];
    for (;;) {
      const length = packetLength(buffer);
      if (length === undefined || buffer.length < length.total) break;
      this.#packet(
        buffer.subarray(0, length.total),
        length.header,
        acknowledgements,
      );
      buffer = buffer.subarray(length.total);
    }
    this.#rest = buffer;
    if (acknowledgements.length > 0)
      this.#socket.write(Buffer.concat(acknowledgements));
  }

  #packet(packet: Buffer, header: number, acknowledgements: Buffer[]): void {
    const type = packet[0] >> 4;
    if (type !== packetType.publish) {
      if (type !== packetType.puback) this.#onPacket(packet[0]);
      return;
    }
    let at = header + 2 + packet.readUInt16BE(header);
    if ((packet[0] & 0x06) !== 0) {
      acknowledgements.push(
        Buffer.from([packetType.puback << 4, 2, packet[at], packet[at + 1]]),
      );
      at += 2;
    }
    this.onMessage(packet.subarray(at));
  }
}

/** Length of the packet that a buffer begins with: of its header, and in total. */
function packetLength(
  buffer: Buffer,
): { header: number; total: number } | undefined {
  let length = 0;
  for (let at = 1; at < buffer.length && at < 5; at++) {
    length += (buffer[at] & 0x7f) << (7 * (at - 1));
    if (buffer[at] < 0x80) return { header: at + 1, total: at + 1 + length };
  }
  return undefined;
}
