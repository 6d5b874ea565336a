import type { Registry } from "../registry/registry.js";
import { certificateVariables } from "./certificate-variables.js";
import { parsePolicyDocument, type PolicyDocument } from "./document.js";
import type { NamedPolicy } from "./evaluate.js";

/** Who asks. */
export interface Principal {
  readonly certificateId: string;
  /** None over HTTPS, where there is no MQTT client. */
  readonly clientId?: string;
  /** Address the request came from. */
  readonly sourceIp?: string;
}

/** Documents that were read, by their text: a fleet shares a few policies, and each of its clients asks for them. */
const documents = new Map<string, PolicyDocument>();
/** Documents kept at most. */
const documentLimit = 500;

/** The default versions of these policies, ready to be evaluated. */
export function namedPolicies(
  registry: Registry,
  names: readonly string[],
): NamedPolicy[] {
  return names.map((name) => {
    const { versions, defaultVersionId } = registry.policies.describe(name);
    return { name, document: parsed(versions[defaultVersionId] ?? "") };
  });
}

function parsed(text: string): PolicyDocument {
  const known = documents.get(text);
  if (known) return known;
  if (documents.size >= documentLimit) documents.clear();
  const document = parsePolicyDocument(text);
  documents.set(text, document);
  return document;
}

/** The policy variables and condition keys of a connection, by name without `${}`. */
export function connectionValues(
  registry: Registry,
  principal: Principal,
): Map<string, readonly string[]> {
  const { certificateId, clientId, sourceIp } = principal;
  const certificate = registry.certificates.find(certificateId);
  const values = new Map<string, readonly string[]>(
    certificate ? certificateVariables(certificate.certificatePem) : [],
  );
  if (sourceIp !== undefined) values.set("aws:SourceIp", [sourceIp]);
  if (clientId === undefined) return values;
  values.set("iot:ClientId", [clientId]);
  const thing = registry.connectionThing(certificateId, clientId);
  values.set("iot:Connection.Thing.IsAttached", [String(thing !== undefined)]);
  if (!thing) return values;
  values.set("iot:Connection.Thing.ThingName", [thing.thingName]);
  if (thing.thingTypeName)
    values.set("iot:Connection.Thing.ThingTypeName", [thing.thingTypeName]);
  for (const [name, value] of Object.entries(thing.attributes))
    values.set(`iot:Connection.Thing.Attributes[${name}]`, [value]);
  return values;
}
