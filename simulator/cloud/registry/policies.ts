import { limits } from "../limits.js";
import { arn } from "../names.js";
import { parsePolicyDocument } from "../policy/document.js";
import { ServiceError } from "../service-error.js";
import type { Store } from "../store.js";

/** A policy with its versions. */
export interface PolicyRecord {
  readonly policyName: string;
  /** Version id (a number as text) to document, as it was given. */
  readonly versions: Readonly<Record<string, string>>;
  readonly defaultVersionId: string;
  /** Number of the next version: numbers are not used twice. */
  readonly nextVersion: number;
  /** When each version was made, by version id, and when anything last changed; milliseconds since 1970. */
  readonly versionDates: Readonly<Record<string, number>>;
  readonly lastModifiedDate: number;
}

const namePattern = /^[\w+=,.@-]{1,128}$/;

/** The registry's policies. */
export class Policies {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** ARN of a policy. */
  static arn(policyName: string): string {
    return arn(`policy/${policyName}`);
  }

  /**
   * Makes a policy with its first version.
   * @throws ServiceError MalformedPolicyException, InvalidRequestException, ResourceAlreadyExistsException
   */
  create(policyName: string, document: string): PolicyRecord {
    if (!namePattern.test(policyName))
      throw new ServiceError(
        "InvalidRequestException",
        `"${policyName}" is no name for a policy: 1 to 128 letters, digits and "_+=,.@-".`,
      );
    parsePolicyDocument(document);
    return this.#store.transaction(() => {
      if (this.find(policyName))
        throw new ServiceError(
          "ResourceAlreadyExistsException",
          `Policy cannot be created - name already exists (name=${policyName})`,
          { resourceId: policyName, resourceArn: Policies.arn(policyName) },
        );
      return this.#put({
        policyName,
        versions: { "1": document },
        defaultVersionId: "1",
        nextVersion: 2,
        versionDates: { "1": Date.now() },
      });
    });
  }

  /**
   * Adds a version.
   * @returns its id
   * @throws ServiceError MalformedPolicyException, ResourceNotFoundException, VersionsLimitExceededException
   */
  createVersion(
    policyName: string,
    document: string,
    setAsDefault: boolean,
  ): string {
    parsePolicyDocument(document);
    return this.#store.transaction(() => {
      const policy = this.describe(policyName);
      if (Object.keys(policy.versions).length >= limits.policyVersions)
        throw new ServiceError(
          "VersionsLimitExceededException",
          `The policy ${policyName} already has the maximum number of versions (${limits.policyVersions})`,
        );
      const id = String(policy.nextVersion);
      this.#put({
        ...policy,
        versions: { ...policy.versions, [id]: document },
        defaultVersionId: setAsDefault ? id : policy.defaultVersionId,
        nextVersion: policy.nextVersion + 1,
        versionDates: { ...policy.versionDates, [id]: Date.now() },
      });
      return id;
    });
  }

  /** @throws ServiceError ResourceNotFoundException */
  setDefaultVersion(policyName: string, versionId: string): void {
    this.#store.transaction(() => {
      const policy = this.describe(policyName);
      this.assertVersion(policy, versionId);
      this.#put({ ...policy, defaultVersionId: versionId });
    });
  }

  /** @throws ServiceError ResourceNotFoundException, DeleteConflictException for the default version */
  deleteVersion(policyName: string, versionId: string): void {
    this.#store.transaction(() => {
      const policy = this.describe(policyName);
      this.assertVersion(policy, versionId);
      if (versionId === policy.defaultVersionId)
        throw new ServiceError(
          "DeleteConflictException",
          "Cannot delete the default version of a policy",
        );
      const versions = Object.fromEntries(
        Object.entries(policy.versions).filter(([id]) => id !== versionId),
      );
      this.#put({ ...policy, versions });
    });
  }

  /** Removes a policy that has only its default version. @throws ServiceError DeleteConflictException */
  remove(policyName: string): void {
    this.#store.transaction(() => {
      const policy = this.describe(policyName);
      if (Object.keys(policy.versions).length > 1)
        throw new ServiceError(
          "DeleteConflictException",
          `The policy ${policyName} has non-default versions`,
        );
      this.#store.policies.removeSync(policyName);
      this.#store.touchRegistry();
    });
  }

  /** The policy of this name, if there is one. */
  find(policyName: string): PolicyRecord | undefined {
    return this.#store.policies.get(policyName) as PolicyRecord | undefined;
  }

  /** @throws ServiceError ResourceNotFoundException */
  describe(policyName: string): PolicyRecord {
    const policy = this.find(policyName);
    if (!policy)
      throw new ServiceError(
        "ResourceNotFoundException",
        `Policy not found: ${policyName}`,
      );
    return policy;
  }

  /** @throws ServiceError ResourceNotFoundException when the policy has no such version */
  assertVersion(policy: PolicyRecord, versionId: string): void {
    if (!Object.hasOwn(policy.versions, versionId))
      throw new ServiceError(
        "ResourceNotFoundException",
        `Policy version not found: ${policy.policyName}/${versionId}`,
      );
  }

  /** All policies, by name. */
  list(): PolicyRecord[] {
    return [...this.#store.policies.getRange()].map(
      ({ value }) => value as PolicyRecord,
    );
  }

  #put(policy: Omit<PolicyRecord, "lastModifiedDate">): PolicyRecord {
    const record = { ...policy, lastModifiedDate: Date.now() };
    this.#store.policies.putSync(policy.policyName, record);
    this.#store.touchRegistry();
    return record;
  }
}
