import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import mqttPacket, {
  type IConnectPacket,
  type IPublishPacket,
  type Packet,
} from "mqtt-packet";
import type { ClientHello } from "../../cloud/tls/client-hello.js";
import type { Timeline } from "../timeline.js";
import { connackProperties, type Answers } from "./answers.js";
import { describePacket } from "./describe-packet.js";
import type { Wire } from "./wire.js";

/** A packet of the device, with the moment it was whole. */
export interface Received<P extends Packet = Packet> {
  readonly time: number;
  readonly packet: P;
}

/** How long the device may take to read what a closed connection still has for it, in ms. */
const farewell = 250;

/**
 * One connection of the device, from the TCP connection to its end: what was seen of it, and a broker's half of MQTT
 * (OASIS MQTT 3.1.1 and 5.0) that answers what `answers` says and nothing else.
 */
export class DeviceConnection {
  readonly number: number;
  readonly accepted: number;
  hello: ClientHello | undefined;
  wire: Wire | undefined;
  /** When the handshake was through, and with what. */
  secured: { time: number; version: string; suite: string } | undefined;
  /** Why there was no handshake. `alert` is what the device sent to say so. */
  refused: { reason: string; alert?: string } | undefined;
  /** When and by whom the connection was ended. */
  ended: { time: number; by: "device" | "advisor" } | undefined;
  readonly packets: Received[] = [];
  readonly #socket: Socket;
  readonly #timeline: Timeline;
  readonly #answers: Answers;
  readonly #parser = mqttPacket.parser();
  readonly #aliases = new Map<number, string>();
  #tls: TLSSocket | undefined;

  constructor(
    number: number,
    socket: Socket,
    timeline: Timeline,
    answers: Answers,
  ) {
    this.number = number;
    this.accepted = timeline.now;
    this.#socket = socket;
    this.#timeline = timeline;
    this.#answers = answers;
    this.#parser.on("packet", (packet: Packet) => this.#received(packet));
    this.#parser.on("error", (error: Error) => {
      this.note("device", `no MQTT: ${error.message}`);
      this.drop();
    });
    socket.on("error", () => this.#onEnd());
    socket.on("end", () => this.#onEnd());
    socket.on("close", () => this.#onEnd());
    this.note("device", "TCP connection");
  }

  /** The device's CONNECT. */
  get connect(): Received<IConnectPacket> | undefined {
    return this.all("connect")[0];
  }

  /** Milliseconds of keep-alive, in seconds of the device's time; 0 for none. */
  get keepAlive(): number {
    return this.connect?.packet.keepalive ?? 0;
  }

  /** All packets of one kind so far. */
  all<C extends Packet["cmd"]>(
    cmd: C,
  ): Received<Extract<Packet, { cmd: C }>>[] {
    return this.packets.filter(
      (one): one is Received<Extract<Packet, { cmd: C }>> =>
        one.packet.cmd === cmd,
    );
  }

  /** The handshake is through; MQTT begins. */
  secure(tls: TLSSocket): void {
    this.#tls = tls;
    const version = (tls.getProtocol() ?? "").replace("TLSv", "TLS ");
    const suite = tls.getCipher().standardName;
    this.secured = { time: this.#timeline.now, version, suite };
    tls.on("error", () => this.#onEnd());
    tls.on("data", (bytes: Buffer) => this.#parser.parse(bytes));
    this.note("device", `handshake: ${version}, ${suite}`);
  }

  /** There will be no handshake. */
  refuse(reason: string, alert?: string): void {
    if (this.ended?.by === "advisor") return;
    this.refused = { reason, ...(alert !== undefined && { alert }) };
    this.note("device", `no handshake: ${reason}`);
  }

  /** Sends a packet. */
  send(packet: Packet): void {
    if (this.ended || !this.#tls) return;
    this.note("advisor", describePacket(packet), packet.cmd);
    this.#tls.write(
      mqttPacket.generate(packet, {
        protocolVersion: this.connect?.packet.protocolVersion ?? 4,
      }),
    );
  }

  /** Ends the connection as a server does that goes away: close_notify, then the end of TCP. */
  drop(): void {
    if (this.ended) return;
    this.ended = { time: this.#timeline.now, by: "advisor" };
    this.note("advisor", "closes the connection");
    this.#tls?.end();
    setTimeout(() => this.#socket.destroy(), farewell).unref();
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.ended ??= { time: this.#timeline.now, by: "advisor" };
    this.#socket.destroy();
  }

  /** Writes something down that happened on this connection. */
  note(from: "device" | "advisor", what: string, kind = what): void {
    this.#timeline.add({ from, connection: this.number, what }, kind);
  }

  #onEnd(): void {
    if (this.ended) return;
    this.ended = { time: this.#timeline.now, by: "device" };
    this.note("device", "closes the connection");
  }

  #received(packet: Packet): void {
    if (this.ended) return;
    if (packet.cmd === "publish") this.#resolveAlias(packet);
    this.packets.push({ time: this.#timeline.now, packet });
    this.note("device", describePacket(packet), packet.cmd);
    this.#answer(packet);
  }

  #resolveAlias(packet: IPublishPacket): void {
    const alias = packet.properties?.topicAlias;
    if (alias === undefined) return;
    if (packet.topic === "") packet.topic = this.#aliases.get(alias) ?? "";
    else this.#aliases.set(alias, packet.topic);
  }

  #answer(packet: Packet): void {
    const { connack, sessionPresent, puback, suback, pingresp } = this.#answers;
    const { messageId = 0 } = packet;
    if (packet.cmd === "connect" && connack)
      this.send({
        cmd: "connack",
        sessionPresent,
        ...(packet.protocolVersion === 5
          ? { reasonCode: 0, properties: { ...connackProperties } }
          : { returnCode: 0 }),
      });
    else if (packet.cmd === "publish" && packet.qos === 1 && puback)
      this.send({ cmd: "puback", messageId, reasonCode: 0 });
    else if (packet.cmd === "subscribe" && suback)
      this.send({
        cmd: "suback",
        messageId,
        granted: packet.subscriptions.map(({ qos }) => Math.min(qos, 1)),
      });
    else if (packet.cmd === "unsubscribe" && suback)
      this.send({
        cmd: "unsuback",
        messageId,
        granted: packet.unsubscriptions.map(() => 0),
      });
    else if (packet.cmd === "pingreq" && pingresp)
      this.send({ cmd: "pingresp" });
    else if (packet.cmd === "disconnect") this.#socket.end();
  }
}
