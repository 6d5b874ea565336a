import { randomUUID } from "node:crypto";
import { arn } from "../names.js";
import { ServiceError } from "../service-error.js";
import type { Store } from "../store.js";
import { assertAttributes } from "./attributes.js";
import { assertRegistryName, sameJson } from "./registry-name.js";

/** A thing: the registry's entry for one device. */
export interface Thing {
  readonly thingName: string;
  readonly thingId: string;
  readonly thingTypeName?: string;
  readonly billingGroupName?: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** 1 at creation, one more with each update. */
  readonly version: number;
}

/** What may be said when a thing is made. That type and group exist is the registry's to see to. */
export interface ThingSettings {
  readonly thingTypeName?: string;
  readonly billingGroupName?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** What may change of a thing. */
export interface ThingChanges {
  readonly thingTypeName?: string;
  readonly removeThingType?: boolean;
  /** Replaces all attributes, or (with `merge`) those that are named; an empty value removes one. */
  readonly attributes?: Readonly<Record<string, string>>;
  readonly merge?: boolean;
  readonly expectedVersion?: number;
}

/** Attributes a thing may have without a type, and with one. */
const attributeLimit = { untyped: 3, typed: 50 };

/** @throws ServiceError InvalidRequestException when AWS accepts no thing of this name */
export function assertThingName(thingName: string): void {
  assertRegistryName(thingName, "a thing");
}

/** The registry's things. */
export class Things {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** ARN of a thing. */
  static arn(thingName: string): string {
    return arn(`thing/${thingName}`);
  }

  /**
   * Makes a thing. The same name with the same settings is the same thing.
   * @throws ServiceError InvalidRequestException, ResourceAlreadyExistsException
   */
  create(thingName: string, settings: ThingSettings = {}): Thing {
    assertThingName(thingName);
    const attributes = settings.attributes ?? {};
    assertAttributes(attributes, limitFor(settings.thingTypeName));
    return this.#store.transaction(() => {
      const known = this.find(thingName);
      if (known) {
        if (
          known.thingTypeName === settings.thingTypeName &&
          known.billingGroupName === settings.billingGroupName &&
          sameJson(known.attributes, attributes)
        )
          return known;
        throw new ServiceError(
          "ResourceAlreadyExistsException",
          `Thing ${thingName} already exists in account with different settings`,
          { resourceId: known.thingId, resourceArn: Things.arn(thingName) },
        );
      }
      const thing: Thing = {
        thingName,
        thingId: randomUUID(),
        ...settings,
        attributes,
        version: 1,
      };
      this.#put(thing);
      return thing;
    });
  }

  /** The thing of this name, if there is one. */
  find(thingName: string): Thing | undefined {
    return this.#store.things.get(thingName) as Thing | undefined;
  }

  /** @throws ServiceError ResourceNotFoundException */
  describe(thingName: string): Thing {
    const thing = this.find(thingName);
    if (!thing)
      throw new ServiceError(
        "ResourceNotFoundException",
        `Thing ${thingName} not found`,
      );
    return thing;
  }

  /**
   * Changes attributes and type.
   * @throws ServiceError ResourceNotFoundException, VersionConflictException, InvalidRequestException
   */
  update(thingName: string, changes: ThingChanges): Thing {
    return this.#store.transaction(() => {
      const thing = this.describe(thingName);
      assertVersion(thing, changes.expectedVersion);
      const attributes = changes.attributes
        ? Object.fromEntries(
            Object.entries({
              ...(changes.merge === true && thing.attributes),
              ...changes.attributes,
            }).filter(([, value]) => value !== ""),
          )
        : thing.attributes;
      const { thingTypeName: typeBefore, ...rest } = thing;
      const thingTypeName =
        changes.removeThingType === true
          ? undefined
          : (changes.thingTypeName ?? typeBefore);
      assertAttributes(attributes, limitFor(thingTypeName));
      const updated: Thing = {
        ...rest,
        ...(thingTypeName !== undefined && { thingTypeName }),
        attributes,
        version: thing.version + 1,
      };
      this.#put(updated);
      return updated;
    });
  }

  /** Puts a thing into a billing group, or out of its own with undefined. @throws ServiceError ResourceNotFoundException */
  setBillingGroup(thingName: string, name: string | undefined): void {
    this.#store.transaction(() => {
      const { billingGroupName: _before, ...rest } = this.describe(thingName);
      this.#put({
        ...rest,
        ...(name !== undefined && { billingGroupName: name }),
      });
    });
  }

  /** Removes a thing; one that does not exist is already removed. @throws ServiceError VersionConflictException */
  delete(thingName: string, expectedVersion?: number): void {
    this.#store.transaction(() => {
      const thing = this.find(thingName);
      if (!thing) return;
      assertVersion(thing, expectedVersion);
      this.#store.things.removeSync(thingName);
      this.#store.touchRegistry();
    });
  }

  /** All things, by name. */
  list(): Thing[] {
    return [...this.#store.things.getRange()].map(
      ({ value }) => value as Thing,
    );
  }

  #put(thing: Thing): void {
    this.#store.things.putSync(thing.thingName, thing);
    this.#store.touchRegistry();
  }
}

function limitFor(thingTypeName: string | undefined): number {
  return thingTypeName === undefined
    ? attributeLimit.untyped
    : attributeLimit.typed;
}

function assertVersion(thing: Thing, expected: number | undefined): void {
  if (expected !== undefined && expected !== thing.version)
    throw new ServiceError(
      "VersionConflictException",
      `The version for thing ${thing.thingName} does not match the expected version.`,
    );
}
