import { join } from "node:path";
import type { CertificateAuthority } from "../certificates/certificate-authority.js";
import type { Choices } from "../choices.js";
import { CommandTopics, sendCommand } from "../commands/command-topics.js";
import { Commands } from "../commands/commands.js";
import { DefenderTopics } from "../defender/defender-topics.js";
import type { EventLog } from "../event-log.js";
import type { Broker } from "../mqtt/broker.js";
import { Rules } from "../ingest/rules.js";
import { JobNotifications } from "../jobs/job-notifications.js";
import { Jobs } from "../jobs/jobs.js";
import { JobsTopics } from "../jobs/jobs-topics.js";
import type { Provision } from "../mqtt/just-in-time.js";
import { ReservedTopics } from "../mqtt/reserved-topics.js";
import { nameFromArn } from "../names.js";
import {
  FleetProvisioning,
  type Hook,
} from "../provisioning/fleet-provisioning.js";
import { provisionJustInTime } from "../provisioning/just-in-time-provisioning.js";
import { ProvisioningTopics } from "../provisioning/provisioning-topics.js";
import { registerThing } from "../provisioning/register-thing.js";
import { Templates } from "../provisioning/templates.js";
import type { Registry } from "../registry/registry.js";
import { ThingGroups } from "../registry/thing-groups.js";
import { ShadowTopics } from "../shadow/shadow-topics.js";
import { Shadows } from "../shadow/shadows.js";
import type { Store } from "../store.js";
import { Buckets } from "../streams/buckets.js";
import { StreamTopics } from "../streams/stream-topics.js";
import { OtaUpdates } from "../streams/ota-updates.js";
import { PresignedUrls } from "../streams/presigned-urls.js";
import { Streams } from "../streams/streams.js";
import { AccountEvents } from "./account-events.js";
import { ServicePublisher } from "./service-publisher.js";

/** Milliseconds between looks for what expired. */
const expiryInterval = 1_000;

/** What the services stand on. */
export interface ServiceParts {
  readonly store: Store;
  readonly registry: Registry;
  readonly authority: CertificateAuthority;
  readonly broker: Broker;
  readonly choices: Choices;
  readonly log: EventLog;
}

/** AWS's services for devices: the state of each and its operations, put behind the topics that clients speak to them on. */
export class Services {
  readonly reserved = new ReservedTopics();
  readonly shadows: Shadows;
  readonly shadowTopics: ShadowTopics;
  readonly jobs: Jobs;
  readonly templates: Templates;
  readonly provisioning: FleetProvisioning;
  /** Events of the registry and of jobs. */
  readonly events: AccountEvents;
  /** RegisterThing. @throws ServiceError */
  readonly registerThing: (
    templateBody: string,
    parameters: Readonly<Record<string, string>>,
  ) => ReturnType<typeof registerThing>;
  /** Provisions a device by the template of its authority. @throws ServiceError, ResourceConflict */
  readonly provisionJustInTime: Provision;
  /** Functions that stand in for Lambda: pre-provisioning hooks, by the ARN that templates name. */
  readonly hooks = new Map<string, Hook>();
  readonly streams: Streams;
  readonly otaUpdates: OtaUpdates;
  readonly commands: Commands;
  readonly rules: Rules;
  /** What stands in for S3. */
  readonly buckets: Buckets;
  /** Addresses of objects in job documents. */
  readonly presignedUrls: PresignedUrls;
  readonly #provisioningTopics: ProvisioningTopics;
  readonly #timer: NodeJS.Timeout;

  constructor(parts: ServiceParts) {
    const { store, registry, broker, choices, log } = parts;
    const publisher = new ServicePublisher(broker);
    this.shadows = new Shadows(store, choices);
    this.buckets = new Buckets(join(store.directory, "s3"));
    this.presignedUrls = new PresignedUrls(store, this.buckets);
    const thingExists = (name: string) =>
      registry.things.find(name) !== undefined;
    this.events = new AccountEvents(store, publisher);
    const notifications = new JobNotifications(publisher, choices);
    this.jobs = new Jobs({
      store,
      choices,
      thingExists,
      thingsBehind: (target) => thingsBehind(registry, target),
      readSource: (address) => this.buckets.readAddress(address).toString(),
      fillDocument: (document, seconds) =>
        this.presignedUrls.fill(document, seconds),
      onJob: (operation, job) => this.events.job(operation, job),
      onExecution: (execution) => {
        const { jobId, thingName, status, versionNumber } = execution;
        this.events.execution(execution);
        log.add({
          type: "service",
          service: "jobs",
          client: thingName,
          operation: "execution",
          subject: jobId,
          outcome: `${status}, version ${versionNumber}`,
        });
      },
      onPending: (change) => notifications.send(change, this.jobs.device),
    });
    registry.members.onJoined = (thingName, group) => {
      const { thingGroups } = registry;
      for (const name of [group, ...thingGroups.ancestors(group)])
        this.jobs.thingJoined(ThingGroups.arn(name), thingName);
    };
    registry.onThing = (operation, thing) =>
      this.events.thing(operation, thing);
    registry.members.onMembership = (operation, name, thingName) => {
      const thing = registry.things.find(thingName);
      const { thingGroupId: id } = registry.thingGroups.describe(name);
      const group = { arn: ThingGroups.arn(name), id, name };
      if (thing) this.events.membership(operation, group, thing);
    };
    registry.onThingDeleted = (name) => this.jobs.thingDeleted(name);
    this.templates = new Templates(store);
    const target = {
      ...parts,
      addToGroup: (thing: string, group: string) =>
        registry.members.add(group, thing),
    };
    this.provisionJustInTime = (caCertificate, certificate) =>
      provisionJustInTime(caCertificate, certificate, this.templates, target);
    this.registerThing = (templateBody, parameters) =>
      registerThing(templateBody, parameters, target, parts.authority);
    this.provisioning = new FleetProvisioning({
      ...target,
      templates: this.templates,
      hooks: this.hooks,
    });
    this.#provisioningTopics = new ProvisioningTopics(
      this.provisioning,
      choices,
      log,
    );
    this.streams = new Streams(store, this.buckets);
    this.shadowTopics = new ShadowTopics(this.shadows, publisher, choices, log);
    this.otaUpdates = new OtaUpdates(store, this.streams, this.jobs);
    this.commands = new Commands({
      store,
      thingExists,
      send: (...command) => sendCommand(broker, ...command),
    });
    this.rules = new Rules(store, broker, log);
    broker.onPublish = ({ topic, payload }, clientId) =>
      this.rules.passed({ topic, payload, clientId });
    this.reserved.register(this.shadowTopics);
    this.reserved.register(new JobsTopics(this.jobs.device, choices, log));
    this.reserved.register(this.#provisioningTopics);
    this.reserved.register(new DefenderTopics(publisher, choices, log));
    this.reserved.register(new CommandTopics(this.commands, publisher, log));
    this.reserved.register(new StreamTopics(this.streams, publisher, log));
    this.#timer = setInterval(() => {
      try {
        this.expire();
      } catch (error) {
        log.add({ type: "warning", reason: `expiry failed: ${String(error)}` });
      }
    }, expiryInterval);
    this.#timer.unref();
  }

  /** Ends what has lasted long enough: executions of jobs, tokens of devices that were not provisioned. */
  expire(): void {
    this.jobs.expire();
    this.provisioning.expire();
    this.commands.expire();
  }

  /** Ends timers. Resolves when nothing is under way that needs the store. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#provisioningTopics.settled();
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
