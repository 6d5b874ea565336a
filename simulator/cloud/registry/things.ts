import { randomUUID } from "node:crypto";
import { arn } from "../names.js";
import { ServiceError } from "../service-error.js";
import type { Store } from "../store.js";

/** A thing: the registry's entry for one device. */
export interface Thing {
  readonly thingName: string;
  readonly thingId: string;
  readonly thingTypeName?: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** 1 at creation, one more with each update. */
  readonly version: number;
}

/** What may be said when a thing is made. */
export interface ThingSettings {
  readonly thingTypeName?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

const namePattern = /^[a-zA-Z0-9:_-]{1,128}$/;
const attributePattern = /^[a-zA-Z0-9_.,@/:#=[\]-]{0,800}$/;
/** Attributes a thing may have without a type, and with one. */
const attributeLimit = { untyped: 3, typed: 50 };

/** @throws ServiceError InvalidRequestException when AWS accepts no thing of this name */
export function assertThingName(thingName: string): void {
  if (!namePattern.test(thingName))
    throw new ServiceError(
      "InvalidRequestException",
      `"${thingName}" is no name for a thing: 1 to 128 letters, digits, ":", "_" and "-".`,
    );
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
    assertAttributes(attributes, settings.thingTypeName !== undefined);
    return this.#store.transaction(() => {
      const known = this.find(thingName);
      if (known) {
        if (
          known.thingTypeName === settings.thingTypeName &&
          sameAttributes(known.attributes, attributes)
        )
          return known;
        throw new ServiceError(
          "ResourceAlreadyExistsException",
          `Thing ${thingName} already exists in account with different settings`,
        );
      }
      const thing: Thing = {
        thingName,
        thingId: randomUUID(),
        ...(settings.thingTypeName && {
          thingTypeName: settings.thingTypeName,
        }),
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
   * Changes attributes (an empty value removes one) and type.
   * @throws ServiceError ResourceNotFoundException, VersionConflictException, InvalidRequestException
   */
  update(
    thingName: string,
    settings: ThingSettings,
    expectedVersion?: number,
  ): Thing {
    return this.#store.transaction(() => {
      const thing = this.describe(thingName);
      if (expectedVersion !== undefined && expectedVersion !== thing.version)
        throw new ServiceError(
          "VersionConflictException",
          `The version for thing ${thingName} does not match the expected version.`,
        );
      const attributes = Object.fromEntries(
        Object.entries({ ...thing.attributes, ...settings.attributes }).filter(
          ([, value]) => value !== "",
        ),
      );
      const thingTypeName = settings.thingTypeName ?? thing.thingTypeName;
      assertAttributes(attributes, thingTypeName !== undefined);
      const updated: Thing = {
        ...thing,
        ...(thingTypeName && { thingTypeName }),
        attributes,
        version: thing.version + 1,
      };
      this.#put(updated);
      return updated;
    });
  }

  /** Removes a thing; one that does not exist is already removed. */
  delete(thingName: string): void {
    this.#store.transaction(() => {
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

function assertAttributes(
  attributes: Readonly<Record<string, string>>,
  typed: boolean,
): void {
  const limit = typed ? attributeLimit.typed : attributeLimit.untyped;
  if (Object.keys(attributes).length > limit)
    throw new ServiceError(
      "InvalidRequestException",
      `A thing ${typed ? "with" : "without"} a type may have ${limit} attributes.`,
    );
  for (const [name, value] of Object.entries(attributes))
    if (!namePattern.test(name) || !attributePattern.test(value))
      throw new ServiceError(
        "InvalidRequestException",
        `Attribute "${name}" has a name or a value that is not allowed.`,
      );
}

function sameAttributes(
  a: Readonly<Record<string, string>>,
  b: Readonly<Record<string, string>>,
): boolean {
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => a[key] === b[key])
  );
}
