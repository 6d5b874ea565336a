import { limits } from "../limits.js";
import { nameFromArn } from "../names.js";
import { ServiceError } from "../service-error.js";
import type { Store } from "../store.js";
import { Attachments } from "./attachments.js";
import { BillingGroups } from "./billing-groups.js";
import { CaCertificates, type CaCertificate } from "./ca-certificates.js";
import { Certificates, readCertificate } from "./certificates.js";
import { GroupMembers } from "./group-members.js";
import { Policies } from "./policies.js";
import { ThingGroups } from "./thing-groups.js";
import { ThingTypes } from "./thing-types.js";
import {
  Things,
  type Thing,
  type ThingChanges,
  type ThingSettings,
} from "./things.js";

/** How a certificate belongs to a thing. An exclusive one stands for its thing whatever the client id is. */
export type ThingPrincipalType = "EXCLUSIVE_THING" | "NON_EXCLUSIVE_THING";

/** Things, certificates and policies, and what ties them together. */
export class Registry {
  readonly things: Things;
  readonly thingTypes: ThingTypes;
  readonly thingGroups: ThingGroups;
  readonly members: GroupMembers;
  readonly billingGroups: BillingGroups;
  readonly certificates: Certificates;
  readonly caCertificates: CaCertificates;
  readonly policies: Policies;
  readonly #attachments: Attachments;
  readonly #store: Store;
  /** Is told of each thing that is made, changed or deleted, once that is kept. */
  onThing: (
    operation: "CREATED" | "UPDATED" | "DELETED",
    thing: Thing,
  ) => void = () => {};
  /** Is told of each thing that is deleted, while it is. */
  onThingDeleted: (thingName: string) => void = () => {};

  constructor(store: Store) {
    this.#store = store;
    this.things = new Things(store);
    this.thingTypes = new ThingTypes(store);
    this.thingGroups = new ThingGroups(store);
    this.billingGroups = new BillingGroups(store);
    this.certificates = new Certificates(store);
    this.caCertificates = new CaCertificates(store);
    this.policies = new Policies(store);
    this.#attachments = new Attachments(store);
    this.members = new GroupMembers(
      store,
      this.things,
      this.thingGroups,
      this.#attachments,
    );
  }

  /** Number that changes whenever anything here does, whichever process changed it. */
  get revision(): number {
    return this.#store.registryRevision;
  }

  /** Lets the next read see what other processes committed. */
  refresh(): void {
    this.#store.refresh();
  }

  /** Runs several changes as one: all of them are kept or none. */
  transaction<T>(work: () => T): T {
    return this.#store.transaction(work);
  }

  /** Makes a thing of a type and in a billing group that exist. @throws ServiceError as `Things.create`, and ResourceNotFoundException */
  createThing(thingName: string, settings: ThingSettings): Thing {
    return this.#store.transaction(() => {
      const { thingTypeName, billingGroupName } = settings;
      if (thingTypeName !== undefined && !this.things.find(thingName))
        this.thingTypes.assertUsable(thingTypeName);
      if (billingGroupName !== undefined)
        this.billingGroups.describe(billingGroupName);
      const isNew = !this.things.find(thingName);
      const thing = this.things.create(thingName, settings);
      if (isNew) this.#store.afterCommit(() => this.onThing("CREATED", thing));
      return thing;
    });
  }

  /** Changes a thing. @throws ServiceError as `Things.update`, and ResourceNotFoundException for its type */
  updateThing(thingName: string, changes: ThingChanges): Thing {
    return this.#store.transaction(() => {
      if (changes.thingTypeName !== undefined)
        this.thingTypes.assertUsable(changes.thingTypeName);
      const thing = this.things.update(thingName, changes);
      this.#store.afterCommit(() => this.onThing("UPDATED", thing));
      return thing;
    });
  }

  /**
   * Attaches a certificate to a thing.
   * @throws ServiceError ResourceNotFoundException, InvalidRequestException when the certificate is another's exclusively
   */
  attachThingPrincipal(
    thingName: string,
    principalArn: string,
    type: ThingPrincipalType = "NON_EXCLUSIVE_THING",
  ): void {
    this.#store.transaction(() => {
      this.things.describe(thingName);
      const id = this.#certificateOf(principalArn);
      const others = [...this.#attachments.by("thing-principal", id)].filter(
        ([name]) => name !== thingName,
      );
      if (
        others.some(([, kind]) => kind === "EXCLUSIVE_THING") ||
        (type === "EXCLUSIVE_THING" && others.length > 0)
      )
        throw new ServiceError(
          "InvalidRequestException",
          `The principal ${principalArn} is attached to another thing and cannot be shared`,
        );
      this.#attachments.add("thing-principal", thingName, id, type);
    });
  }

  /** Detaches a certificate from a thing. */
  detachThingPrincipal(thingName: string, principalArn: string): void {
    const id = this.#certificateOf(principalArn);
    this.#attachments.remove("thing-principal", thingName, id);
  }

  /** Attaches a policy to a certificate or a thing group; the same again is no error. @throws ServiceError */
  attachPolicy(policyName: string, targetArn: string): void {
    this.#store.transaction(() => {
      this.policies.describe(policyName);
      this.#assertTarget(targetArn);
      const attached = this.#attachments.by("policy-target", targetArn);
      if (attached.has(policyName)) return;
      if (attached.size >= limits.policiesPerPrincipal)
        throw new ServiceError(
          "LimitExceededException",
          `A principal can have ${limits.policiesPerPrincipal} policies`,
        );
      this.#attachments.add("policy-target", policyName, targetArn, "");
    });
  }

  /** Detaches a policy from what it is attached to; what is not attached stays so. */
  detachPolicy(policyName: string, targetArn: string): void {
    this.#attachments.remove("policy-target", policyName, targetArn);
  }

  /** Names of the policies attached to this ARN. */
  policiesOf(targetArn: string): string[] {
    return [...this.#attachments.by("policy-target", targetArn).keys()];
  }

  /** ARNs that a policy is attached to. */
  targetsOf(policyName: string): string[] {
    return [...this.#attachments.of("policy-target", policyName).keys()];
  }

  /**
   * Names of all policies that apply to a certificate: its own, and those of the groups that its things are in, with the
   * groups above them (Developer Guide, "Attach a policy to a thing group").
   */
  effectivePolicies(certificateId: string): string[] {
    return [
      ...new Set([
        ...this.policiesOf(Certificates.arn(certificateId)),
        ...this.thingsOf(certificateId).flatMap((thing) =>
          this.groupPolicies(thing),
        ),
      ]),
    ];
  }

  /** Names of the policies on the groups that a thing is in, and on the groups above them. */
  groupPolicies(thingName: string): string[] {
    const groups = this.members.allGroupsOf(thingName);
    return this.#policiesOfAll(groups.map((group) => ThingGroups.arn(group)));
  }

  /** Names of the policies attached to this ARN and, for a thing group, to the groups above it. */
  inheritedPolicies(targetArn: string): string[] {
    const group = nameFromArn("thinggroup", targetArn);
    const above = group === undefined ? [] : this.thingGroups.ancestors(group);
    return this.#policiesOfAll([
      targetArn,
      ...above.map((name) => ThingGroups.arn(name)),
    ]);
  }

  /** The registered authority that signed a certificate. @throws ServiceError when it cannot be read */
  issuerOf(certificatePem: string): CaCertificate | undefined {
    return this.caCertificates.issuerOf(readCertificate(certificatePem));
  }

  /** Ids of the certificates attached to a thing, with how each is attached. */
  principalsOf(thingName: string): Map<string, ThingPrincipalType> {
    return this.#attachments.of("thing-principal", thingName) as Map<
      string,
      ThingPrincipalType
    >;
  }

  /** Names of the things that a certificate is attached to, with how. */
  attachedThings(certificateId: string): Map<string, ThingPrincipalType> {
    return this.#attachments.by("thing-principal", certificateId) as Map<
      string,
      ThingPrincipalType
    >;
  }

  /** Ids of the certificates attached to a thing. */
  certificatesOf(thingName: string): string[] {
    return [...this.#attachments.of("thing-principal", thingName).keys()];
  }

  /** Names of the things that a certificate is attached to. */
  thingsOf(certificateId: string): string[] {
    return [...this.#attachments.by("thing-principal", certificateId).keys()];
  }

  /**
   * The thing that a connection stands for: the one named like the client id, when the certificate is attached to it, or
   * the one that the certificate belongs to exclusively.
   */
  connectionThing(certificateId: string, clientId: string): Thing | undefined {
    const attached = this.#attachments.by("thing-principal", certificateId);
    for (const [name, type] of attached)
      if (type === "EXCLUSIVE_THING" || name === clientId)
        return this.things.find(name);
    return undefined;
  }

  /** True when the certificate is attached to exactly this thing and to no other. */
  isExclusive(certificateId: string, thingName: string): boolean {
    return (
      this.#attachments.by("thing-principal", certificateId).get(thingName) ===
      "EXCLUSIVE_THING"
    );
  }

  /** Removes a thing. @throws ServiceError InvalidRequestException while certificates are attached, VersionConflictException */
  deleteThing(thingName: string, expectedVersion?: number): void {
    this.#store.transaction(() => {
      if (this.certificatesOf(thingName).length > 0)
        throw new ServiceError(
          "InvalidRequestException",
          `Cannot delete. Thing ${thingName} is still attached to one or more principals`,
        );
      const thing = this.things.find(thingName);
      this.things.delete(thingName, expectedVersion);
      if (thing) this.#store.afterCommit(() => this.onThing("DELETED", thing));
      this.members.removeThing(thingName);
      this.onThingDeleted(thingName);
    });
  }

  /** Removes a thing type that no thing has. @throws ServiceError as `ThingTypes.remove`, InvalidRequestException */
  deleteThingType(thingTypeName: string): void {
    this.#store.transaction(() => {
      if (this.things.list().some((t) => t.thingTypeName === thingTypeName))
        throw new ServiceError(
          "InvalidRequestException",
          `Cannot delete. Thing type ${thingTypeName} still has things`,
        );
      this.thingTypes.remove(thingTypeName);
    });
  }

  /** Removes a thing group with all that hangs on it but things. @throws ServiceError as `ThingGroups.remove` */
  deleteThingGroup(thingGroupName: string, expectedVersion?: number): void {
    this.#store.transaction(() => {
      this.thingGroups.remove(thingGroupName, expectedVersion);
      this.members.removeGroup(thingGroupName);
      const target = ThingGroups.arn(thingGroupName);
      for (const policy of this.policiesOf(target))
        this.detachPolicy(policy, target);
    });
  }

  /**
   * Removes a certificate that is not ACTIVE and to which nothing is attached.
   * @param force ignores attached policies
   * @throws ServiceError CertificateStateException, DeleteConflictException, ResourceNotFoundException
   */
  deleteCertificate(id: string, force = false): void {
    this.#store.transaction(() => {
      const certificate = this.certificates.describe(id);
      if (certificate.status === "ACTIVE")
        throw new ServiceError(
          "CertificateStateException",
          `Certificate must be deactivated (not ACTIVE) before deletion: ${id}`,
        );
      const target = Certificates.arn(id);
      const policies = this.policiesOf(target);
      if (this.thingsOf(id).length > 0 || (policies.length > 0 && !force))
        throw new ServiceError(
          "DeleteConflictException",
          `Things or policies must be detached before deletion: ${id}`,
        );
      for (const policy of policies) this.detachPolicy(policy, target);
      this.certificates.remove(id);
    });
  }

  /** Removes a policy that is attached to nothing. @throws ServiceError DeleteConflictException */
  deletePolicy(policyName: string): void {
    this.#store.transaction(() => {
      if (this.#attachments.of("policy-target", policyName).size > 0)
        throw new ServiceError(
          "DeleteConflictException",
          `The policy cannot be deleted as it is attached to one or more principals: ${policyName}`,
        );
      this.policies.remove(policyName);
    });
  }

  #policiesOfAll(targets: readonly string[]): string[] {
    return [...new Set(targets.flatMap((target) => this.policiesOf(target)))];
  }

  #assertTarget(targetArn: string): void {
    const group = nameFromArn("thinggroup", targetArn);
    if (group === undefined) this.#certificateOf(targetArn);
    else this.thingGroups.describe(group);
  }

  #certificateOf(principalArn: string): string {
    const id = nameFromArn("cert", principalArn);
    if (id === undefined)
      throw new ServiceError(
        "InvalidRequestException",
        `${principalArn} is not the ARN of a certificate`,
      );
    this.certificates.describe(id);
    return id;
  }
}
