import type { Registry } from "../registry/registry.js";
import type { Admission } from "./admission.js";
import type { Broker } from "./broker.js";
import type { DisconnectReason } from "./reason.js";

/** Who an event is about. */
export interface LifecycleSubject {
  readonly clientId: string;
  readonly certificateId: string;
  /** 32 hexadecimal digits, one for each connection. */
  readonly sessionIdentifier: string;
  /** Set only for a certificate that belongs to one thing exclusively. */
  readonly exclusiveThing?: string;
}

/** The subject that a client's connection is. */
export function subjectOf(
  { clientId, certificateId, authorizer }: Admission,
  sessionIdentifier: string,
  registry: Registry,
): LifecycleSubject {
  const thing = authorizer.thingName;
  const exclusive =
    thing !== undefined && registry.isExclusive(certificateId, thing);
  return {
    clientId,
    certificateId,
    sessionIdentifier,
    ...(exclusive && { exclusiveThing: thing }),
  };
}

/** A client's version number starts again when it was away for this long, in ms. */
const versionMemory = 3_600_000;
/** Client ids whose version numbers are remembered. */
const versionLimit = 10_000;

/** Tells on `$aws/events/…` who comes, goes, fails to connect, subscribes and unsubscribes, as AWS always does. */
export class Lifecycle {
  readonly #broker: Broker;
  readonly #versions = new Map<string, { version: number; until: number }>();

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** A client connected. @returns the version number that its disconnect has to carry */
  connected(subject: LifecycleSubject, ipAddress: string): number {
    const known = this.#versions.get(subject.clientId);
    const versionNumber =
      known && known.until > Date.now() ? known.version + 1 : 0;
    this.#versions.delete(subject.clientId);
    this.#versions.set(subject.clientId, {
      version: versionNumber,
      until: Infinity,
    });
    if (this.#versions.size > versionLimit)
      this.#versions.delete(this.#versions.keys().next().value ?? "");
    this.#publish("presence/connected", subject, {
      ...describe(subject, "connected"),
      ipAddress,
      versionNumber,
    });
    return versionNumber;
  }

  /** A client's connection ended. */
  disconnected(
    subject: LifecycleSubject,
    versionNumber: number,
    disconnectReason: DisconnectReason,
  ): void {
    const known = this.#versions.get(subject.clientId);
    if (known?.version === versionNumber)
      known.until = Date.now() + versionMemory;
    this.#publish("presence/disconnected", subject, {
      ...describe(subject, "disconnected"),
      clientInitiatedDisconnect:
        disconnectReason === "CLIENT_INITIATED_DISCONNECT",
      disconnectReason,
      versionNumber,
    });
  }

  /** The policies do not let a client connect. */
  connectFailed(subject: LifecycleSubject, ipAddress: string): void {
    this.#publish("presence/connect_failed", subject, {
      ...describe(subject, "connect_failed"),
      connectFailureReason: "AUTHORIZATION_FAILED",
      ipAddress,
    });
  }

  /** A client subscribed or unsubscribed. */
  subscriptions(
    eventType: "subscribed" | "unsubscribed",
    subject: LifecycleSubject,
    topics: readonly string[],
  ): void {
    if (topics.length === 0) return;
    this.#publish(`subscriptions/${eventType}`, subject, {
      ...describe(subject, eventType),
      topics,
    });
  }

  #publish(path: string, subject: LifecycleSubject, event: object): void {
    // AWS documents that such client ids get no events: their topic could not be published.
    if (/[#+]/.test(subject.clientId)) return;
    this.#broker.publish({
      topic: `$aws/events/${path}/${subject.clientId}`,
      payload: Buffer.from(JSON.stringify(event)),
      qos: 1,
      retain: false,
    });
  }
}

function describe(subject: LifecycleSubject, eventType: string): object {
  return {
    clientId: subject.clientId,
    ...(subject.exclusiveThing !== undefined && {
      thingName: subject.exclusiveThing,
    }),
    timestamp: Date.now(),
    eventType,
    sessionIdentifier: subject.sessionIdentifier,
    principalIdentifier: subject.certificateId,
  };
}
