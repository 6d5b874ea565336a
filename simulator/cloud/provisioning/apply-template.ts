import { createHash } from "node:crypto";
import type { Choices } from "../choices.js";
import { certificateId as idOf } from "../certificates/device-authority.js";
import { Certificates } from "../registry/certificates.js";
import { Policies } from "../registry/policies.js";
import type { Registry } from "../registry/registry.js";
import { Things } from "../registry/things.js";
import { invalid } from "../services/input.js";
import {
  isMap,
  type PayloadMap,
  type PayloadValue,
} from "../services/payload.js";
import {
  evaluate,
  parseTemplate,
  type Parameters,
  type TemplateBody,
  type TemplateResource,
} from "./template-language.js";

/** Parameter that stands for the certificate that a device is being provisioned with. */
export const certificateParameter = "AWS::IoT::Certificate::Id";

/** What a template's resources are made in. */
export interface TemplateTarget {
  readonly registry: Registry;
  readonly choices: Choices;
  /** Puts a thing into a group. @throws ServiceError ResourceNotFoundException */
  readonly addToGroup: (thingName: string, groupName: string) => void;
  /** Certificate, PEM, that was issued for the template's signing request. */
  readonly issued?: string;
}

/** What a template came to. */
export interface Provisioned {
  /** Undefined when the template has no thing. */
  readonly thingName?: string;
  readonly deviceConfiguration: Readonly<Record<string, string>>;
  /** ARN of each resource by its name in the template. */
  readonly resourceArns: Readonly<Record<string, string>>;
}

/** A resource is there already, and the template says that this is a failure. */
export class ResourceConflict extends Error {
  override readonly name = "ResourceConflict";
}

/**
 * Makes what a template says: thing, certificate's status, policy, and what ties them together. All of it, or nothing.
 * @param given the parameters that the device (or, for just-in-time provisioning, its certificate) gives
 * @throws ServiceError, ResourceConflict
 */
export function applyTemplate(
  templateBody: string,
  given: Parameters,
  target: TemplateTarget,
): Provisioned {
  const template = parseTemplate(templateBody);
  const parameters = parametersOf(template, given);
  const { registry } = target;
  return registry.transaction(() => {
    const work = new Provisioner(template, parameters, target);
    const things = work.each("AWS::IoT::Thing", (item) => work.thing(item));
    const certificates = work.each("AWS::IoT::Certificate", (item) =>
      work.certificate(item),
    );
    const policies = work.each("AWS::IoT::Policy", (item) => work.policy(item));
    for (const id of certificates) {
      for (const policy of policies)
        registry.attachPolicy(policy, Certificates.arn(id));
      for (const thing of things)
        registry.attachThingPrincipal(thing, Certificates.arn(id));
    }
    const thingName = things.at(0);
    return {
      resourceArns: work.arns,
      ...(thingName !== undefined && { thingName }),
      deviceConfiguration: Object.fromEntries(
        Object.entries(work.evaluate(template.deviceConfiguration)).map(
          ([key, value]) => [key, text(value, "DeviceConfiguration")],
        ),
      ),
    };
  });
}

/** ARN of a resource that was made, by its type. */
const arnOf = {
  "AWS::IoT::Thing": (name: string) => Things.arn(name),
  "AWS::IoT::Certificate": (id: string) => Certificates.arn(id),
  "AWS::IoT::Policy": (name: string) => Policies.arn(name),
} as const;

/** Makes the resources of one template. */
class Provisioner {
  readonly #template: TemplateBody;
  readonly #parameters: Parameters;
  readonly #target: TemplateTarget;
  readonly arns: Record<string, string> = {};

  constructor(
    template: TemplateBody,
    parameters: Parameters,
    target: TemplateTarget,
  ) {
    this.#template = template;
    this.#parameters = parameters;
    this.#target = target;
  }

  each(
    type: TemplateResource["type"],
    make: (resource: TemplateResource) => string,
  ): string[] {
    return this.#template.resources
      .filter((resource) => resource.type === type)
      .map((resource) => {
        const made = make(resource);
        this.arns[resource.name] = arnOf[type](made);
        return made;
      });
  }

  evaluate(map: PayloadMap): PayloadMap {
    const value = evaluate(map, this.#parameters, this.#template.mappings);
    return isMap(value) ? value : invalid("The template has no such map.");
  }

  /** A thing that is new, or is changed as the template's OverrideSettings say. @returns its name */
  thing({ properties, overrides }: TemplateResource): string {
    const values = this.evaluate(properties);
    const { registry } = this.#target;
    const thingName = text(values.ThingName, "ThingName");
    const attributes = attributesOf(values.AttributePayload);
    const thingTypeName = optionalText(values.ThingTypeName, "ThingTypeName");
    const billingGroupName = optionalText(values.BillingGroup, "BillingGroup");
    const known = registry.things.find(thingName);
    if (!known)
      registry.createThing(thingName, {
        attributes,
        ...(thingTypeName !== undefined && { thingTypeName }),
        ...(billingGroupName !== undefined && { billingGroupName }),
      });
    else {
      const onAttributes = this.#override(overrides, "AttributePayload");
      const onType = this.#override(overrides, "ThingTypeName");
      if (
        (onAttributes === "FAIL" && Object.keys(attributes).length > 0) ||
        (onType === "FAIL" && thingTypeName !== undefined)
      )
        throw new ResourceConflict(`Thing ${thingName} exists already`);
      registry.updateThing(thingName, {
        ...(["MERGE", "REPLACE"].includes(onAttributes) && {
          attributes,
          merge: onAttributes === "MERGE",
        }),
        ...(onType === "REPLACE" && thingTypeName && { thingTypeName }),
      });
    }
    const groups = values.ThingGroups ?? [];
    if (!known || this.#override(overrides, "ThingGroups") !== "DO_NOTHING")
      for (const group of list(groups, "ThingGroups"))
        this.#target.addToGroup(thingName, text(group, "ThingGroups"));
    return thingName;
  }

  /** The certificate, in the status that the template wants. @returns its id */
  certificate({ properties }: TemplateResource): string {
    const values = this.evaluate(properties);
    const { certificates } = this.#target.registry;
    const status = text(values.Status ?? "ACTIVE", "Status").toUpperCase();
    if (status !== "ACTIVE" && status !== "INACTIVE")
      invalid(`A certificate's Status is ACTIVE or INACTIVE, not ${status}.`);
    const given = this.#target.issued ?? values.CertificatePem;
    if (given !== undefined) {
      const pem = text(given, "CertificatePem");
      const id = idOf(pem);
      if (!certificates.find(id)) certificates.register(pem, status);
      return id;
    }
    const id = text(values.CertificateId, "CertificateId");
    certificates.setStatus(id, status);
    return id;
  }

  /** A policy that is there by name, or is made of a document. @returns its name */
  policy({ properties }: TemplateResource): string {
    const values = this.evaluate(properties);
    const { policies } = this.#target.registry;
    if (values.PolicyDocument === undefined) {
      const name = text(values.PolicyName, "PolicyName");
      policies.describe(name);
      return name;
    }
    const document = isMap(values.PolicyDocument)
      ? JSON.stringify(values.PolicyDocument)
      : text(values.PolicyDocument, "PolicyDocument");
    const name =
      values.PolicyName === undefined
        ? createHash("sha256").update(document).digest("hex")
        : text(values.PolicyName, "PolicyName");
    if (!policies.find(name)) policies.create(name, document);
    return name;
  }

  #override(overrides: PayloadMap, key: string): string {
    const { templateOverride } = this.#target.choices;
    return text(overrides[key] ?? templateOverride, "OverrideSettings");
  }
}

/** Parameters with the template's defaults. @throws ServiceError when one has no value */
export function parametersOf(
  template: TemplateBody,
  given: Parameters,
): Parameters {
  const values = new Map(given);
  for (const [name, { fallback }] of template.parameters) {
    if (values.has(name)) continue;
    if (fallback === undefined) invalid(`The parameter ${name} has no value.`);
    values.set(name, fallback);
  }
  return values;
}

/** `AttributePayload` is the attributes themselves, or `{ attributes }` around them. */
function attributesOf(
  payload: PayloadValue | undefined,
): Record<string, string> {
  if (payload === undefined) return {};
  if (!isMap(payload)) invalid("AttributePayload must be a map.");
  const attributes = isMap(payload.attributes) ? payload.attributes : payload;
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      text(value, name),
    ]),
  );
}

function text(value: PayloadValue | undefined, name: string): string {
  return typeof value === "string" ? value : invalid(`${name} must be text.`);
}

function optionalText(
  value: PayloadValue | undefined,
  name: string,
): string | undefined {
  return value === undefined ? undefined : text(value, name);
}

function list(value: PayloadValue, name: string): readonly PayloadValue[] {
  return Array.isArray(value)
    ? (value as readonly PayloadValue[])
    : invalid(`${name} must be a list.`);
}
