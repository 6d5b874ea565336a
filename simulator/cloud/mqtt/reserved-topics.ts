import type { Message } from "./message.js";
import { TopicTree } from "./topic-tree.js";

/** The client that a request came from, as a service sees it. */
export interface Requester {
  readonly clientId: string;
  readonly certificateId: string;
  /**
   * Sends a message to this client alone, without its having subscribed and past the broker. Its policy has to allow
   * `iot:Receive` even so. A client that is gone by now gets nothing.
   */
  answer(message: Message): void;
  /** The same, but only when one of the client's subscriptions matches the topic. */
  answerSubscribed(message: Message): void;
}

/** A publish to a reserved topic that a service takes. */
export interface ServiceRequest {
  readonly topic: string;
  /** The topic's levels: `["$aws", "things", "<thing>", "shadow", "get"]`. */
  readonly levels: readonly string[];
  readonly payload: Buffer;
  /** QoS that the request came with. */
  readonly qos: 0 | 1;
  readonly requester: Requester;
}

/** A service of AWS that clients speak to by publishing to reserved topics. */
export interface ReservedService {
  /** Name that the log shows. */
  readonly name: string;
  /** MQTT filters of the topics that clients may publish to for it. No two services share a topic. */
  readonly filters: readonly string[];
  /** True when its requests are messages for their subscribers too, false when nobody but the service sees them. */
  readonly visible: boolean;
  /**
   * Takes one publish that the client's policy allows. Returns as soon as the request is safe, because the client's PUBACK
   * follows; whatever takes longer goes on by itself. Must not throw for anything that a client can send.
   */
  handle(request: ServiceRequest): void;
}

/** Which service is behind which reserved topic: the one way into the cloud's services over MQTT. */
export class ReservedTopics {
  readonly #tree = new TopicTree<ReservedService>();

  /** Puts a service behind its topics. */
  register(service: ReservedService): void {
    for (const filter of service.filters)
      this.#tree.add(filter, service.name, service);
  }

  /** The service behind a topic. */
  find(topic: string): ReservedService | undefined {
    let found: ReservedService | undefined;
    this.#tree.match(topic, (service) => (found = service));
    return found;
  }
}
