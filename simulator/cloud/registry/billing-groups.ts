import { randomUUID } from "node:crypto";
import { arn } from "../names.js";
import { ServiceError } from "../service-error.js";
import type { Store } from "../store.js";
import { assertRegistryName } from "./registry-name.js";
import { Resources } from "./resources.js";

/** A billing group: things whose costs belong together. */
export interface BillingGroup {
  readonly billingGroupName: string;
  readonly billingGroupId: string;
  readonly billingGroupDescription?: string;
  /** Milliseconds since 1970. */
  readonly creationDate: number;
  readonly version: number;
}

/** The registry's billing groups. Which things are in them stands in the things. */
export class BillingGroups {
  readonly #store: Store;
  readonly #groups: Resources<BillingGroup>;

  constructor(store: Store) {
    this.#store = store;
    this.#groups = new Resources(store, "billing-group", "Billing group");
  }

  /** ARN of a billing group. */
  static arn(billingGroupName: string): string {
    return arn(`billinggroup/${billingGroupName}`);
  }

  /**
   * Makes a billing group. The same name with the same description is the same group.
   * @throws ServiceError InvalidRequestException, ResourceAlreadyExistsException
   */
  create(billingGroupName: string, description?: string): BillingGroup {
    assertRegistryName(billingGroupName, "a billing group");
    return this.#store.transaction(() => {
      const known = this.#groups.find(billingGroupName);
      if (!known)
        return this.#groups.put(billingGroupName, {
          billingGroupName,
          billingGroupId: randomUUID(),
          creationDate: Date.now(),
          version: 1,
          ...(description !== undefined && {
            billingGroupDescription: description,
          }),
        });
      if (known.billingGroupDescription === description) return known;
      throw new ServiceError(
        "ResourceAlreadyExistsException",
        `Billing Group ${billingGroupName} already exists in account with different properties`,
        {
          resourceId: known.billingGroupId,
          resourceArn: BillingGroups.arn(billingGroupName),
        },
      );
    });
  }

  /** @throws ServiceError ResourceNotFoundException */
  describe(billingGroupName: string): BillingGroup {
    return this.#groups.describe(billingGroupName);
  }

  /** Removes a billing group; one that does not exist is already removed. Its things are the caller's to take out. */
  remove(billingGroupName: string): void {
    this.#groups.remove(billingGroupName);
  }

  /** All billing groups, by name. */
  list(): BillingGroup[] {
    return this.#groups.list();
  }
}
