import { randomUUID } from "node:crypto";
import { arn } from "../names.js";
import { ServiceError } from "../service-error.js";
import type { Store } from "../store.js";
import { assertRegistryName, sameJson } from "./registry-name.js";
import { Resources } from "./resources.js";

/** What may be said of a thing type. */
export interface ThingTypeProperties {
  readonly thingTypeDescription?: string;
  readonly searchableAttributes?: readonly string[];
}

/** A thing type: what things of one kind have in common. */
export interface ThingType extends ThingTypeProperties {
  readonly thingTypeName: string;
  readonly thingTypeId: string;
  /** Milliseconds since 1970. */
  readonly creationDate: number;
  /** When it was deprecated, if it is: no thing can get it any more. */
  readonly deprecationDate?: number;
}

/** Milliseconds between the deprecation of a thing type and the moment when it can be deleted. */
const deletionWait = 5 * 60_000;

/** The registry's thing types. */
export class ThingTypes {
  readonly #store: Store;
  readonly #types: Resources<ThingType>;

  constructor(store: Store) {
    this.#store = store;
    this.#types = new Resources(store, "thing-type", "Thing type");
  }

  /** ARN of a thing type. */
  static arn(thingTypeName: string): string {
    return arn(`thingtype/${thingTypeName}`);
  }

  /**
   * Makes a thing type. The same name with the same properties is the same thing type.
   * @throws ServiceError InvalidRequestException, ResourceAlreadyExistsException
   */
  create(thingTypeName: string, properties: ThingTypeProperties): ThingType {
    assertRegistryName(thingTypeName, "a thing type");
    return this.#store.transaction(() => {
      const known = this.find(thingTypeName);
      if (!known)
        return this.#types.put(thingTypeName, {
          thingTypeName,
          thingTypeId: randomUUID(),
          creationDate: Date.now(),
          ...properties,
        });
      if (sameJson(propertiesOf(known), properties)) return known;
      throw new ServiceError(
        "ResourceAlreadyExistsException",
        `Thing type ${thingTypeName} already exists in account with different properties`,
        {
          resourceId: thingTypeName,
          resourceArn: ThingTypes.arn(thingTypeName),
        },
      );
    });
  }

  /** The thing type of this name, if there is one. */
  find(thingTypeName: string): ThingType | undefined {
    return this.#types.find(thingTypeName);
  }

  /** @throws ServiceError ResourceNotFoundException */
  describe(thingTypeName: string): ThingType {
    return this.#types.describe(thingTypeName);
  }

  /** A thing may get this type. @throws ServiceError ResourceNotFoundException, InvalidRequestException when deprecated */
  assertUsable(thingTypeName: string): void {
    if (this.describe(thingTypeName).deprecationDate !== undefined)
      throw new ServiceError(
        "InvalidRequestException",
        `Thing type ${thingTypeName} is deprecated: no thing can be given it`,
      );
  }

  /** Replaces the properties. @throws ServiceError ResourceNotFoundException */
  update(thingTypeName: string, properties: ThingTypeProperties): void {
    this.#store.transaction(() => {
      const known = this.describe(thingTypeName);
      this.#types.put(thingTypeName, { ...known, ...properties });
    });
  }

  /** Deprecates a thing type, or undoes that. @throws ServiceError ResourceNotFoundException */
  deprecate(thingTypeName: string, undo: boolean): void {
    this.#store.transaction(() => {
      const { deprecationDate, ...type } = this.describe(thingTypeName);
      this.#types.put(
        thingTypeName,
        undo
          ? type
          : { ...type, deprecationDate: deprecationDate ?? Date.now() },
      );
    });
  }

  /**
   * Removes a thing type that was deprecated five minutes ago or more. That no thing has it is the caller's to see to.
   * @throws ServiceError ResourceNotFoundException, InvalidRequestException
   */
  remove(thingTypeName: string): void {
    const { deprecationDate } = this.describe(thingTypeName);
    if (
      deprecationDate === undefined ||
      Date.now() < deprecationDate + deletionWait
    )
      throw new ServiceError(
        "InvalidRequestException",
        `Thing type ${thingTypeName} must be deprecated for five minutes before it can be deleted`,
      );
    this.#types.remove(thingTypeName);
  }

  /** All thing types, by name. */
  list(): ThingType[] {
    return this.#types.list();
  }
}

/** What was said of a thing type when it was made. */
export function propertiesOf(type: ThingType): ThingTypeProperties {
  const { thingTypeDescription, searchableAttributes } = type;
  return {
    ...(thingTypeDescription !== undefined && { thingTypeDescription }),
    ...(searchableAttributes && { searchableAttributes }),
  };
}
