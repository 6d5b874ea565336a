import type { Choices } from "../choices.js";
import { arn } from "../names.js";
import type { Registry } from "../registry/registry.js";
import { evaluate, type Decision, type NamedPolicy } from "./evaluate.js";
import {
  connectionValues,
  namedPolicies,
  type Principal,
} from "./principal.js";

/** Actions of MQTT clients. */
export type MqttAction =
  | "iot:Connect"
  | "iot:Publish"
  | "iot:RetainPublish"
  | "iot:Receive"
  | "iot:Subscribe";

/** Actions of devices over HTTPS. */
export type HttpsAction = `iot:${string}` | `iotjobsdata:${string}`;

/** What else is known about one request: condition keys with their values. */
export type RequestValues = Readonly<Record<string, readonly string[]>>;

/** Answers kept at most; a client that invents topics must not fill the memory. */
const cacheLimit = 2_000;

/**
 * What one connected client may do, by the policies on its certificate. Answers are remembered until the registry changes.
 */
export class Authorizer {
  readonly #registry: Registry;
  readonly #principal: Principal;
  readonly #choices: Choices;
  #revision = -1;
  #policies: NamedPolicy[] = [];
  #values = new Map<string, readonly string[]>();
  #known = new Map<string, Decision>();

  constructor(registry: Registry, principal: Principal, choices: Choices) {
    this.#registry = registry;
    this.#principal = principal;
    this.#choices = choices;
  }

  /** Thing that the connection stands for by its values, if any. */
  get thingName(): string | undefined {
    this.#load();
    return this.#values.get("iot:Connection.Thing.ThingName")?.[0];
  }

  /** Number of policies that apply. */
  get policyCount(): number {
    this.#load();
    return this.#policies.length;
  }

  /**
   * May the client do this?
   * @param resource the part of the ARN after the account: `client/<id>`, `topic/<topic>`, `topicfilter/<filter>`
   * @param values condition keys of this request only
   */
  decide(
    action: MqttAction | HttpsAction,
    resource: string,
    values?: RequestValues,
  ): Decision {
    this.#load();
    if (values) return this.#evaluate(action, resource, values);
    const key = `${action} ${resource}`;
    const known = this.#known.get(key);
    if (known) return known;
    const decision = this.#evaluate(action, resource, {});
    if (this.#known.size >= cacheLimit) this.#known.clear();
    this.#known.set(key, decision);
    return decision;
  }

  /** `decide` as yes or no. */
  allows(action: MqttAction | HttpsAction, resource: string): boolean {
    return this.decide(action, resource).decision === "ALLOWED";
  }

  #evaluate(
    action: MqttAction | HttpsAction,
    resource: string,
    values: RequestValues,
  ): Decision {
    return evaluate(this.#policies, {
      action,
      resource: arn(resource),
      valuesOf: (name) => values[name] ?? this.#values.get(name),
      ignoreActionCase: this.#choices.ignoreActionCase,
    });
  }

  #load(): void {
    const revision = this.#registry.revision;
    if (revision === this.#revision) return;
    this.#revision = revision;
    this.#known.clear();
    this.#policies = namedPolicies(
      this.#registry,
      this.#registry.effectivePolicies(this.#principal.certificateId),
    );
    this.#values = connectionValues(this.#registry, this.#principal);
  }
}
