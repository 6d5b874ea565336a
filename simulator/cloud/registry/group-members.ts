import { limits } from "../limits.js";
import { ServiceError } from "../service-error.js";
import type { Store } from "../store.js";
import type { Attachments } from "./attachments.js";
import type { ThingGroups } from "./thing-groups.js";
import type { Things } from "./things.js";

/** Which things are in which groups. */
export class GroupMembers {
  readonly #store: Store;
  readonly #things: Things;
  readonly #groups: ThingGroups;
  readonly #attachments: Attachments;
  /** Is told of each thing that joins a group, and of the group. */
  onJoined: (thingName: string, thingGroupName: string) => void = () => {};

  /** Is told of each thing that joined or left a group, once that is kept. */
  onMembership: (
    operation: "ADDED" | "REMOVED",
    thingGroupName: string,
    thingName: string,
  ) => void = () => {};

  constructor(
    store: Store,
    things: Things,
    groups: ThingGroups,
    attachments: Attachments,
  ) {
    this.#store = store;
    this.#things = things;
    this.#groups = groups;
    this.#attachments = attachments;
  }

  /**
   * Puts a thing into a group; the same again is no error.
   * @throws ServiceError ResourceNotFoundException, InvalidRequestException for one group too many
   */
  add(thingGroupName: string, thingName: string): void {
    this.#store.transaction(() => {
      this.#groups.describe(thingGroupName);
      this.#things.describe(thingName);
      const groups = this.groupsOf(thingName);
      if (groups.includes(thingGroupName)) return;
      if (groups.length >= limits.groupsPerThing)
        throw new ServiceError(
          "InvalidRequestException",
          `A thing can be in ${limits.groupsPerThing} thing groups`,
        );
      this.#attachments.add("group-thing", thingGroupName, thingName, "");
      this.onJoined(thingName, thingGroupName);
      this.#store.afterCommit(() =>
        this.onMembership("ADDED", thingGroupName, thingName),
      );
    });
  }

  /** Takes a thing out of a group. @throws ServiceError ResourceNotFoundException for a group or a thing that is none */
  remove(thingGroupName: string, thingName: string): void {
    this.#store.transaction(() => {
      this.#groups.describe(thingGroupName);
      this.#things.describe(thingName);
      if (!this.groupsOf(thingName).includes(thingGroupName)) return;
      this.#attachments.remove("group-thing", thingGroupName, thingName);
      this.#store.afterCommit(() =>
        this.onMembership("REMOVED", thingGroupName, thingName),
      );
    });
  }

  /** Takes a thing out of all groups. */
  removeThing(thingName: string): void {
    for (const group of this.groupsOf(thingName))
      this.#attachments.remove("group-thing", group, thingName);
  }

  /** Takes all things out of a group. */
  removeGroup(thingGroupName: string): void {
    for (const thing of this.thingsIn(thingGroupName))
      this.#attachments.remove("group-thing", thingGroupName, thing);
  }

  /** Names of the groups that a thing is in itself. */
  groupsOf(thingName: string): string[] {
    return [...this.#attachments.by("group-thing", thingName).keys()];
  }

  /** Names of the groups that a thing is in, and of all groups above them. */
  allGroupsOf(thingName: string): string[] {
    return [
      ...new Set(
        this.groupsOf(thingName).flatMap((group) => [
          group,
          ...this.#groups.ancestors(group),
        ]),
      ),
    ];
  }

  /** Names of the things in a group; with `recursive` also of those in the groups below it. */
  thingsIn(thingGroupName: string, recursive = false): string[] {
    const groups = [
      thingGroupName,
      ...(recursive
        ? this.#groups
            .descendants(thingGroupName)
            .map((group) => group.thingGroupName)
        : []),
    ];
    return [
      ...new Set(
        groups.flatMap((group) => [
          ...this.#attachments.of("group-thing", group).keys(),
        ]),
      ),
    ].sort();
  }
}
