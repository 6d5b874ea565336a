import type { CertificateAuthority } from "../certificates/certificate-authority.js";
import type { Choices } from "../choices.js";
import type { EventLog } from "../event-log.js";
import type { Broker } from "../mqtt/broker.js";
import type { Client } from "../mqtt/client.js";
import type { Registry } from "../registry/registry.js";
import type { Services } from "../services/services.js";
import type { Store } from "../store.js";

/** What operations of the API work on: the cloud's own parts. */
export interface ApiServices {
  readonly store: Store;
  readonly registry: Registry;
  readonly authority: CertificateAuthority;
  readonly broker: Broker;
  /** Shadows, jobs and the like. */
  readonly services: Services;
  /** Connected clients by client id. */
  readonly clients: ReadonlyMap<string, Client>;
  readonly choices: Choices;
  readonly log: EventLog;
  /** Data endpoint's host name. */
  readonly endpoint: string;
}
