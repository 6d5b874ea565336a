import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import type { IConnectPacket, Packet } from "mqtt-packet";
import { limits } from "../limits.js";
import {
  judgeCertificate,
  judgeConnect,
  type Peer,
  type Refusal,
} from "./admission.js";
import {
  bareClose,
  Client,
  type ClientLine,
  type ClientServices,
} from "./client.js";
import { acceptance, reasonString, rejection } from "./connack.js";
import type { JustInTime } from "./just-in-time.js";
import { KeepAlive } from "./keep-alive.js";
import { subjectOf } from "./lifecycle.js";
import { PacketError, PacketReader } from "./packet-reader.js";
import { PacketWriter } from "./packet-writer.js";
import { reason, type DisconnectReason } from "./reason.js";
import { Throughput } from "./throughput.js";

/** What connections share. */
export interface ConnectionServices extends ClientServices {
  /** Takes one CONNECT of this client id. @returns false when it comes too often */
  readonly mayConnect: (clientId: string) => boolean;
  readonly justInTime: JustInTime;
}

/** Milliseconds a client gets to take its last bytes and close. */
const closingTime = 2_000;

/**
 * One client's MQTT connection, from the end of its TLS handshake to its close: bytes to packets and back, CONNECT first,
 * keep-alive, bounded output, and how each version of MQTT is told no. What a client then asks for is `Client`'s.
 */
export class Connection implements ClientLine {
  readonly #socket: Duplex;
  readonly #peer: Peer;
  readonly #services: ConnectionServices;
  readonly #reader = new PacketReader(limits.packet);
  readonly #writer: PacketWriter;
  readonly #sessionIdentifier = randomUUID().replaceAll("-", "");
  #client: Client | undefined;
  #closed = false;
  #held = false;
  readonly #inbound: Throughput;
  #delayed: NodeJS.Timeout | undefined;
  #watch: KeepAlive;

  constructor(socket: Duplex, peer: Peer, services: ConnectionServices) {
    this.#socket = socket;
    const { throughput } = services.choices;
    this.#writer = new PacketWriter(socket, throughput, () => this.#drained());
    this.#inbound = new Throughput(throughput);
    this.#peer = peer;
    this.#services = services;
    const { connectTimeout } = services.choices;
    this.#watch = new KeepAlive(connectTimeout, () =>
      this.#refuse({
        cause: "CLIENT_ERROR",
        reason: `no CONNECT within ${connectTimeout} ms of the handshake`,
      }),
    );
    socket.on("data", (bytes: Buffer) => this.#received(bytes));
    socket.on("drain", () => this.#drained());
    socket.on("error", (error) => this.#lost(error.message));
    socket.on("end", () => this.#lost("the client closed without DISCONNECT"));
    socket.on("close", () => this.#lost("the connection broke"));
    if (services.choices.refuseCertificateAt === "handshake-end")
      this.#judgeEarly();
  }

  get name(): string {
    return this.#peer.name;
  }

  get address(): string {
    return this.#peer.address;
  }

  get ready(): boolean {
    return this.#writer.ready;
  }

  send(packet: Packet): boolean {
    if (this.#closed || !this.#writer.send(packet)) return false;
    if (this.#writer.hopeless)
      this.end(undefined, "CLIENT_ERROR", "the client does not read");
    return true;
  }

  end(
    code: number | undefined,
    cause: DisconnectReason,
    why: string,
    text = "Connection ended by the server",
    withWill = true,
  ): void {
    if (this.#closed) return;
    const tells = this.#client?.hearsReasons === true && code !== undefined;
    if (tells)
      this.#writer.send({
        cmd: "disconnect",
        reasonCode: code,
        properties: { reasonString: reasonString("DISCONNECT", text) },
      });
    this.#finish();
    this.#client?.leave(
      cause,
      why,
      tells ? `DISCONNECT ${hex(code)}` : bareClose,
      withWill,
    );
  }

  ended(why: string, withWill: boolean): void {
    if (this.#closed) return;
    this.#finish();
    this.#client?.leave(
      "CLIENT_INITIATED_DISCONNECT",
      why,
      "its own close",
      withWill,
    );
  }

  hold(): void {
    this.#held = true;
    this.#socket.pause();
  }

  release(): void {
    if (!this.#held || this.#closed) return;
    this.#held = false;
    this.#readOn();
  }

  #judgeEarly(): void {
    const certificate = this.#peer.readCertificate?.();
    const flaw = this.#services.justInTime.flawOf(certificate);
    if (flaw !== undefined) this.#refuse({ cause: "AUTH_ERROR", reason: flaw });
  }

  #received(bytes: Buffer): void {
    if (this.#closed) return;
    if (this.#client) this.#watch.heard();
    this.#reader.feed(bytes);
    const wait = this.#inbound.take(bytes.length);
    if (wait > 0) this.#delay(wait);
    this.#readPackets();
  }

  /** Reads nothing more for so many milliseconds: the client sent more a second than a connection may. */
  #delay(wait: number): void {
    this.#socket.pause();
    this.#delayed ??= setTimeout(() => {
      this.#delayed = undefined;
      this.#readOn();
    }, wait);
  }

  /** Reads again, unless there is still a reason not to. */
  #readOn(): void {
    if (this.#held || this.#closed || this.#delayed) return;
    this.#socket.resume();
    this.#readPackets();
  }

  #readPackets(): void {
    try {
      while (!this.#held && !this.#closed) {
        const packet = this.#reader.next();
        if (!packet) break;
        this.#handle(packet);
        if (!this.ready) this.hold();
      }
    } catch (error) {
      this.#broke(error);
    }
  }

  #handle(packet: Packet): void {
    if (this.#client) this.#client.handle(packet);
    else if (packet.cmd === "connect") this.#connect(packet);
    else
      this.#refuse({
        cause: "CLIENT_ERROR",
        reason: `the first packet is ${packet.cmd.toUpperCase()}, not CONNECT`,
      });
  }

  #connect(packet: IConnectPacket): void {
    const { registry, broker, clients, wills } = this.#services;
    registry.refresh();
    if (this.#registersJustInTime()) {
      this.#refuse({
        cause: "AUTH_ERROR",
        reason: "this CONNECT registered the certificate; the next is judged",
      });
      return;
    }
    const judged = judgeConnect(packet, this.#peer, this.#services);
    if ("refusal" in judged) {
      this.#refuse(judged.refusal, packet);
      return;
    }
    const { admission } = judged;
    clients.get(admission.clientId)?.takenOver(this.name);
    const { session, present } = broker.openSession(
      admission.clientId,
      admission.version,
      admission.clean,
      admission.expiry,
    );
    wills.returned(admission.clientId, present);
    this.#client = new Client({
      ...this.#services,
      line: this,
      session,
      admission,
      subject: subjectOf(admission, this.#sessionIdentifier, registry),
    });
    this.#writer.version = admission.version;
    this.#writer.maximumPacketSize = admission.maximumPacketSize;
    this.send(acceptance(admission, present));
    this.#watchKeepAlive(admission.keepAlive);
    this.#client.enter(present);
  }

  /** Whether this CONNECT is one that only registers its certificate. */
  #registersJustInTime(): boolean {
    const { registry, justInTime } = this.#services;
    const judged = judgeCertificate(this.#peer.certificateId, registry);
    const certificate =
      "refused" in judged ? this.#peer.readCertificate?.() : undefined;
    return certificate !== undefined && justInTime.connecting(certificate);
  }

  /** One and a half keep-alives of silence end a connection (MQTT 5 section 3.1.2.10). */
  #watchKeepAlive(keepAlive: number): void {
    const silence = keepAlive * 1.5;
    this.#watch.stop();
    this.#watch = new KeepAlive(silence * 1000, () =>
      this.end(
        reason.keepAliveTimeout,
        "MQTT_KEEP_ALIVE_TIMEOUT",
        `nothing came for ${silence} s, one and a half keep-alives`,
        "Keep alive timeout",
      ),
    );
  }

  /** Ends a connection before it became a client's. Only MQTT 5 hears why, and not when it is about its certificate. */
  #refuse(refusal: Refusal, packet?: IConnectPacket): void {
    if (this.#closed) return;
    const { code, cause, reason: why } = refusal;
    const clientId = packet?.clientId ?? "";
    const tells = packet?.protocolVersion === 5 && code !== undefined;
    if (tells) {
      this.#writer.version = 5;
      this.#writer.send(rejection(code));
    }
    this.#services.log.add({
      type: "refused",
      ...(clientId && { client: clientId }),
      peer: this.name,
      reason: why,
      told: tells ? `CONNACK ${hex(code)}, then close` : bareClose,
    });
    this.#finish();
    const { certificateId } = this.#peer;
    if (cause === "FORBIDDEN_ACCESS" && clientId && certificateId)
      this.#services.lifecycle.connectFailed(
        { clientId, certificateId, sessionIdentifier: this.#sessionIdentifier },
        this.address,
      );
  }

  /** Bytes that are no MQTT end the connection; so does a fault of the cloud's own, which must not end the cloud. */
  #broke(error: unknown): void {
    const tooLarge =
      error instanceof PacketError && error.problem === "too-large";
    const ours = !(error instanceof PacketError);
    const why = ours
      ? `the cloud failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
      : tooLarge
        ? error.message
        : `no MQTT: ${error.message}`;
    if (!this.#client)
      this.#refuse({
        cause: ours ? "SERVER_ERROR" : "CLIENT_ERROR",
        reason: why,
      });
    else if (ours) this.end(reason.unspecified, "SERVER_ERROR", why);
    else
      this.end(
        tooLarge ? this.#services.choices.tooLargeReason : reason.malformed,
        "CLIENT_ERROR",
        why,
        tooLarge ? "The packet is too large" : "The packet is malformed",
      );
  }

  #drained(): void {
    this.#client?.drained();
    if (this.#held && this.#client?.overloaded !== true) this.release();
  }

  #lost(why: string): void {
    if (this.#closed) return;
    this.#finish();
    if (this.#client)
      this.#client.leave("CONNECTION_LOST", why, "a broken connection", true);
    else
      this.#services.log.add({
        type: "refused",
        peer: this.name,
        reason: `${why}, before CONNECT`,
        told: "nothing",
      });
  }

  /** Closes the socket politely, and less so when the client does not close its side. */
  #finish(): void {
    this.#closed = true;
    this.#watch.stop();
    this.#socket.removeAllListeners("data");
    this.#socket.resume();
    clearTimeout(this.#delayed);
    this.#writer.end();
    const forced = setTimeout(() => this.#socket.destroy(), closingTime);
    this.#socket.once("close", () => clearTimeout(forced));
  }
}

function hex(code: number): string {
  return `0x${code.toString(16)}`;
}
