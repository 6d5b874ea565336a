import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import mqttPacket, { type IConnectPacket, type Packet } from "mqtt-packet";
import type { Choices } from "../choices.js";
import type { EventLog } from "../event-log.js";
import { limits } from "../limits.js";
import type { Registry } from "../registry/registry.js";
import {
  judgeCertificate,
  judgeConnect,
  type Admission,
  type Peer,
} from "./admission.js";
import type { Broker } from "./broker.js";
import { ClientRequests } from "./client-requests.js";
import type { Lifecycle, LifecycleSubject } from "./lifecycle.js";
import type { Message } from "./message.js";
import { PacketError, PacketReader } from "./packet-reader.js";
import { RateLimit } from "./rate-limit.js";
import { reason, type DisconnectReason } from "./reason.js";
import type { Link, Session } from "./session.js";
import type { Wills } from "./wills.js";

/** What connections share. */
export interface ConnectionServices {
  readonly broker: Broker;
  readonly registry: Registry;
  readonly choices: Choices;
  readonly log: EventLog;
  readonly lifecycle: Lifecycle;
  readonly wills: Wills;
  /** Connected clients by client id. */
  readonly clients: Map<string, Connection>;
  readonly mayConnect: (clientId: string) => boolean;
}

/** Bytes that may wait for a slow reader before deliveries to it wait, and before it is cut off. */
const slowReader = { wait: 256 * 1024, cut: 4 * 1024 * 1024 };
/** Milliseconds a client gets to take its last bytes and close. */
const closingTime = 2_000;
/** What a device sees of an ending without a packet. */
const hangUp = "close_notify and FIN, no packet";

/**
 * One client's MQTT connection, from the end of its TLS handshake to its close.
 *
 * Holds the protocol's clock and manners (CONNECT first, keep-alive, bounded output, how each version is told no); what a
 * connected client asks for is in `ClientRequests`.
 */
export class Connection implements Link {
  readonly #socket: Duplex;
  readonly #peer: Peer;
  readonly #services: ConnectionServices;
  readonly #reader = new PacketReader(limits.packet);
  readonly #deliveries: RateLimit;
  readonly #sessionIdentifier = randomUUID().replaceAll("-", "");
  #state: "waiting" | "connected" | "closed" = "waiting";
  #admission: Admission | undefined;
  #session: Session | undefined;
  #requests: ClientRequests | undefined;
  #versionNumber = 0;
  #lastReceived = Date.now();
  #timer: NodeJS.Timeout;
  #corked = false;
  #held = false;

  constructor(socket: Duplex, peer: Peer, services: ConnectionServices) {
    this.#socket = socket;
    this.#peer = peer;
    this.#services = services;
    this.#deliveries = new RateLimit(services.choices.publishRate);
    this.#timer = setTimeout(
      () =>
        this.#refuse(
          undefined,
          "CLIENT_ERROR",
          `no CONNECT within ${services.choices.connectTimeout} ms of the handshake`,
        ),
      services.choices.connectTimeout,
    );
    socket.on("data", (bytes: Buffer) => this.#received(bytes));
    socket.on("drain", () => this.#drained());
    socket.on("error", (error) =>
      this.#lost(error.message || "the connection broke"),
    );
    socket.on("end", () => this.#lost("the client closed without DISCONNECT"));
    socket.on("close", () => this.#lost("the connection broke"));
  }

  /** Client id; empty until the client is connected. */
  get clientId(): string {
    return this.#admission?.clientId ?? "";
  }

  get receiveMaximum(): number {
    return this.#admission?.receiveMaximum ?? 0;
  }

  get writable(): boolean {
    return this.#socket.writableLength < slowReader.wait;
  }

  mayReceive(topic: string): boolean {
    const resource = `topic/${topic}`;
    const decision = this.#admission?.authorizer.decide(
      "iot:Receive",
      resource,
    );
    if (!decision || decision.decision === "ALLOWED")
      return decision !== undefined;
    this.#services.log.add({
      type: "denied",
      client: this.clientId,
      action: "iot:Receive",
      resource,
      decision: decision.decision,
      ...(decision.policy !== undefined && { policy: decision.policy }),
      told: "nothing, the message does not arrive",
    });
    return false;
  }

  mayDeliver(): boolean {
    return this.#deliveries.take();
  }

  deliver(
    message: Message,
    options: { qos: 0 | 1; id?: number; dup: boolean; retain: boolean },
  ): boolean {
    const left =
      message.expiresAt === undefined
        ? undefined
        : Math.max(1, Math.ceil((message.expiresAt - Date.now()) / 1000));
    const properties =
      this.#admission?.version === 5
        ? {
            ...message.properties,
            ...(left !== undefined && { messageExpiryInterval: left }),
          }
        : undefined;
    return this.send({
      cmd: "publish",
      topic: message.topic,
      payload: message.payload,
      qos: options.qos,
      dup: options.dup,
      retain: options.retain,
      ...(options.id !== undefined && { messageId: options.id }),
      ...(properties && { properties }),
    } as Packet);
  }

  /** Sends a packet. @returns false when it is larger than the client accepts, or the connection is over */
  send(packet: Packet): boolean {
    if (this.#state === "closed") return false;
    const bytes = mqttPacket.generate(packet, {
      protocolVersion: this.#admission?.version ?? 4,
    });
    if (bytes.length > (this.#admission?.maximumPacketSize ?? limits.packet))
      return false;
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(bytes);
    if (this.#socket.writableLength > slowReader.cut)
      this.end(undefined, "CLIENT_ERROR", "the client does not read");
    return true;
  }

  /**
   * Ends the connection from this side: MQTT 5 is told in a DISCONNECT with `code`, 3.1.1 just hears the line go dead.
   * @param why for the log
   * @param text English text of the reason string that the device is told
   */
  end(
    code: number | undefined,
    cause: DisconnectReason,
    why: string,
    text = "Connection ended by the server",
  ): void {
    if (this.#state === "closed") return;
    const tells = this.#admission?.version === 5 && code !== undefined;
    if (tells)
      this.send({
        cmd: "disconnect",
        reasonCode: code,
        properties: { reasonString: reasonString("DISCONNECT", text) },
      });
    this.#close(
      cause,
      why,
      tells ? `DISCONNECT 0x${code.toString(16)}` : hangUp,
    );
  }

  /** Looks at the registry again: a certificate that is no longer ACTIVE, or a policy that no longer allows it, ends it. */
  reconsider(): void {
    const admission = this.#admission;
    if (this.#state !== "connected" || !admission) return;
    const certificate = judgeCertificate(
      admission.certificateId,
      this.#services.registry,
    );
    if ("refused" in certificate)
      return this.end(
        reason.notAuthorized,
        "FORBIDDEN_ACCESS",
        certificate.refused,
        "The client is no longer authorized",
      );
    const resource = `client/${admission.clientId}`;
    if (!admission.authorizer.allows("iot:Connect", resource))
      this.end(
        reason.notAuthorized,
        "FORBIDDEN_ACCESS",
        `iot:Connect on ${resource} is no longer allowed`,
        "The client is no longer authorized",
      );
  }

  /** Stops reading until `release`: a client waits for its acknowledgements, or does not take what it was sent. */
  hold(): void {
    this.#held = true;
    this.#socket.pause();
  }

  /** Reads on. */
  release(): void {
    if (!this.#held || this.#state === "closed") return;
    this.#held = false;
    this.#socket.resume();
    this.#received(Buffer.alloc(0));
  }

  #received(bytes: Buffer): void {
    if (this.#state === "closed") return;
    if (bytes.length > 0) {
      this.#lastReceived = Date.now();
      this.#reader.feed(bytes);
    }
    try {
      while (!this.#held && this.#isOpen()) {
        const packet = this.#reader.next();
        if (!packet) break;
        this.#handle(packet);
        if (!this.writable) this.hold();
      }
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      const tooLarge = error.problem === "too-large";
      this.#refuse(
        tooLarge ? this.#services.choices.tooLargeReason : reason.malformed,
        "CLIENT_ERROR",
        `${tooLarge ? "" : "no MQTT: "}${error.message}`,
      );
    }
  }

  #isOpen(): boolean {
    return this.#state !== "closed";
  }

  #handle(packet: Packet): void {
    if (this.#state === "waiting") {
      if (packet.cmd === "connect") this.#connect(packet);
      else
        this.#refuse(
          undefined,
          "CLIENT_ERROR",
          `the first packet is ${packet.cmd.toUpperCase()}, not CONNECT`,
        );
      return;
    }
    switch (packet.cmd) {
      case "pingreq":
        this.send({ cmd: "pingresp" });
        break;
      case "disconnect":
        this.#disconnected(packet.reasonCode ?? 0, packet.properties);
        break;
      default:
        this.#requests?.handle(packet);
    }
  }

  #connect(packet: IConnectPacket): void {
    const { registry, log, broker, clients, wills, lifecycle } = this.#services;
    registry.refresh();
    const judged = judgeConnect(packet, this.#peer, this.#services);
    if ("refusal" in judged) {
      const { code, cause, reason: why } = judged.refusal;
      const known = packet.clientId !== "" && this.#peer.certificateId;
      if (cause === "FORBIDDEN_ACCESS" && known)
        lifecycle.connectFailed(
          {
            clientId: packet.clientId,
            certificateId: known,
            sessionIdentifier: this.#sessionIdentifier,
          },
          this.#peer.address,
        );
      const version = packet.protocolVersion === 5 ? 5 : 4;
      return this.#refuse(code, cause, why, packet.clientId, version);
    }
    const { admission } = judged;
    const { clientId, version } = admission;
    clients
      .get(clientId)
      ?.end(
        reason.sessionTakenOver,
        "DUPLICATE_CLIENTID",
        `another connection took the client id, from ${this.#peer.name}`,
        "Session taken over by another connection",
      );
    const { session, present } = broker.openSession(
      clientId,
      version,
      admission.clean,
      admission.expiry,
    );
    wills.returned(clientId, present);
    this.#admission = admission;
    this.#session = session;
    this.#state = "connected";
    clients.set(clientId, this);
    this.#requests = new ClientRequests(this, session, admission, {
      ...this.#services,
      subject: this.#subject(admission),
    });
    this.#sendConnack(admission, present);
    const thing = admission.authorizer.thingName;
    log.add({
      type: "connected",
      client: clientId,
      peer: this.#peer.name,
      protocol: version === 5 ? "MQTT 5" : "MQTT 3.1.1",
      ...(thing !== undefined && { thing }),
      certificate: admission.certificateId,
      keepAlive: admission.keepAlive,
      sessionPresent: present,
    });
    this.#versionNumber = lifecycle.connected(
      this.#subject(admission),
      this.#peer.address,
    );
    this.#watchKeepAlive(admission.keepAlive * 1500);
    broker.attach(session, this);
  }

  #sendConnack(admission: Admission, sessionPresent: boolean): void {
    if (admission.version === 4) {
      this.send({ cmd: "connack", sessionPresent, returnCode: 0 });
      return;
    }
    this.send({
      cmd: "connack",
      sessionPresent,
      reasonCode: reason.success,
      properties: {
        ...((admission.expiry > 0 ||
          admission.expiry !== admission.requestedExpiry) && {
          sessionExpiryInterval: admission.expiry,
        }),
        receiveMaximum: limits.inflight,
        maximumQoS: 1,
        retainAvailable: true,
        maximumPacketSize: limits.packet,
        ...(admission.assignedId && {
          assignedClientIdentifier: admission.clientId,
        }),
        topicAliasMaximum: limits.topicAliases,
        wildcardSubscriptionAvailable: true,
        subscriptionIdentifiersAvailable: false,
        sharedSubscriptionAvailable: true,
        serverKeepAlive: admission.keepAlive,
      },
    });
  }

  #subject(admission: Admission): LifecycleSubject {
    const { clientId, certificateId, authorizer } = admission;
    const thing = authorizer.thingName;
    const exclusive =
      thing !== undefined &&
      this.#services.registry.isExclusive(certificateId, thing);
    return {
      clientId,
      certificateId,
      sessionIdentifier: this.#sessionIdentifier,
      ...(exclusive && { exclusiveThing: thing }),
    };
  }

  /** One timer for the whole connection: it looks when the last packet came and sleeps for the rest. */
  #watchKeepAlive(limit: number): void {
    clearTimeout(this.#timer);
    const wait = this.#lastReceived + limit - Date.now();
    if (wait <= 0)
      return this.end(
        reason.keepAliveTimeout,
        "MQTT_KEEP_ALIVE_TIMEOUT",
        `nothing came for ${limit / 1000} s, one and a half keep-alives`,
        "Keep alive timeout",
      );
    this.#timer = setTimeout(() => this.#watchKeepAlive(limit), wait);
  }

  /** The client's DISCONNECT: without its will, unless it asks for it (0x04) or reports an error. */
  #disconnected(
    code: number,
    properties: { sessionExpiryInterval?: number } = {},
  ): void {
    const admission = this.#admission!;
    const session = this.#session!;
    const expiry = properties.sessionExpiryInterval;
    if (expiry !== undefined) {
      if (admission.requestedExpiry === 0 && expiry > 0)
        return this.end(
          reason.protocolError,
          "CLIENT_ERROR",
          "DISCONNECT raises a session expiry of 0",
          "Session expiry cannot be raised from 0",
        );
      session.expiry = Math.min(
        expiry,
        this.#services.choices.maxSessionExpiry,
      );
    }
    const withWill = code !== reason.success;
    this.#close(
      "CLIENT_INITIATED_DISCONNECT",
      withWill
        ? `DISCONNECT 0x${code.toString(16)}, with its will`
        : "DISCONNECT",
      "its own close",
      withWill,
    );
  }

  #drained(): void {
    this.#session?.pump();
    if (this.#held && this.#requests?.overloaded !== true) this.release();
  }

  #lost(why: string): void {
    if (this.#state === "closed") return;
    if (this.#state === "waiting") {
      this.#services.log.add({
        type: "refused",
        peer: this.#peer.name,
        reason: `${why}, before CONNECT`,
        told: "nothing",
      });
      return this.#finish();
    }
    this.#close("CONNECTION_LOST", why, "a broken connection");
  }

  /** Ends a connection that did not become one, or whose bytes are no MQTT. */
  #refuse(
    code: number | undefined,
    cause: DisconnectReason,
    why: string,
    client?: string,
    version?: 4 | 5,
  ): void {
    if (this.#state === "connected") {
      this.end(code, cause, why, "The packet is malformed or too large");
      return;
    }
    if (this.#state === "closed") return;
    const tells = version === 5 && code !== undefined;
    if (tells)
      this.#socket.write(
        mqttPacket.generate(
          {
            cmd: "connack",
            sessionPresent: false,
            reasonCode: code,
            properties: {
              reasonString: reasonString("CONNACK", connackText(code)),
            },
          },
          { protocolVersion: 5 },
        ),
      );
    this.#services.log.add({
      type: "refused",
      ...(client && { client }),
      peer: this.#peer.name,
      reason: why,
      told: tells ? `CONNACK 0x${code.toString(16)}, then close` : hangUp,
    });
    this.#finish();
  }

  #close(
    cause: DisconnectReason,
    why: string,
    told: string,
    withWill = cause !== "CLIENT_INITIATED_DISCONNECT",
  ): void {
    const { broker, clients, wills, lifecycle, log } = this.#services;
    const admission = this.#admission!;
    const session = this.#session!;
    this.#finish();
    if (clients.get(admission.clientId) === this)
      clients.delete(admission.clientId);
    broker.detach(session);
    log.add({
      type: "disconnected",
      client: admission.clientId,
      cause,
      reason: why,
      told,
    });
    lifecycle.disconnected(
      this.#subject(admission),
      this.#versionNumber,
      cause,
    );
    if (withWill && admission.will)
      wills.left(admission.clientId, admission.will, session.expiry);
  }

  /** Closes the socket politely, and less so when the client does not close its side. */
  #finish(): void {
    this.#state = "closed";
    clearTimeout(this.#timer);
    this.#socket.removeAllListeners("data");
    this.#socket.resume();
    this.#socket.end();
    const forced = setTimeout(() => this.#socket.destroy(), closingTime);
    this.#socket.once("close", () => clearTimeout(forced));
  }
}

/** A reason string as AWS words them: `<PACKET>:<English text>:<trace id>`. */
export function reasonString(packet: string, text: string): string {
  return `${packet}:${text}:${randomUUID()}`;
}

function connackText(code: number): string {
  switch (code) {
    case reason.notAuthorized:
      return "Client is not authenticated/authorized to send the message";
    case reason.clientIdentifierInvalid:
      return "The client identifier is not valid";
    case reason.topicNameInvalid:
      return "The will topic is not valid";
    case reason.qosNotSupported:
      return "The QoS of the will is not supported";
    case reason.quotaExceeded:
      return "Quota exceeded";
    default:
      return "The connection is refused";
  }
}
