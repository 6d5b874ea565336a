import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { generate, parser, type Packet } from "mqtt-packet";

/** A TCP proxy that understands MQTT, may drop packets on their way, and cuts the wire. */
export class MQTTProxy {
  /** Packets of the client, of all its connections. */
  readonly fromClient: Packet[] = [];
  /** Bytes of each PUBLISH of the client, as they were on the wire. */
  readonly publishSizes: number[] = [];
  readonly #server;
  readonly #sockets = new Set<Socket>();
  #bytesUntilCut = Infinity;

  /** @param passes tells whether a packet of the broker goes on to the client */
  constructor(
    target: number,
    protocolVersion: 4 | 5,
    passes: (packet: Packet) => boolean = () => true,
  ) {
    this.#server = createServer((client) => {
      const broker = connect(target, "127.0.0.1");
      for (const socket of [client, broker]) {
        this.#sockets.add(socket);
        socket.on("error", () => undefined);
      }
      client.on("close", () => {
        broker.destroy();
        this.#sockets.delete(client);
      });
      broker.on("close", () => {
        client.destroy();
        this.#sockets.delete(broker);
      });
      const up = parser({ protocolVersion });
      up.on("packet", (packet: Packet) => {
        this.fromClient.push(packet);
        if (packet.cmd === "publish")
          this.publishSizes.push((packet.length ?? 0) + 2);
      });
      client.on("data", (data) => {
        const left = this.#bytesUntilCut;
        this.#bytesUntilCut -= data.length;
        if (data.length > left) {
          this.#bytesUntilCut = Infinity;
          broker.write(data.subarray(0, left), () => broker.destroy());
          client.destroy();
          return;
        }
        up.parse(data);
        broker.write(data);
      });
      const down = parser({ protocolVersion });
      down.on("packet", (packet: Packet) => {
        if (passes(packet)) client.write(generate(packet, { protocolVersion }));
      });
      broker.on("data", (data) => down.parse(data));
    });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts the connection when so many more bytes of the client have gone through, wherever in a packet that is. */
  cutAfter(bytes: number): void {
    this.#bytesUntilCut = bytes;
  }

  /** How many packets of a kind the client has sent. */
  count(command: Packet["cmd"]): number {
    return this.fromClient.filter(({ cmd }) => cmd === command).length;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
