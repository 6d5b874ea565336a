import type { Choices } from "../choices.js";
import type { EventLog } from "../event-log.js";
import type { Broker } from "../mqtt/broker.js";
import { ReservedTopics } from "../mqtt/reserved-topics.js";
import type { Registry } from "../registry/registry.js";
import { ShadowTopics } from "../shadow/shadow-topics.js";
import { Shadows } from "../shadow/shadows.js";
import type { Store } from "../store.js";
import { ServicePublisher } from "./service-publisher.js";

/** What the services stand on. */
export interface ServiceParts {
  readonly store: Store;
  readonly registry: Registry;
  readonly broker: Broker;
  readonly choices: Choices;
  readonly log: EventLog;
}

/** AWS's services for devices: the state of each and its operations, put behind the topics that clients speak to them on. */
export class Services {
  readonly reserved = new ReservedTopics();
  readonly shadows: Shadows;

  constructor({ store, broker, choices, log }: ServiceParts) {
    const publisher = new ServicePublisher(broker);
    this.shadows = new Shadows(store, choices);
    this.reserved.register(new ShadowTopics(this.shadows, publisher, log));
  }
}
