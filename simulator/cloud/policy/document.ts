import { limits } from "../limits.js";
import { parseConditions, type Condition } from "./conditions.js";
import { isObject, malformed, strings } from "./grammar.js";
import { parsePattern, type PatternPart } from "./wildcard.js";

/** One statement of a policy, ready to be evaluated. */
export interface Statement {
  readonly sid?: string;
  readonly effect: "Allow" | "Deny";
  readonly actions: readonly (readonly PatternPart[])[];
  readonly resources: readonly (readonly PatternPart[])[];
  /** True when the resources come from `NotResource`: the statement is about all others. */
  readonly notResource: boolean;
  readonly conditions: readonly Condition[];
}

/** A policy document, ready to be evaluated. */
export interface PolicyDocument {
  readonly statements: readonly Statement[];
}

/**
 * Reads a policy document and holds it to AWS's grammar: `Version`, `Statement`s with `Effect`, `Action`, `Resource` or
 * `NotResource`, and `Condition`.
 * @throws ServiceError MalformedPolicyException with the element that is wrong
 */
export function parsePolicyDocument(text: string): PolicyDocument {
  if (text.replace(/\s/g, "").length > limits.policyDocument)
    throw malformed(
      `The policy document is longer than ${limits.policyDocument} characters, white space not counted`,
    );
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw malformed(
      `The policy document is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  if (!isObject(document)) throw malformed("The policy is not a JSON object");
  allowOnly(document, ["Version", "Id", "Statement"], "the policy");
  if (document.Version !== "2012-10-17")
    throw malformed('Version must be "2012-10-17"');
  const list = Array.isArray(document.Statement)
    ? (document.Statement as unknown[])
    : [document.Statement];
  if (list.length === 0) throw malformed("The policy has no Statement");
  return { statements: list.map(parseStatement) };
}

function parseStatement(value: unknown): Statement {
  if (!isObject(value)) throw malformed("A Statement is not a JSON object");
  allowOnly(
    value,
    ["Sid", "Effect", "Action", "Resource", "NotResource", "Condition"],
    "a Statement",
  );
  const { Sid, Effect, Action, Resource, NotResource, Condition } = value;
  if (Sid !== undefined && typeof Sid !== "string")
    throw malformed("Sid must be a string");
  if (Effect !== "Allow" && Effect !== "Deny")
    throw malformed('Effect must be "Allow" or "Deny"');
  if ((Resource === undefined) === (NotResource === undefined))
    throw malformed("A Statement needs either Resource or NotResource");
  const actions = strings(Action, "Action");
  for (const action of actions)
    if (action !== "*" && !/^[a-zA-Z0-9*?-]+:[a-zA-Z0-9*?]+$/.test(action))
      throw malformed(`"${action}" is not an Action: iot:Name`);
  const resources = strings(Resource ?? NotResource, "Resource");
  for (const resource of resources)
    if (!/^(\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:.+)$/s.test(resource))
      throw malformed(`"${resource}" is not "*" or an ARN`);
  return {
    ...(Sid !== undefined && { sid: Sid }),
    effect: Effect,
    actions: actions.map(parsePattern),
    resources: resources.map(parsePattern),
    notResource: NotResource !== undefined,
    conditions: Condition === undefined ? [] : parseConditions(Condition),
  };
}

function allowOnly(
  value: Record<string, unknown>,
  names: readonly string[],
  where: string,
): void {
  for (const name of Object.keys(value))
    if (!names.includes(name))
      throw malformed(`"${name}" has no place in ${where}`);
}
