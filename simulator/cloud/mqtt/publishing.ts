import type { IPublishPacket } from "mqtt-packet";
import { limits } from "../limits.js";
import {
  bareClose,
  isPacketId,
  notAuthorizedText,
  type Client,
} from "./client.js";
import type { Routed } from "./broker.js";
import { reasonString } from "./connack.js";
import { forwardedProperties, type Message } from "./message.js";
import { publishProblem, TopicAliases } from "./publish-rules.js";
import { RateLimit } from "./rate-limit.js";
import { reason } from "./reason.js";
import { isReserved, isUnanswered, ruleTopic } from "./topic.js";

/** What a client publishes: judged, routed, acknowledged. */
export class Publishing {
  readonly #client: Client;
  readonly #aliases = new TopicAliases();
  readonly #rate: RateLimit;
  #unacknowledged = 0;

  constructor(client: Client) {
    this.#client = client;
    this.#rate = new RateLimit(client.parts.choices.publishRate);
  }

  /** True while as many QoS 1 publishes wait for their acknowledgement as a client may have. */
  get overloaded(): boolean {
    return this.#unacknowledged >= limits.inflight;
  }

  /** Takes a PUBLISH. */
  handle(packet: IPublishPacket): void {
    const client = this.#client;
    const { choices, ingest } = client.parts;
    if (packet.qos > 0 && !isPacketId(packet.messageId)) {
      client.broke(reason.malformed, "PUBLISH without a packet identifier");
      return;
    }
    if (packet.qos === 2) {
      if (client.hearsReasons)
        client.broke(reason.qosNotSupported, "QoS 2 is not supported");
      else client.discarded(packet.topic, "QoS 2 gets no answer");
      return;
    }
    const named = this.#aliases.resolve(packet);
    if ("code" in named) {
      client.broke(named.code, named.problem);
      return;
    }
    const { topic } = named;
    const id = packet.qos === 1 ? packet.messageId : undefined;
    const payload = Buffer.from(packet.payload);
    const flaw = publishProblem(packet, topic, payload, choices);
    if (flaw) {
      this.#refuse(id, topic, flaw.code, flaw.problem);
      return;
    }
    if (!this.#rate.take()) {
      client.discarded(
        topic,
        `more than ${choices.publishRate} publishes a second; QoS 1 gets no PUBACK`,
      );
      return;
    }
    if (!client.parts.accountPublishes.take()) {
      const why = "more publishes a second than the account may have";
      client.discarded(topic, why);
      if (id !== undefined && client.hearsReasons)
        this.#puback(id, reason.quotaExceeded, why);
      return;
    }
    if (this.#isForeign(topic)) {
      if (choices.foreignReservedTopic === "refuse")
        this.#refuse(
          id,
          topic,
          reason.topicNameInvalid,
          "the topic is reserved, and not one that clients publish to",
        );
      else client.discarded(topic, "clients do not publish to this topic");
      return;
    }
    if (!this.#mayPublish(topic, packet.retain, id)) return;
    const rule = ruleTopic(topic);
    if (rule) {
      ingest(rule, payload, client.clientId);
      if (id !== undefined) this.#puback(id, reason.success);
      return;
    }
    this.#route(messageOf(packet, topic, payload), id);
  }

  #route(message: Message, id: number | undefined): void {
    const { broker, log, reserved } = this.#client.parts;
    const service = reserved.find(message.topic);
    const routed: Routed =
      service?.visible === false
        ? { receivers: 0 }
        : broker.publish(message, this.#client.clientId);
    log.add({
      type: "publish",
      client: this.#client.clientId,
      topic: message.topic,
      QoS: message.qos,
      retain: message.retain,
      bytes: message.payload.length,
      receivers: routed.receivers,
    });
    service?.handle({
      topic: message.topic,
      levels: message.topic.split("/"),
      payload: message.payload,
      qos: message.qos,
      requester: this.#client,
    });
    if (id === undefined) return;
    if (routed.committed) this.#pubackAfter(routed.committed, id);
    else this.#puback(id, reason.success);
  }

  /** A reserved topic that no client may publish to. */
  #isForeign(topic: string): boolean {
    return (
      isReserved(topic) &&
      !ruleTopic(topic) &&
      !isUnanswered(topic) &&
      !this.#client.parts.reserved.find(topic)
    );
  }

  #refuse(
    id: number | undefined,
    topic: string,
    code: number,
    problem: string,
  ): void {
    const client = this.#client;
    if (
      code === reason.topicNameInvalid &&
      client.hearsReasons &&
      id !== undefined &&
      client.parts.choices.invalidTopic === "puback"
    ) {
      client.discarded(topic, problem);
      this.#puback(id, code, problem);
    } else client.broke(code, `PUBLISH to ${topic}: ${problem}`, problem);
  }

  /** Asks the policies; answers a denial as the version does. */
  #mayPublish(topic: string, retain: boolean, id: number | undefined): boolean {
    const client = this.#client;
    const resource = `topic/${topic}`;
    const answer = !client.hearsReasons
      ? bareClose
      : id !== undefined
        ? "PUBACK 0x87"
        : client.parts.choices.deniedQoS0 === "drop"
          ? "nothing"
          : "DISCONNECT 0x87";
    const allowed =
      client.allows("iot:Publish", resource, answer) &&
      (!retain || client.allows("iot:RetainPublish", resource, answer));
    if (allowed) return true;
    if (client.hearsReasons && id !== undefined)
      this.#puback(id, reason.notAuthorized, notAuthorizedText);
    else if (answer !== "nothing")
      client.unauthorized(`iot:Publish on ${resource}`);
    return false;
  }

  #puback(id: number, code: number, text?: string): void {
    const { line, admission } = this.#client.parts;
    line.send({
      cmd: "puback",
      messageId: id,
      ...(this.#client.hearsReasons && {
        reasonCode: code,
        ...(text !== undefined &&
          admission.wantsReasons && {
            properties: { reasonString: reasonString("PUBACK", text) },
          }),
      }),
    });
  }

  /** Acknowledges once the message is safe. Until then it counts against what a client may have under way. */
  #pubackAfter(committed: Promise<unknown>, id: number): void {
    const { line } = this.#client.parts;
    this.#unacknowledged += 1;
    if (this.overloaded) line.hold();
    committed.then(
      () => {
        this.#unacknowledged -= 1;
        this.#puback(id, reason.success);
        line.release();
      },
      (error: unknown) =>
        line.end(
          reason.unspecified,
          "SERVER_ERROR",
          `the message could not be stored: ${String(error)}`,
        ),
    );
  }
}

function messageOf(
  packet: IPublishPacket,
  topic: string,
  payload: Buffer,
): Message {
  const properties = forwardedProperties(packet.properties);
  const expiry = packet.properties?.messageExpiryInterval;
  return {
    topic,
    payload,
    qos: packet.qos === 1 ? 1 : 0,
    retain: packet.retain,
    ...(properties && { properties }),
    ...(expiry !== undefined && {
      // AWS raises an expiry of 0 to 1 s and lowers one above a week.
      expiresAt:
        Date.now() +
        Math.min(Math.max(expiry, 1), limits.messageExpiryMax) * 1000,
    }),
  };
}
