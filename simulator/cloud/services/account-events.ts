import { randomUUID } from "node:crypto";
import {
  isPending,
  seconds,
  type JobExecution,
  type JobRecord,
} from "../jobs/job.js";
import { account } from "../names.js";
import { Things, type Thing } from "../registry/things.js";
import type { Store } from "../store.js";
import { invalid } from "./input.js";
import type { PayloadMap } from "./payload.js";
import type { ServicePublisher } from "./service-publisher.js";

/** Kinds of event that can be switched on, by AWS's names. */
const eventTypes = [
  "THING",
  "THING_GROUP",
  "THING_TYPE",
  "THING_GROUP_MEMBERSHIP",
  "THING_GROUP_HIERARCHY",
  "THING_TYPE_ASSOCIATION",
  "JOB",
  "JOB_EXECUTION",
  "POLICY",
  "CERTIFICATE",
  "CA_CERTIFICATE",
] as const;

type EventType = (typeof eventTypes)[number];

/** Those that this cloud publishes; for another it says so, instead of never sending any. */
const published: readonly EventType[] = [
  "THING",
  "THING_GROUP_MEMBERSHIP",
  "JOB",
  "JOB_EXECUTION",
];

/** What is switched on, and since when, in ms since 1970. */
interface Settings {
  readonly enabled: readonly EventType[];
  readonly creationDate: number;
  readonly lastModifiedDate: number;
}

/**
 * Events of the registry and of jobs on `$aws/events/…` (Developer Guide, "Registry events" and "Jobs events"). Off until
 * `UpdateEventConfigurations` switches them on.
 */
export class AccountEvents {
  readonly #store: Store;
  readonly #publisher: ServicePublisher;

  constructor(store: Store, publisher: ServicePublisher) {
    this.#store = store;
    this.#publisher = publisher;
  }

  /** DescribeEventConfigurations. */
  describe() {
    const { enabled, creationDate, lastModifiedDate } = this.#settings;
    return {
      eventConfigurations: Object.fromEntries(
        eventTypes.map((type) => [type, { Enabled: enabled.includes(type) }]),
      ),
      creationDate: creationDate / 1000,
      lastModifiedDate: lastModifiedDate / 1000,
    };
  }

  /** UpdateEventConfigurations. @throws ServiceError InvalidRequestException */
  update(changes: Readonly<Record<string, boolean>>): void {
    const enabled = new Set(this.#settings.enabled);
    for (const [name, on] of Object.entries(changes)) {
      const type = eventTypes.find((known) => known === name);
      if (!type) invalid(`${name} is no type of event: ${eventTypes.join()}.`);
      if (on && !published.includes(type))
        invalid(
          `Events of type ${type} are not implemented by this local cloud: it has ${published.join(", ")}.`,
        );
      if (on) enabled.add(type);
      else enabled.delete(type);
    }
    this.#store.meta.putSync("event-configurations", {
      ...this.#settings,
      enabled: [...enabled],
      lastModifiedDate: Date.now(),
    });
  }

  /** A thing was made, changed or deleted. */
  thing(operation: "CREATED" | "UPDATED" | "DELETED", thing: Thing): void {
    const { thingName, thingId, version, attributes } = thing;
    this.#publish("THING", `thing/${thingName}/${operation.toLowerCase()}`, {
      eventType: "THING_EVENT",
      timestamp: Date.now(),
      operation,
      accountId: account,
      thingId,
      thingName,
      versionNumber: version,
      thingTypeName: thing.thingTypeName ?? null,
      attributes,
    });
  }

  /** A thing joined a group, or left it. */
  membership(
    operation: "ADDED" | "REMOVED",
    group: { readonly arn: string; readonly id: string; readonly name: string },
    thing: Thing,
  ): void {
    const { thingName, thingId } = thing;
    this.#publish(
      "THING_GROUP_MEMBERSHIP",
      `thingGroupMembership/thingGroup/${group.name}/thing/${thingName}/${operation.toLowerCase()}`,
      {
        eventType: "THING_GROUP_MEMBERSHIP_EVENT",
        timestamp: Date.now(),
        operation,
        accountId: account,
        groupArn: group.arn,
        groupId: group.id,
        thingArn: Things.arn(thingName),
        thingId,
        membershipId: `${group.id}:${thingId}`,
      },
    );
  }

  /** A job came to its end, or was deleted. */
  job(operation: "completed" | "canceled" | "deleted", job: JobRecord): void {
    const { jobId, status, targetSelection, targets, description } = job;
    this.#publish("JOB", `job/${jobId}/${operation}`, {
      eventType: "JOB",
      timestamp: seconds(Date.now()),
      operation,
      jobId,
      status,
      targetSelection,
      targets,
      ...(description !== undefined && { description }),
      ...(job.completedAt !== undefined && {
        completedAt: seconds(job.completedAt),
      }),
      createdAt: seconds(job.createdAt),
      lastUpdatedAt: seconds(job.lastUpdatedAt),
    });
  }

  /** An execution was queued or changed; only its end is an event. */
  execution(execution: JobExecution): void {
    const { jobId, thingName, status, statusDetails } = execution;
    if (isPending(execution)) return;
    const operation = status.toLowerCase();
    this.#publish("JOB_EXECUTION", `jobExecution/${jobId}/${operation}`, {
      eventType: "JOB_EXECUTION",
      timestamp: seconds(Date.now()),
      operation,
      jobId,
      thingArn: Things.arn(thingName),
      status,
      statusDetails: statusDetails ?? {},
    });
  }

  #publish(type: EventType, path: string, event: PayloadMap): void {
    if (this.#settings.enabled.includes(type))
      this.#publisher.publish(`$aws/events/${path}`, {
        ...event,
        eventId: randomUUID(),
      });
  }

  get #settings(): Settings {
    const known = this.#store.meta.get("event-configurations");
    const now = Date.now();
    return (
      (known as Settings | undefined) ?? {
        enabled: [],
        creationDate: now,
        lastModifiedDate: now,
      }
    );
  }
}
