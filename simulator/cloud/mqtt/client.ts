import type { IDisconnectPacket, Packet } from "mqtt-packet";
import type { Choices } from "../choices.js";
import type { EventLog } from "../event-log.js";
import type { MqttAction } from "../policy/authorizer.js";
import type { Registry } from "../registry/registry.js";
import { judgeCertificate, type Admission } from "./admission.js";
import type { Broker } from "./broker.js";
import type { Lifecycle, LifecycleSubject } from "./lifecycle.js";
import type { Message } from "./message.js";
import { Publishing } from "./publishing.js";
import { RateLimit } from "./rate-limit.js";
import { reason, type DisconnectReason } from "./reason.js";
import type { Requester, ReservedTopics } from "./reserved-topics.js";
import type { Link, Session } from "./session.js";
import { Subscribing } from "./subscribing.js";
import { filterMatches, type RuleTopic } from "./topic.js";
import type { Wills } from "./wills.js";

/** What a client needs of the connection that it is on. */
export interface ClientLine {
  /** Where it comes from, for people. */
  readonly name: string;
  readonly address: string;
  /** False while too many bytes wait for a client that does not read. */
  readonly ready: boolean;
  /** Sends a packet. @returns false when the client accepts none that large, or the connection is over */
  send(packet: Packet): boolean;
  /** Ends the connection from this side: MQTT 5 is told `code` and `text` in a DISCONNECT, 3.1.1 nothing. */
  end(
    code: number | undefined,
    cause: DisconnectReason,
    why: string,
    text?: string,
    withWill?: boolean,
  ): void;
  /** The client ended the connection with a DISCONNECT. */
  ended(why: string, withWill: boolean): void;
  /** Stops reading until `release`. */
  hold(): void;
  release(): void;
}

/** What all clients share. */
export interface ClientServices {
  readonly broker: Broker;
  readonly registry: Registry;
  readonly choices: Choices;
  readonly log: EventLog;
  readonly lifecycle: Lifecycle;
  readonly wills: Wills;
  readonly reserved: ReservedTopics;
  /** Publishes that all clients together may still have. */
  readonly accountPublishes: RateLimit;
  /** Takes a message that a client publishes to a rule directly. */
  readonly ingest: (rule: RuleTopic, payload: Buffer, from: string) => void;
  /** Connected clients by client id. */
  readonly clients: Map<string, Client>;
}

/** What makes one client. */
export interface ClientParts extends ClientServices {
  readonly line: ClientLine;
  readonly session: Session;
  readonly admission: Admission;
  readonly subject: LifecycleSubject;
}

/** English text that tells a client its policy does not allow something (one sample of AWS's is known, this one). */
export const notAuthorizedText =
  "Client is not authenticated/authorized to send the message";
/** What a 3.1.1 device sees when it is refused anything. */
export const bareClose = "close_notify and FIN, no packet";

/** A connected client, from its CONNACK to the end of its connection. */
export class Client implements Link, Requester {
  readonly parts: ClientParts;
  readonly #publishing: Publishing;
  readonly #subscribing: Subscribing;
  readonly #deliveries: RateLimit;
  #versionNumber = 0;

  constructor(parts: ClientParts) {
    this.parts = parts;
    this.#publishing = new Publishing(this);
    this.#subscribing = new Subscribing(this);
    this.#deliveries = new RateLimit(parts.choices.publishRate);
  }

  get clientId(): string {
    return this.parts.admission.clientId;
  }

  get certificateId(): string {
    return this.parts.admission.certificateId;
  }

  /** True for MQTT 5, where a refusal has a code; 3.1.1 is hung up on. */
  get hearsReasons(): boolean {
    return this.parts.admission.version === 5;
  }

  get receiveMaximum(): number {
    return this.parts.admission.receiveMaximum;
  }

  get writable(): boolean {
    return this.parts.line.ready;
  }

  /** True while as many QoS 1 publishes wait for their acknowledgement as a client may have. */
  get overloaded(): boolean {
    return this.#publishing.overloaded;
  }

  /** Tells the world that the client is here, and begins to send what waited for it. */
  enter(sessionPresent: boolean): void {
    const { clients, log, lifecycle, broker, admission, line, session } =
      this.parts;
    clients.set(this.clientId, this);
    const thing = admission.authorizer.thingName;
    log.add({
      type: "connected",
      client: this.clientId,
      peer: line.name,
      protocol: this.hearsReasons ? "MQTT 5" : "MQTT 3.1.1",
      ...(thing !== undefined && { thing }),
      certificate: admission.certificateId,
      keepAlive: admission.keepAlive,
      sessionPresent,
    });
    this.#versionNumber = lifecycle.connected(this.parts.subject, line.address);
    broker.attach(session, this);
  }

  /** Tells the world that the connection ended, and why. `told` is what the device saw of it. */
  leave(
    cause: DisconnectReason,
    why: string,
    told: string,
    withWill: boolean,
  ): void {
    const { clients, broker, session, log, lifecycle, wills, admission } =
      this.parts;
    if (clients.get(this.clientId) === this) clients.delete(this.clientId);
    broker.detach(session);
    log.add({
      type: "disconnected",
      client: this.clientId,
      cause,
      reason: why,
      told,
    });
    lifecycle.disconnected(this.parts.subject, this.#versionNumber, cause);
    if (withWill && admission.will)
      wills.left(this.clientId, admission.will, session.expiry);
  }

  /** Does what a packet asks for. */
  handle(packet: Packet): void {
    switch (packet.cmd) {
      case "publish":
        this.#publishing.handle(packet);
        break;
      case "puback":
        this.parts.session.acknowledge(packet.messageId ?? 0);
        break;
      case "subscribe":
        this.#subscribing.subscribe(packet);
        break;
      case "unsubscribe":
        this.#subscribing.unsubscribe(packet);
        break;
      case "pingreq":
        this.parts.line.send({ cmd: "pingresp" });
        break;
      case "disconnect":
        this.#disconnect(packet);
        break;
      default:
        this.broke(
          reason.protocolError,
          `${packet.cmd.toUpperCase()} is not for a client to send here`,
          "Packet type is not supported",
        );
    }
  }

  /**
   * The API ends the connection (`DeleteConnection`).
   * @param clean ends the session too
   */
  dismissed(clean: boolean, withWill: boolean): void {
    const { session, line } = this.parts;
    if (clean) session.expiry = 0;
    line.end(
      reason.administrativeAction,
      "API_INITIATED_DISCONNECT",
      "DeleteConnection ended it",
      "Connection was deleted",
      withWill,
    );
  }

  /** Another connection came with this client id. */
  takenOver(by: string): void {
    this.parts.line.end(
      reason.sessionTakenOver,
      "DUPLICATE_CLIENTID",
      `another connection took the client id, from ${by}`,
      "Session taken over by another connection",
    );
  }

  /** Looks at the registry again: a certificate that is no longer ACTIVE, or a policy that no longer allows it, ends it. */
  reconsider(): void {
    const { admission, registry, line } = this.parts;
    const { certificateId, authorizer, connectValues } = admission;
    const resource = `client/${this.clientId}`;
    const certificate = judgeCertificate(certificateId, registry);
    const flaw =
      "refused" in certificate
        ? certificate.refused
        : authorizer.decide("iot:Connect", resource, connectValues).decision ===
            "ALLOWED"
          ? undefined
          : `iot:Connect on ${resource} is no longer allowed`;
    if (flaw !== undefined)
      line.end(
        reason.notAuthorized,
        "FORBIDDEN_ACCESS",
        flaw,
        "The client is no longer authorized",
      );
  }

  /** Room on the wire again. */
  drained(): void {
    this.parts.session.pump();
  }

  mayReceive(topic: string): boolean {
    const resource = `topic/${topic}`;
    return this.allows(
      "iot:Receive",
      resource,
      "nothing, the message does not arrive",
    );
  }

  answer(message: Message): void {
    const { session, broker } = this.parts;
    // A session that ended in the meantime is nobody's any more.
    if (broker.sessions.get(this.clientId) === session)
      void session.deliver(message, message.qos, false);
  }

  answerSubscribed(message: Message): void {
    for (const filter of this.parts.session.subscriptions.keys())
      if (filterMatches(filter, message.topic)) {
        this.answer(message);
        return;
      }
  }

  mayDeliver(): boolean {
    return this.#deliveries.take();
  }

  deliver(
    message: Message,
    options: { qos: 0 | 1; id?: number; dup: boolean; retain: boolean },
  ): boolean {
    return this.parts.line.send({
      cmd: "publish",
      topic: message.topic,
      payload: message.payload,
      qos: options.qos,
      dup: options.dup,
      retain: options.retain,
      ...(options.id !== undefined && { messageId: options.id }),
      ...(this.hearsReasons && { properties: deliveredProperties(message) }),
    });
  }

  /** Asks the policies; a denial goes to the log with what the device is `told`. */
  allows(action: MqttAction, resource: string, told: string): boolean {
    const found = this.parts.admission.authorizer.decide(action, resource);
    if (found.decision === "ALLOWED") return true;
    this.parts.log.add({
      type: "denied",
      client: this.clientId,
      action,
      resource,
      decision: found.decision,
      ...(found.policy !== undefined && { policy: found.policy }),
      told,
    });
    return false;
  }

  /** Logs something that is dropped without a word to the client. */
  discarded(topic: string | undefined, why: string): void {
    this.parts.log.add({
      type: "discarded",
      client: this.clientId,
      ...(topic !== undefined && { topic }),
      reason: why,
    });
  }

  /** Ends the connection because the client broke a rule. */
  broke(code: number, why: string, text: string = why): void {
    this.parts.line.end(code, "CLIENT_ERROR", why, text);
  }

  /** Ends the connection because the policies do not allow `what`. */
  unauthorized(what: string): void {
    this.parts.line.end(
      reason.notAuthorized,
      "AUTH_ERROR",
      `${what} is not allowed`,
      notAuthorizedText,
    );
  }

  /** The client's DISCONNECT: without its will, unless it asks for it (0x04) or reports an error. */
  #disconnect(packet: IDisconnectPacket): void {
    const { admission, session, choices, line } = this.parts;
    const expiry = packet.properties?.sessionExpiryInterval;
    if (expiry !== undefined) {
      if (admission.requestedExpiry === 0 && expiry > 0) {
        this.broke(
          reason.protocolError,
          "DISCONNECT raises a session expiry of 0",
          "Session expiry cannot be raised from 0",
        );
        return;
      }
      session.expiry = Math.min(expiry, choices.maxSessionExpiry);
    }
    const code = packet.reasonCode ?? reason.success;
    const withWill = code !== reason.success;
    line.ended(
      withWill
        ? `DISCONNECT 0x${code.toString(16)}, with its will`
        : "DISCONNECT",
      withWill,
    );
  }
}

/** Whether a packet has the identifier that it needs (MQTT 5 section 2.2.1). */
export function isPacketId(id: number | undefined): id is number {
  return id !== undefined && id >= 1 && id <= 0xffff;
}

/** A message's properties as a receiver gets them: what is left of its expiry, not what it began with. */
function deliveredProperties(message: Message): object {
  const { properties, expiresAt } = message;
  if (expiresAt === undefined) return properties ?? {};
  const left = Math.max(1, Math.ceil((expiresAt - Date.now()) / 1000));
  return { ...properties, messageExpiryInterval: left };
}
