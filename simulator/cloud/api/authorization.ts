import { arn, nameFromArn } from "../names.js";
import {
  evaluate,
  missingVariables,
  type NamedPolicy,
} from "../policy/evaluate.js";
import { connectionValues, namedPolicies } from "../policy/principal.js";
import { Policies } from "../registry/policies.js";
import type { Registry } from "../registry/registry.js";
import { ServiceError } from "../service-error.js";
import type { ApiRequest } from "./api-request.js";
import { oneOf, optional } from "./members.js";
import type { Operation } from "./router.js";
import { certificateOf } from "./things.js";

const actions = {
  PUBLISH: "iot:Publish",
  SUBSCRIBE: "iot:Subscribe",
  RECEIVE: "iot:Receive",
  CONNECT: "iot:Connect",
} as const;
const actionTypes = ["PUBLISH", "SUBSCRIBE", "RECEIVE", "CONNECT"] as const;

/** TestAuthorization: asks the evaluator that decides for connected clients, without connecting. */
export const testAuthorization: Operation = (request, { registry }) => {
  const principal = request.optionalText("principal");
  const own = principal === undefined ? [] : appliedTo(registry, principal);
  const skipped = request.optionalTexts("policyNamesToSkip") ?? [];
  const names = [...own, ...(request.optionalTexts("policyNamesToAdd") ?? [])];
  const policies = namedPolicies(
    registry,
    [...new Set(names)].filter((name) => !skipped.includes(name)),
  );
  const id =
    principal === undefined ? undefined : nameFromArn("cert", principal);
  const values =
    id === undefined
      ? new Map<string, readonly string[]>()
      : connectionValues(registry, {
          certificateId: id,
          ...optional("clientId", request.query("clientId")),
        });
  const asked = request.structures("authInfos");
  if (asked.length === 0 || asked.length > 10)
    throw new ServiceError(
      "InvalidRequestException",
      "authInfos must have 1 to 10 members",
    );
  return {
    authResults: asked.flatMap((info) => answer(info, policies, values)),
  };
};

/** GetEffectivePolicies: those of a certificate or a group, and of the groups that a thing is in. */
export const getEffectivePolicies: Operation = (request, { registry }) => {
  const principal = request.optionalText("principal");
  const thingName = request.query("thingName");
  if (thingName !== undefined) registry.things.describe(thingName);
  const names = new Set([
    ...(principal === undefined ? [] : appliedTo(registry, principal)),
    ...(thingName === undefined ? [] : registry.groupPolicies(thingName)),
  ]);
  return {
    effectivePolicies: [...names].map((policyName) => {
      const policy = registry.policies.describe(policyName);
      return {
        policyName,
        policyArn: Policies.arn(policyName),
        policyDocument: policy.versions[policy.defaultVersionId],
      };
    }),
  };
};

function appliedTo(registry: Registry, principal: string): string[] {
  if (nameFromArn("thinggroup", principal) !== undefined)
    return registry.inheritedPolicies(principal);
  const id = certificateOf(principal);
  registry.certificates.describe(id);
  return registry.effectivePolicies(id);
}

/** One result for each resource, as AWS gives it: which policies allow, which deny, and what decides. */
function answer(
  info: ApiRequest,
  policies: readonly NamedPolicy[],
  values: ReadonlyMap<string, readonly string[]>,
): object[] {
  const actionType =
    oneOf("actionType", info.optionalText("actionType"), actionTypes) ??
    "CONNECT";
  const resources = info.optionalTexts("resources") ?? [];
  return resources.map((resource) => {
    const asked = {
      action: actions[actionType],
      resource: resource.startsWith("arn:") ? resource : arn(resource),
      valuesOf: (name: string) => values.get(name),
      ignoreActionCase: true,
    };
    const deciding = (decision: string) =>
      policies
        .filter((one) => evaluate([one], asked).decision === decision)
        .map(({ name }) => ({
          policyName: name,
          policyArn: Policies.arn(name),
        }));
    const { decision } = evaluate(policies, asked);
    return {
      authInfo: { actionType, resources: [resource] },
      allowed: { policies: deciding("ALLOWED") },
      denied: {
        implicitDeny: {
          policies: decision === "IMPLICIT_DENY" ? deciding(decision) : [],
        },
        explicitDeny: { policies: deciding("EXPLICIT_DENY") },
      },
      authDecision: decision,
      missingContextValues: missingVariables(policies, asked),
    };
  });
}
