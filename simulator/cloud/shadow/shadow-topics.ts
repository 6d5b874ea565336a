import type { Choices } from "../choices.js";
import type { EventLog } from "../event-log.js";
import type {
  ReservedService,
  ServiceRequest,
} from "../mqtt/reserved-topics.js";
import type { ServicePublisher } from "../services/service-publisher.js";
import type { PayloadMap } from "../services/payload.js";
import { clientTokenOf, readRequest } from "./request.js";
import { ShadowError } from "./shadow-error.js";
import type { ShadowChange, ShadowId, Shadows } from "./shadows.js";

const classic = "$aws/things/+/shadow";
const named = `${classic}/name/+`;

/**
 * Shadows over MQTT (AWS, "Device Shadow MQTT topics"): answers are messages for everybody who is subscribed to their topics.
 */
export class ShadowTopics implements ReservedService {
  readonly name = "shadow";
  readonly visible = true;
  readonly filters = [classic, named].flatMap((prefix) =>
    ["get", "update", "delete"].map((operation) => `${prefix}/${operation}`),
  );
  readonly #shadows: Shadows;
  readonly #publisher: ServicePublisher;
  readonly #choices: Choices;
  readonly #log: EventLog;

  constructor(
    shadows: Shadows,
    publisher: ServicePublisher,
    choices: Choices,
    log: EventLog,
  ) {
    this.#shadows = shadows;
    this.#choices = choices;
    this.#publisher = publisher;
    this.#log = log;
  }

  handle({ topic, levels, payload, requester }: ServiceRequest): void {
    const operation = levels.at(-1)!;
    const id: ShadowId = {
      thingName: levels[2],
      ...(levels.length === 7 && { shadowName: levels[5] }),
    };
    let request: PayloadMap = {};
    let outcome: string;
    try {
      request =
        operation === "delete" ? leniently(payload) : readRequest(payload);
      const change = this.#run(operation, id, request);
      this.#publisher.publish(`${topic}/accepted`, change.accepted);
      this.#announce(id, change);
      outcome = `version ${change.accepted.version}`;
    } catch (error) {
      if (!(error instanceof ShadowError)) throw error;
      outcome = `${error.code} ${error.message}`;
      this.#publisher.publish(`${topic}/rejected`, {
        code: error.code,
        message: error.message,
        timestamp: Math.floor(Date.now() / 1000),
        clientToken: tokenOrNothing(request),
      });
    }
    this.#log.add({
      type: "service",
      service: this.name,
      client: requester.clientId,
      operation,
      subject: nameOf(id),
      outcome,
    });
  }

  #run(operation: string, id: ShadowId, request: PayloadMap): ShadowChange {
    switch (operation) {
      case "update":
        return this.#shadows.update(id, request);
      case "delete":
        return { accepted: this.#shadows.delete(id, request) };
      default:
        return { accepted: this.#shadows.get(id, request) };
    }
  }

  /** Tells subscribers of an update that came over HTTPS. */
  announceFromHttps(id: ShadowId, change: ShadowChange): void {
    if (this.#choices.shadowAcceptedForHttps)
      this.#publisher.publish(`${updateTopic(id)}/accepted`, change.accepted);
    this.#announce(id, change);
  }

  #announce(id: ShadowId, { delta, documents }: ShadowChange): void {
    const topic = updateTopic(id);
    if (delta) this.#publisher.publish(`${topic}/delta`, delta);
    if (documents) this.#publisher.publish(`${topic}/documents`, documents);
  }
}

function updateTopic({ thingName, shadowName }: ShadowId): string {
  const name = shadowName === undefined ? "" : `/name/${shadowName}`;
  return `$aws/things/${thingName}/shadow${name}/update`;
}

/** A shadow's name for people: `thing` or `thing/shadow`. */
export function nameOf({ thingName, shadowName }: ShadowId): string {
  return shadowName === undefined ? thingName : `${thingName}/${shadowName}`;
}

/** A delete needs no body, and one that is there counts for nothing but its token. */
function leniently(payload: Buffer): PayloadMap {
  try {
    return readRequest(payload);
  } catch {
    return {};
  }
}

function tokenOrNothing(request: PayloadMap): string | undefined {
  try {
    return clientTokenOf(request);
  } catch {
    return undefined;
  }
}
