import type { ISubscribePacket, IUnsubscribePacket } from "mqtt-packet";
import { limits } from "../limits.js";
import { bareClose, isPacketId, type Client } from "./client.js";
import { reason } from "./reason.js";
import {
  filterProblem,
  isKnownReserved,
  isReserved,
  parseFilter,
} from "./topic.js";

/** SUBACK's only failure in MQTT 3.1.1. */
const subscribeFailure = 0x80;

/** What a client subscribes to and unsubscribes from: judged filter by filter, acknowledged together. */
export class Subscribing {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Takes a SUBSCRIBE. */
  subscribe(packet: ISubscribePacket): void {
    const client = this.#client;
    const { line, session, broker, log, lifecycle, subject } = client.parts;
    const { messageId, subscriptions } = packet;
    if (!isPacketId(messageId) || !this.#isWellFormed(packet)) return;
    const granted: number[] = [];
    for (const { topic: filter, qos } of subscriptions) {
      const code = this.#judge(filter, qos);
      if (code === undefined) return;
      granted.push(code);
    }
    const good = subscriptions.filter(
      (_, index) => (granted[index] ?? subscribeFailure) < subscribeFailure,
    );
    const acknowledge = () => line.send({ cmd: "suback", messageId, granted });
    // A session that lasts is acknowledged when it is safe; any other before the retained messages that it asks for.
    if (!session.persistent) acknowledge();
    const waits = good.map(({ topic: filter, qos, nl, rap, rh }) => {
      log.add({
        type: "subscribe",
        client: client.clientId,
        filter,
        QoS: qos,
      });
      return broker.subscribe(
        session,
        filter,
        {
          qos: qos === 1 ? 1 : 0,
          noLocal: nl ?? false,
          retainAsPublished: rap ?? false,
        },
        rh ?? 0,
      );
    });
    if (session.persistent)
      void Promise.all(waits.filter((wait) => wait !== undefined)).then(
        acknowledge,
      );
    lifecycle.subscriptions(
      "subscribed",
      subject,
      good.map(({ topic }) => topic),
    );
  }

  /** Takes an UNSUBSCRIBE. */
  unsubscribe(packet: IUnsubscribePacket): void {
    const client = this.#client;
    const { line, session, broker, log, lifecycle, subject, choices } =
      client.parts;
    const { messageId, unsubscriptions: filters } = packet;
    if (!isPacketId(messageId) || filters.length === 0) {
      client.broke(
        reason.protocolError,
        "UNSUBSCRIBE without a packet identifier or a filter",
      );
      return;
    }
    if (filters.length > limits.filtersPerPacket) {
      client.broke(
        choices.tooManyFiltersReason,
        `UNSUBSCRIBE with ${filters.length} filters, ${limits.filtersPerPacket} are allowed`,
      );
      return;
    }
    const waits = filters.map((filter) => {
      log.add({ type: "unsubscribe", client: client.clientId, filter });
      return broker.unsubscribe(session, filter);
    });
    void Promise.all(waits.filter((wait) => wait !== undefined)).then(() =>
      line.send({
        cmd: "unsuback",
        messageId,
        granted: filters.map(() => reason.success),
      }),
    );
    lifecycle.subscriptions("unsubscribed", subject, filters);
  }

  /** Rules about the packet as a whole; a client that breaks one is answered here. */
  #isWellFormed(packet: ISubscribePacket): boolean {
    const client = this.#client;
    const { subscriptions, properties } = packet;
    if (subscriptions.length === 0)
      client.broke(reason.protocolError, "SUBSCRIBE without a filter");
    else if (properties?.subscriptionIdentifier !== undefined)
      client.broke(
        reason.subscriptionIdentifiersNotSupported,
        "Subscription identifiers are not supported",
      );
    else if (subscriptions.length > limits.filtersPerPacket)
      client.broke(
        client.parts.choices.tooManyFiltersReason,
        `SUBSCRIBE with ${subscriptions.length} filters, ${limits.filtersPerPacket} are allowed`,
      );
    else if (subscriptions.some(({ qos }) => qos === 2)) {
      if (client.hearsReasons)
        client.broke(reason.qosNotSupported, "QoS 2 is not supported");
      else client.discarded(undefined, "SUBSCRIBE with QoS 2 gets no answer");
    } else if (
      subscriptions.some(
        ({ topic, nl }) => nl && parseFilter(topic).group !== undefined,
      )
    )
      client.broke(
        reason.protocolError,
        "No Local is not allowed on a shared subscription",
      );
    else return true;
    return false;
  }

  /** Reason code of one filter; undefined when the connection is over because of it. */
  #judge(filter: string, qos: number): number | undefined {
    const client = this.#client;
    const flaw = filterProblem(filter) ?? reservedProblem(filter);
    if (flaw !== undefined) {
      const why = `SUBSCRIBE to ${filter}: ${flaw}`;
      if (!client.hearsReasons) {
        client.broke(reason.topicFilterInvalid, why);
        return undefined;
      }
      client.discarded(filter, why);
      return reason.topicFilterInvalid;
    }
    const resource = `topicfilter/${filter}`;
    const told = client.hearsReasons ? "SUBACK 0x87" : bareClose;
    if (!client.allows("iot:Subscribe", resource, told)) {
      if (client.hearsReasons) return reason.notAuthorized;
      client.unauthorized(`iot:Subscribe on ${resource}`);
      return undefined;
    }
    const known = client.parts.session.subscriptions;
    if (known.has(filter) || known.size < limits.subscriptions) return qos;
    client.discarded(
      filter,
      `more than ${limits.subscriptions} subscriptions on one connection`,
    );
    return client.hearsReasons ? reason.quotaExceeded : subscribeFailure;
  }
}

function reservedProblem(text: string): string | undefined {
  const { group, filter } = parseFilter(text);
  const reserved =
    isReserved(filter) && (group !== undefined || !isKnownReserved(filter));
  if (reserved) return "it is reserved";
  return filter.startsWith("$aws/rules/")
    ? "what is published to rules directly has no subscribers"
    : undefined;
}
