import type {
  IPublishPacket,
  ISubscribePacket,
  IUnsubscribePacket,
  Packet,
} from "mqtt-packet";
import type { Choices } from "../choices.js";
import type { EventLog } from "../event-log.js";
import { limits } from "../limits.js";
import type { MqttAction } from "../policy/authorizer.js";
import type { Admission } from "./admission.js";
import type { Broker } from "./broker.js";
import { reasonString, type Connection } from "./connection.js";
import type { Lifecycle, LifecycleSubject } from "./lifecycle.js";
import { forwardedProperties, type Message } from "./message.js";
import { publishProblem, TopicAliases } from "./publish-rules.js";
import { RateLimit } from "./rate-limit.js";
import { reason } from "./reason.js";
import type { Session } from "./session.js";
import {
  filterProblem,
  isKnownReserved,
  isReserved,
  parseFilter,
  ruleTopic,
} from "./topic.js";

/** What the requests of a client need. */
export interface RequestServices {
  readonly broker: Broker;
  readonly choices: Choices;
  readonly log: EventLog;
  readonly lifecycle: Lifecycle;
  readonly subject: LifecycleSubject;
}

/** SUBACK's failure in MQTT 3.1.1. */
const subscribeFailure = 0x80;

/** What a connected client asks for: publish, subscribe, unsubscribe, and its acknowledgements. */
export class ClientRequests {
  readonly #connection: Connection;
  readonly #session: Session;
  readonly #admission: Admission;
  readonly #services: RequestServices;
  readonly #aliases = new TopicAliases();
  readonly #publishes: RateLimit;
  #unacknowledged = 0;

  constructor(
    connection: Connection,
    session: Session,
    admission: Admission,
    services: RequestServices,
  ) {
    this.#connection = connection;
    this.#session = session;
    this.#admission = admission;
    this.#services = services;
    this.#publishes = new RateLimit(services.choices.publishRate);
  }

  /** True while as many QoS 1 publishes wait for their acknowledgement as a client may have. */
  get overloaded(): boolean {
    return this.#unacknowledged >= limits.inflight;
  }

  /** Does what a packet asks for. */
  handle(packet: Packet): void {
    switch (packet.cmd) {
      case "publish":
        return this.#publish(packet);
      case "subscribe":
        return this.#subscribe(packet);
      case "unsubscribe":
        return this.#unsubscribe(packet);
      case "puback":
        this.#session.acknowledge(packet.messageId ?? 0);
        return;
      default:
        this.#end(
          reason.protocolError,
          `${packet.cmd.toUpperCase()} is not for a client to send here`,
          "Packet type is not supported",
        );
    }
  }

  #publish(packet: IPublishPacket): void {
    const { choices, log, broker } = this.#services;
    const v5 = this.#admission.version === 5;
    if (packet.qos > 0 && !isPacketId(packet.messageId))
      return this.#end(
        reason.malformed,
        "PUBLISH without a packet id",
        "No packet identifier",
      );
    if (packet.qos === 2) {
      if (v5)
        this.#end(
          reason.qosNotSupported,
          "PUBLISH with QoS 2",
          "QoS 2 is not supported",
        );
      else this.#discarded(packet.topic, "QoS 2 gets no answer");
      return;
    }
    const named = this.#aliases.resolve(packet);
    if ("code" in named)
      return this.#end(named.code, named.problem, named.problem);
    const { topic } = named;
    const id = packet.qos === 1 ? packet.messageId! : undefined;
    const payload = Buffer.from(packet.payload);
    const flaw = publishProblem(packet, topic, payload, choices);
    if (flaw) {
      if (
        flaw.code === reason.topicNameInvalid &&
        v5 &&
        id !== undefined &&
        choices.invalidTopic === "puback"
      ) {
        this.#discarded(topic, flaw.problem);
        return this.#puback(id, flaw.code, flaw.problem);
      }
      return this.#end(
        flaw.code,
        `PUBLISH to ${topic}: ${flaw.problem}`,
        flaw.problem,
      );
    }
    if (!this.#publishes.take())
      return this.#discarded(
        topic,
        `more than ${choices.publishRate} publishes a second; QoS 1 gets no PUBACK`,
      );
    if (!this.#mayPublish(topic, packet.retain, id)) return;
    const rule = ruleTopic(topic);
    if (rule) {
      log.add({
        type: "rule",
        client: this.#admission.clientId,
        rule: rule.rule,
        topic: rule.topic,
        bytes: payload.length,
      });
      if (id !== undefined) this.#puback(id, reason.success);
      return;
    }
    const properties = forwardedProperties(packet.properties);
    const expiry = packet.properties?.messageExpiryInterval;
    const message: Message = {
      topic,
      payload,
      qos: packet.qos === 1 ? 1 : 0,
      retain: packet.retain,
      ...(properties && { properties }),
      ...(expiry !== undefined && {
        expiresAt:
          Date.now() +
          Math.min(Math.max(expiry, 1), limits.messageExpiryMax) * 1000,
      }),
    };
    const routed = broker.publish(message, this.#admission.clientId);
    log.add({
      type: "publish",
      client: this.#admission.clientId,
      topic,
      QoS: packet.qos,
      retain: packet.retain,
      bytes: payload.length,
      receivers: routed.receivers,
    });
    if (id === undefined) return;
    if (routed.committed) this.#pubackAfter(routed.committed, id);
    else this.#puback(id, reason.success);
  }

  /** Asks the policies; answers a denial as the version does. */
  #mayPublish(topic: string, retain: boolean, id: number | undefined): boolean {
    const resource = `topic/${topic}`;
    const v5 = this.#admission.version === 5;
    const quiet =
      v5 && id === undefined && this.#services.choices.deniedQoS0 === "drop";
    const told = !v5
      ? "close_notify and FIN, no packet"
      : id !== undefined
        ? "PUBACK 0x87"
        : quiet
          ? "nothing"
          : "DISCONNECT 0x87";
    const allowed =
      this.#allows("iot:Publish", resource, told) &&
      (!retain || this.#allows("iot:RetainPublish", resource, told));
    if (allowed) return true;
    if (v5 && id !== undefined)
      this.#puback(
        id,
        reason.notAuthorized,
        "Client is not authenticated/authorized to send the message",
      );
    else if (!quiet)
      this.#connection.end(
        reason.notAuthorized,
        "AUTH_ERROR",
        `iot:Publish on ${resource} is not allowed`,
        "Client is not authenticated/authorized to send the message",
      );
    return false;
  }

  #puback(id: number, code: number, text?: string): void {
    const tell = text !== undefined && this.#admission.wantsReasons;
    this.#connection.send({
      cmd: "puback",
      messageId: id,
      ...(this.#admission.version === 5 && { reasonCode: code }),
      ...(tell &&
        this.#admission.version === 5 && {
          properties: { reasonString: reasonString("PUBACK", text) },
        }),
    });
  }

  /** Acknowledges once the message is safe. Until then it counts against what a client may have under way. */
  #pubackAfter(committed: Promise<unknown>, id: number): void {
    this.#unacknowledged += 1;
    if (this.#unacknowledged > limits.inflight && this.#admission.version === 5)
      return this.#end(
        reason.receiveMaximumExceeded,
        `more than ${limits.inflight} QoS 1 publishes without acknowledgement`,
        "Receive maximum exceeded",
      );
    if (this.overloaded) this.#connection.hold();
    committed.then(
      () => {
        this.#unacknowledged -= 1;
        this.#puback(id, reason.success);
        this.#connection.release();
      },
      (error: unknown) =>
        this.#connection.end(
          reason.unspecified,
          "SERVER_ERROR",
          `the message could not be stored: ${String(error)}`,
        ),
    );
  }

  #subscribe(packet: ISubscribePacket): void {
    const { broker, choices, lifecycle, log, subject } = this.#services;
    const v5 = this.#admission.version === 5;
    const { subscriptions } = packet;
    if (!isPacketId(packet.messageId) || subscriptions.length === 0)
      return this.#end(
        reason.protocolError,
        "SUBSCRIBE without a packet id or a filter",
        "SUBSCRIBE is malformed",
      );
    if (packet.properties?.subscriptionIdentifier !== undefined)
      return this.#end(
        reason.subscriptionIdentifiersNotSupported,
        "SUBSCRIBE with a subscription identifier",
        "Subscription identifiers are not supported",
      );
    if (subscriptions.length > limits.filtersPerPacket)
      return this.#end(
        choices.tooManyFiltersReason,
        `SUBSCRIBE with ${subscriptions.length} filters, ${limits.filtersPerPacket} are allowed`,
        "Too many subscriptions in one request",
      );
    if (subscriptions.some(({ qos }) => qos === 2)) {
      if (v5)
        this.#end(
          reason.qosNotSupported,
          "SUBSCRIBE with QoS 2",
          "QoS 2 is not supported",
        );
      else this.#discarded(undefined, "SUBSCRIBE with QoS 2 gets no answer");
      return;
    }
    if (
      subscriptions.some(
        ({ topic, nl }) => nl && parseFilter(topic).group !== undefined,
      )
    )
      return this.#end(
        reason.protocolError,
        "a shared subscription with No Local",
        "No Local is not allowed on a shared subscription",
      );
    const granted: number[] = [];
    for (const { topic: filter, qos } of subscriptions) {
      const code = this.#judgeFilter(filter, qos);
      if (code === undefined) return;
      granted.push(code);
    }
    const good = subscriptions.filter((_, index) => granted[index]! < 0x80);
    const waits: Promise<unknown>[] = [];
    // The SUBACK leaves before the retained messages do: both are written in this turn, in this order.
    const acknowledge = () =>
      this.#connection.send({
        cmd: "suback",
        messageId: packet.messageId!,
        granted,
      });
    if (!this.#session.persistent) acknowledge();
    for (const { topic: filter, qos, nl, rap, rh } of good) {
      const wait = broker.subscribe(
        this.#session,
        filter,
        {
          qos: qos === 1 ? 1 : 0,
          noLocal: nl ?? false,
          retainAsPublished: rap ?? false,
        },
        rh ?? 0,
      );
      if (wait) waits.push(wait);
      log.add({
        type: "subscribe",
        client: this.#admission.clientId,
        filter,
        QoS: qos,
      });
    }
    if (this.#session.persistent) void Promise.all(waits).then(acknowledge);
    lifecycle.subscriptions(
      "subscribed",
      subject,
      good.map(({ topic }) => topic),
    );
  }

  /** Reason code of one filter; undefined when the connection is over because of it. */
  #judgeFilter(filter: string, qos: 0 | 1 | 2): number | undefined {
    const v5 = this.#admission.version === 5;
    const flaw =
      filterProblem(filter) ??
      (isReserved(filter) &&
      parseFilter(filter).group === undefined &&
      !isKnownReserved(filter)
        ? "it is reserved"
        : undefined);
    if (flaw) {
      const why = `SUBSCRIBE to ${filter}: ${flaw}`;
      if (v5) {
        this.#discarded(filter, why);
        return reason.topicFilterInvalid;
      }
      this.#end(reason.topicFilterInvalid, why, why);
      return undefined;
    }
    const resource = `topicfilter/${filter}`;
    const told = v5 ? "SUBACK 0x87" : "close_notify and FIN, no packet";
    if (!this.#allows("iot:Subscribe", resource, told)) {
      if (v5) return reason.notAuthorized;
      this.#connection.end(
        undefined,
        "AUTH_ERROR",
        `iot:Subscribe on ${resource} is not allowed`,
      );
      return undefined;
    }
    const known = this.#session.subscriptions;
    if (!known.has(filter) && known.size >= limits.subscriptions) {
      this.#discarded(
        filter,
        `more than ${limits.subscriptions} subscriptions on one connection`,
      );
      return v5 ? reason.quotaExceeded : subscribeFailure;
    }
    return qos;
  }

  #unsubscribe(packet: IUnsubscribePacket): void {
    const { broker, choices, lifecycle, log, subject } = this.#services;
    const filters = packet.unsubscriptions;
    if (!isPacketId(packet.messageId) || filters.length === 0)
      return this.#end(
        reason.protocolError,
        "UNSUBSCRIBE without a packet id or a filter",
        "UNSUBSCRIBE is malformed",
      );
    if (filters.length > limits.filtersPerPacket)
      return this.#end(
        choices.tooManyFiltersReason,
        `UNSUBSCRIBE with ${filters.length} filters, ${limits.filtersPerPacket} are allowed`,
        "Too many filters in one request",
      );
    const waits: Promise<unknown>[] = [];
    for (const filter of filters) {
      const wait = broker.unsubscribe(this.#session, filter);
      if (wait) waits.push(wait);
      log.add({
        type: "unsubscribe",
        client: this.#admission.clientId,
        filter,
      });
    }
    const answer = {
      cmd: "unsuback" as const,
      messageId: packet.messageId!,
      granted: filters.map(() => reason.success),
    };
    void Promise.all(waits).then(() => this.#connection.send(answer));
    lifecycle.subscriptions("unsubscribed", subject, filters);
  }

  #allows(action: MqttAction, resource: string, told: string): boolean {
    const found = this.#admission.authorizer.decide(action, resource);
    if (found.decision === "ALLOWED") return true;
    this.#services.log.add({
      type: "denied",
      client: this.#admission.clientId,
      action,
      resource,
      decision: found.decision,
      ...(found.policy !== undefined && { policy: found.policy }),
      told,
    });
    return false;
  }

  #discarded(topic: string | undefined, why: string): void {
    this.#services.log.add({
      type: "discarded",
      client: this.#admission.clientId,
      ...(topic !== undefined && { topic }),
      reason: why,
    });
  }

  #end(code: number, why: string, text: string): void {
    this.#connection.end(code, "CLIENT_ERROR", why, text);
  }
}

function isPacketId(id: number | undefined): boolean {
  return id !== undefined && id >= 1 && id <= 0xffff;
}
