import { nameFromArn } from "../names.js";
import {
  ThingGroups,
  type ThingGroup,
  type ThingGroupProperties,
} from "../registry/thing-groups.js";
import { ServiceError } from "../service-error.js";
import type { ApiRequest } from "./api-request.js";
import { itself, optional, seconds } from "./members.js";
import { page } from "./page.js";
import type { Operation } from "./router.js";
import { putTags } from "./tags.js";

/** CreateThingGroup. */
export const createThingGroup: Operation = (request, services) => {
  const group = services.registry.thingGroups.create(
    request.label("thingGroupName"),
    readProperties(request),
    request.optionalText("parentGroupName"),
  );
  putTags(request, services, ThingGroups.arn(group.thingGroupName));
  return named(group);
};

/** DescribeThingGroup. */
export const describeThingGroup: Operation = (request, { registry }) => {
  const { thingGroups } = registry;
  const group = thingGroups.describe(request.label("thingGroupName"));
  return {
    ...named(group),
    version: group.version,
    thingGroupProperties: {
      ...optional("thingGroupDescription", group.thingGroupDescription),
      attributePayload: { attributes: group.attributes ?? {} },
    },
    thingGroupMetadata: {
      ...optional("parentGroupName", group.parentGroupName),
      rootToParentThingGroups: thingGroups
        .ancestors(group.thingGroupName)
        .map(reference),
      creationDate: seconds(group.creationDate),
    },
  };
};

/** UpdateThingGroup. */
export const updateThingGroup: Operation = (request, { registry }) => {
  const { version } = registry.thingGroups.update(
    request.label("thingGroupName"),
    readProperties(request),
    request
      .structure("thingGroupProperties")
      .structure("attributePayload")
      .optionalFlag("merge") ?? false,
    request.optionalNumber("expectedVersion"),
  );
  return { version };
};

/** DeleteThingGroup. */
export const deleteThingGroup: Operation = (request, { registry }) => {
  registry.deleteThingGroup(
    request.label("thingGroupName"),
    request.queryNumber("expectedVersion"),
  );
  return {};
};

/** ListThingGroups: all, those with a prefix, or those below a group (`recursive` is yes unless told otherwise). */
export const listThingGroups: Operation = (request, { registry }) => {
  const { thingGroups } = registry;
  const parent = request.query("parentGroup");
  const prefix = request.query("namePrefixFilter") ?? "";
  const recursive = request.query("recursive") !== "false";
  if (parent !== undefined) thingGroups.describe(parent);
  const groups =
    parent === undefined
      ? thingGroups
          .list()
          .filter((group) => recursive || group.parentGroupName === undefined)
      : recursive
        ? thingGroups.descendants(parent)
        : thingGroups.children(parent);
  const names = groups
    .map(({ thingGroupName }) => thingGroupName)
    .filter((name) => name.startsWith(prefix));
  return page(request, "nextToken", "thingGroups", names, itself, reference);
};

/** AddThingToThingGroup. */
export const addThingToThingGroup: Operation = (request, { registry }) => {
  registry.members.add(groupOf(request), thingOf(request));
  return {};
};

/** RemoveThingFromThingGroup. */
export const removeThingFromThingGroup: Operation = (request, { registry }) => {
  registry.members.remove(groupOf(request), thingOf(request));
  return {};
};

/** UpdateThingGroupsForThing. */
export const updateThingGroupsForThing: Operation = (request, { registry }) => {
  const thingName = request.text("thingName");
  registry.transaction(() => {
    for (const group of request.optionalTexts("thingGroupsToAdd") ?? [])
      registry.members.add(group, thingName);
    for (const group of request.optionalTexts("thingGroupsToRemove") ?? [])
      registry.members.remove(group, thingName);
  });
  return {};
};

/** ListThingsInThingGroup. */
export const listThingsInThingGroup: Operation = (request, { registry }) => {
  const name = request.label("thingGroupName");
  registry.thingGroups.describe(name);
  const things = registry.members.thingsIn(
    name,
    request.queryFlag("recursive"),
  );
  return page(request, "nextToken", "things", things, itself);
};

/** ListThingGroupsForThing. */
export const listThingGroupsForThing: Operation = (request, { registry }) => {
  const thingName = request.label("thingName");
  registry.things.describe(thingName);
  const groups = registry.members.groupsOf(thingName);
  return page(request, "nextToken", "thingGroups", groups, itself, reference);
};

function readProperties(request: ApiRequest): ThingGroupProperties {
  const given = request.structure("thingGroupProperties");
  return {
    ...optional(
      "thingGroupDescription",
      given.optionalText("thingGroupDescription"),
    ),
    ...optional(
      "attributes",
      given.structure("attributePayload").optionalMap("attributes"),
    ),
  };
}

function named({ thingGroupName, thingGroupId }: ThingGroup): object {
  return {
    thingGroupName,
    thingGroupArn: ThingGroups.arn(thingGroupName),
    thingGroupId,
  };
}

const reference = (groupName: string): object => ({
  groupName,
  groupArn: ThingGroups.arn(groupName),
});

const groupOf = (request: ApiRequest) =>
  nameOrArn(request, "thingGroupName", "thingGroupArn", "thinggroup");
const thingOf = (request: ApiRequest) =>
  nameOrArn(request, "thingName", "thingArn", "thing");

function nameOrArn(
  request: ApiRequest,
  name: string,
  arn: string,
  kind: string,
): string {
  const found =
    request.optionalText(name) ??
    nameFromArn(kind, request.optionalText(arn) ?? "");
  if (found === undefined)
    throw new ServiceError(
      "InvalidRequestException",
      `${name} or ${arn} must be there`,
    );
  return found;
}
