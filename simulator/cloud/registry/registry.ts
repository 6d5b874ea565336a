import { limits } from "../limits.js";
import { nameFromArn } from "../names.js";
import { ServiceError } from "../service-error.js";
import type { Store } from "../store.js";
import { Attachments } from "./attachments.js";
import { Certificates } from "./certificates.js";
import { Policies } from "./policies.js";
import { Things, type Thing } from "./things.js";

/** How a certificate belongs to a thing. An exclusive one stands for its thing whatever the client id is. */
export type ThingPrincipalType = "EXCLUSIVE_THING" | "NON_EXCLUSIVE_THING";

/** Things, certificates and policies, and what ties them together. */
export class Registry {
  readonly things: Things;
  readonly certificates: Certificates;
  readonly policies: Policies;
  readonly #attachments: Attachments;
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
    this.things = new Things(store);
    this.certificates = new Certificates(store);
    this.policies = new Policies(store);
    this.#attachments = new Attachments(store);
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

  /** Attaches a policy to a certificate; the same again is no error. @throws ServiceError */
  attachPolicy(policyName: string, targetArn: string): void {
    this.#store.transaction(() => {
      this.policies.describe(policyName);
      this.#certificateOf(targetArn);
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

  /** Detaches a policy from a certificate. */
  detachPolicy(policyName: string, targetArn: string): void {
    this.#attachments.remove("policy-target", policyName, targetArn);
  }

  /** Names of the policies attached to this ARN. */
  policiesOf(targetArn: string): string[] {
    return [...this.#attachments.by("policy-target", targetArn).keys()];
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

  /** Removes a thing. @throws ServiceError InvalidRequestException while certificates are attached */
  deleteThing(thingName: string): void {
    this.#store.transaction(() => {
      if (this.certificatesOf(thingName).length > 0)
        throw new ServiceError(
          "InvalidRequestException",
          `Cannot delete. Thing ${thingName} is still attached to one or more principals`,
        );
      this.things.delete(thingName);
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
