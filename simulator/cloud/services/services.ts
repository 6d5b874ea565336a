import { join } from "node:path";
import type { Choices } from "../choices.js";
import type { EventLog } from "../event-log.js";
import type { Broker } from "../mqtt/broker.js";
import { JobNotifications } from "../jobs/job-notifications.js";
import { Jobs } from "../jobs/jobs.js";
import { JobsTopics } from "../jobs/jobs-topics.js";
import { ReservedTopics } from "../mqtt/reserved-topics.js";
import { nameFromArn } from "../names.js";
import type { Registry } from "../registry/registry.js";
import { ThingGroups } from "../registry/thing-groups.js";
import { ShadowTopics } from "../shadow/shadow-topics.js";
import { Shadows } from "../shadow/shadows.js";
import type { Store } from "../store.js";
import { Buckets } from "../streams/buckets.js";
import { ServicePublisher } from "./service-publisher.js";

/** Milliseconds between looks for what expired. */
const expiryInterval = 1_000;

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
  readonly jobs: Jobs;
  readonly buckets: Buckets;
  readonly #timer: NodeJS.Timeout;

  constructor({ store, registry, broker, choices, log }: ServiceParts) {
    const publisher = new ServicePublisher(broker);
    this.shadows = new Shadows(store, choices);
    this.buckets = new Buckets(join(store.directory, "s3"));
    const notifications = new JobNotifications(publisher, choices);
    this.jobs = new Jobs({
      store,
      choices,
      thingExists: (name) => registry.things.find(name) !== undefined,
      thingsBehind: (target) => thingsBehind(registry, target),
      readSource: (address) => this.buckets.readAddress(address).toString(),
      onExecution: ({ jobId, thingName, status, versionNumber }) =>
        log.add({
          type: "service",
          service: "jobs",
          client: thingName,
          operation: "execution",
          subject: jobId,
          outcome: `${status}, version ${versionNumber}`,
        }),
      onPending: (change) => notifications.send(change, this.jobs.device),
    });
    registry.members.onJoined = (thingName, group) => {
      const { thingGroups } = registry;
      for (const name of [group, ...thingGroups.ancestors(group)])
        this.jobs.thingJoined(ThingGroups.arn(name), thingName);
    };
    registry.onThingDeleted = (name) => this.jobs.thingDeleted(name);
    this.reserved.register(new ShadowTopics(this.shadows, publisher, log));
    this.reserved.register(new JobsTopics(this.jobs.device, choices, log));
    this.#timer = setInterval(() => this.expire(), expiryInterval);
    this.#timer.unref();
  }

  /** Ends what has lasted long enough: executions of jobs. */
  expire(): void {
    this.jobs.expire();
  }

  /** Ends timers. */
  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Names of the things that a target of a job stands for. */
function thingsBehind(
  registry: Registry,
  target: string,
): string[] | undefined {
  const thingName = nameFromArn("thing", target);
  if (thingName !== undefined)
    return registry.things.find(thingName) && [thingName];
  const group = nameFromArn("thinggroup", target);
  return group !== undefined && registry.thingGroups.find(group)
    ? registry.members.thingsIn(group, true)
    : undefined;
}
