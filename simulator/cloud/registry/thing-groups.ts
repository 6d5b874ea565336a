import { randomUUID } from "node:crypto";
import { arn } from "../names.js";
import { ServiceError } from "../service-error.js";
import type { Store } from "../store.js";
import { assertAttributes } from "./attributes.js";
import { assertRegistryName, sameJson } from "./registry-name.js";
import { Resources } from "./resources.js";

/** What may be said of a thing group. */
export interface ThingGroupProperties {
  readonly thingGroupDescription?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** A static thing group. Groups form trees; what holds for a group holds for the things below it. */
export interface ThingGroup extends ThingGroupProperties {
  readonly thingGroupName: string;
  readonly thingGroupId: string;
  readonly parentGroupName?: string;
  /** Milliseconds since 1970. */
  readonly creationDate: number;
  readonly version: number;
}

/** Levels that a tree of groups may have (AWS General Reference, "AWS IoT Core thing group limits"). */
const depthLimit = 7;
/** Attributes that a group may have. */
const attributeLimit = 50;

/** The registry's thing groups. Who is in them is the registry's. */
export class ThingGroups {
  readonly #store: Store;
  readonly #groups: Resources<ThingGroup>;

  constructor(store: Store) {
    this.#store = store;
    this.#groups = new Resources(store, "thing-group", "Thing group");
  }

  /** ARN of a thing group. */
  static arn(thingGroupName: string): string {
    return arn(`thinggroup/${thingGroupName}`);
  }

  /**
   * Makes a thing group. The same name with the same settings is the same group.
   * @throws ServiceError InvalidRequestException, ResourceAlreadyExistsException, ResourceNotFoundException for the parent
   */
  create(
    thingGroupName: string,
    properties: ThingGroupProperties,
    parentGroupName?: string,
  ): ThingGroup {
    assertRegistryName(thingGroupName, "a thing group");
    assertAttributes(properties.attributes ?? {}, attributeLimit);
    return this.#store.transaction(() => {
      if (
        parentGroupName !== undefined &&
        this.ancestors(parentGroupName).length + 2 > depthLimit
      )
        throw new ServiceError(
          "InvalidRequestException",
          `A tree of thing groups may have ${depthLimit} levels`,
        );
      const settings = {
        ...properties,
        ...(parentGroupName !== undefined && { parentGroupName }),
      };
      const known = this.#groups.find(thingGroupName);
      if (!known)
        return this.#groups.put(thingGroupName, {
          thingGroupName,
          thingGroupId: randomUUID(),
          creationDate: Date.now(),
          version: 1,
          ...settings,
        });
      const {
        thingGroupId,
        creationDate: _date,
        version: _version,
        ...before
      } = known;
      if (sameJson(before, { thingGroupName, ...settings })) return known;
      throw new ServiceError(
        "ResourceAlreadyExistsException",
        `Thing Group ${thingGroupName} already exists in account with different properties`,
        {
          resourceId: thingGroupId,
          resourceArn: ThingGroups.arn(thingGroupName),
        },
      );
    });
  }

  /** The group of this name, if there is one. */
  find(thingGroupName: string): ThingGroup | undefined {
    return this.#groups.find(thingGroupName);
  }

  /** @throws ServiceError ResourceNotFoundException */
  describe(thingGroupName: string): ThingGroup {
    return this.#groups.describe(thingGroupName);
  }

  /**
   * Changes description and attributes; with `merge` attributes that are not named stay, an empty value removes one.
   * @throws ServiceError ResourceNotFoundException, VersionConflictException, InvalidRequestException
   */
  update(
    thingGroupName: string,
    properties: ThingGroupProperties,
    merge: boolean,
    expectedVersion?: number,
  ): ThingGroup {
    return this.#store.transaction(() => {
      const known = this.describe(thingGroupName);
      assertVersion(known, expectedVersion);
      const attributes = properties.attributes
        ? Object.fromEntries(
            Object.entries({
              ...(merge && known.attributes),
              ...properties.attributes,
            }).filter(([, value]) => value !== ""),
          )
        : known.attributes;
      assertAttributes(attributes ?? {}, attributeLimit);
      return this.#groups.put(thingGroupName, {
        ...known,
        ...properties,
        ...(attributes && { attributes }),
        version: known.version + 1,
      });
    });
  }

  /**
   * Removes a group that has no groups below it; one that does not exist is already removed.
   * @throws ServiceError InvalidRequestException, VersionConflictException
   */
  remove(thingGroupName: string, expectedVersion?: number): void {
    this.#store.transaction(() => {
      const known = this.#groups.find(thingGroupName);
      if (!known) return;
      assertVersion(known, expectedVersion);
      if (this.children(thingGroupName).length > 0)
        throw new ServiceError(
          "InvalidRequestException",
          `Cannot delete thing group ${thingGroupName}: it has child groups`,
        );
      this.#groups.remove(thingGroupName);
    });
  }

  /** All groups, by name. */
  list(): ThingGroup[] {
    return this.#groups.list();
  }

  /** Groups right below this one. */
  children(thingGroupName: string): ThingGroup[] {
    return this.list().filter((g) => g.parentGroupName === thingGroupName);
  }

  /** Groups below this one, at any depth. */
  descendants(thingGroupName: string): ThingGroup[] {
    return this.children(thingGroupName).flatMap((child) => [
      child,
      ...this.descendants(child.thingGroupName),
    ]);
  }

  /** Names of the groups above this one, the root first. @throws ServiceError ResourceNotFoundException */
  ancestors(thingGroupName: string): string[] {
    const { parentGroupName } = this.describe(thingGroupName);
    return parentGroupName === undefined
      ? []
      : [...this.ancestors(parentGroupName), parentGroupName];
  }
}

function assertVersion(group: ThingGroup, expected?: number): void {
  if (expected !== undefined && expected !== group.version)
    throw new ServiceError(
      "VersionConflictException",
      `The version for thing group ${group.thingGroupName} does not match the expected version.`,
    );
}
