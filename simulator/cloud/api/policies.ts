import { Policies, type PolicyRecord } from "../registry/policies.js";
import { Certificates } from "../registry/certificates.js";
import { itself, seconds } from "./members.js";
import { page } from "./page.js";
import type { ApiRequest } from "./api-request.js";
import type { Operation } from "./router.js";
import { certificateOf } from "./things.js";

/** CreatePolicy. */
export const createPolicy: Operation = (request, { registry }) => {
  const policyDocument = request.text("policyDocument");
  const { policyName } = registry.policies.create(
    request.label("policyName"),
    policyDocument,
  );
  return {
    policyName,
    policyArn: Policies.arn(policyName),
    policyDocument,
    policyVersionId: "1",
  };
};

/** GetPolicy. */
export const getPolicy: Operation = (request, { registry }) => {
  const policy = registry.policies.describe(request.label("policyName"));
  return {
    ...entry(policy),
    policyDocument: policy.versions[policy.defaultVersionId],
    defaultVersionId: policy.defaultVersionId,
    creationDate: dateOf(policy, "1"),
    lastModifiedDate: seconds(policy.lastModifiedDate),
    generationId: generationOf(policy),
  };
};

/** DeletePolicy. */
export const deletePolicy: Operation = (request, { registry }) => {
  registry.deletePolicy(request.label("policyName"));
};

/** ListPolicies. */
export const listPolicies: Operation = (request, { registry }) =>
  page(
    request,
    "marker",
    "policies",
    registry.policies.list(),
    ({ policyName }) => policyName,
    entry,
  );

/** CreatePolicyVersion. */
export const createPolicyVersion: Operation = (request, { registry }) => {
  const policyName = request.label("policyName");
  const policyDocument = request.text("policyDocument");
  const isDefaultVersion = request.queryFlag("setAsDefault");
  return {
    policyArn: Policies.arn(policyName),
    policyDocument,
    policyVersionId: registry.policies.createVersion(
      policyName,
      policyDocument,
      isDefaultVersion,
    ),
    isDefaultVersion,
  };
};

/** GetPolicyVersion. */
export const getPolicyVersion: Operation = (request, { registry }) => {
  const policy = registry.policies.describe(request.label("policyName"));
  const id = request.label("policyVersionId");
  registry.policies.assertVersion(policy, id);
  return {
    ...entry(policy),
    policyDocument: policy.versions[id],
    policyVersionId: id,
    isDefaultVersion: id === policy.defaultVersionId,
    creationDate: dateOf(policy, id),
    lastModifiedDate: seconds(policy.lastModifiedDate),
    generationId: generationOf(policy),
  };
};

/** ListPolicyVersions, the newest first. */
export const listPolicyVersions: Operation = (request, { registry }) => {
  const policy = registry.policies.describe(request.label("policyName"));
  const ids = Object.keys(policy.versions).sort(
    (a, b) => Number(b) - Number(a),
  );
  return {
    policyVersions: ids.map((versionId) => ({
      versionId,
      isDefaultVersion: versionId === policy.defaultVersionId,
      createDate: dateOf(policy, versionId),
    })),
  };
};

/** SetDefaultPolicyVersion. */
export const setDefaultPolicyVersion: Operation = (request, { registry }) => {
  registry.policies.setDefaultVersion(
    request.label("policyName"),
    request.label("policyVersionId"),
  );
};

/** DeletePolicyVersion. */
export const deletePolicyVersion: Operation = (request, { registry }) => {
  registry.policies.deleteVersion(
    request.label("policyName"),
    request.label("policyVersionId"),
  );
};

/** AttachPolicy. */
export const attachPolicy: Operation = (request, { registry }) => {
  registry.attachPolicy(request.label("policyName"), request.text("target"));
};

/** DetachPolicy. */
export const detachPolicy: Operation = (request, { registry }) => {
  registry.detachPolicy(request.label("policyName"), request.text("target"));
};

/** ListAttachedPolicies; with `recursive` those of the groups above a group too. */
export const listAttachedPolicies: Operation = (request, { registry }) => {
  const target = request.label("target");
  const names = request.queryFlag("recursive")
    ? registry.inheritedPolicies(target)
    : registry.policiesOf(target);
  return pageOfNames(request, names);
};

/** ListTargetsForPolicy. */
export const listTargetsForPolicy: Operation = (request, { registry }) => {
  const policyName = request.label("policyName");
  registry.policies.describe(policyName);
  const targets = registry.targetsOf(policyName);
  return page(request, "marker", "targets", targets, itself);
};

/** AttachPrincipalPolicy, the older name of AttachPolicy. */
export const attachPrincipalPolicy: Operation = (request, { registry }) => {
  registry.attachPolicy(
    request.label("policyName"),
    request.header("x-amzn-iot-principal"),
  );
};

/** DetachPrincipalPolicy, the older name of DetachPolicy. */
export const detachPrincipalPolicy: Operation = (request, { registry }) => {
  const policyName = request.label("policyName");
  registry.policies.describe(policyName);
  registry.detachPolicy(policyName, request.header("x-amzn-iot-principal"));
};

/** ListPrincipalPolicies, the older name of ListAttachedPolicies. */
export const listPrincipalPolicies: Operation = (request, { registry }) => {
  const principal = request.header("x-amzn-iot-principal");
  registry.certificates.describe(certificateOf(principal));
  return pageOfNames(request, registry.policiesOf(principal));
};

/** ListPolicyPrincipals, the older name of ListTargetsForPolicy: certificates only. */
export const listPolicyPrincipals: Operation = (request, { registry }) => {
  const policyName = request.header("x-amzn-iot-policy");
  registry.policies.describe(policyName);
  const prefix = Certificates.arn("");
  const principals = registry
    .targetsOf(policyName)
    .filter((target) => target.startsWith(prefix));
  return page(request, "marker", "principals", principals, itself);
};

function pageOfNames(request: ApiRequest, names: readonly string[]): object {
  return page(request, "marker", "policies", names, itself, (policyName) =>
    entry({ policyName }),
  );
}

function entry({ policyName }: Pick<PolicyRecord, "policyName">): object {
  return { policyName, policyArn: Policies.arn(policyName) };
}

const dateOf = (policy: PolicyRecord, versionId: string) =>
  seconds(policy.versionDates[versionId] ?? policy.lastModifiedDate);

/** Changes when a policy is deleted and made again under its name. */
const generationOf = (policy: PolicyRecord) =>
  String(policy.versionDates["1"] ?? 0);
