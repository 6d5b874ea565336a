import {
  BillingGroups,
  type BillingGroup,
} from "../registry/billing-groups.js";
import { itself, optional, seconds } from "./members.js";
import { page } from "./page.js";
import type { Operation } from "./router.js";
import { putTags } from "./tags.js";

/** CreateBillingGroup. */
export const createBillingGroup: Operation = (request, services) => {
  const group = services.registry.billingGroups.create(
    request.label("billingGroupName"),
    request
      .structure("billingGroupProperties")
      .optionalText("billingGroupDescription"),
  );
  putTags(request, services, BillingGroups.arn(group.billingGroupName));
  return named(group);
};

/** DescribeBillingGroup. */
export const describeBillingGroup: Operation = (request, { registry }) => {
  const group = registry.billingGroups.describe(
    request.label("billingGroupName"),
  );
  return {
    ...named(group),
    version: group.version,
    billingGroupProperties: optional(
      "billingGroupDescription",
      group.billingGroupDescription,
    ),
    billingGroupMetadata: { creationDate: seconds(group.creationDate) },
  };
};

/** DeleteBillingGroup: its things stay, without it. */
export const deleteBillingGroup: Operation = (request, { registry }) => {
  const name = request.label("billingGroupName");
  registry.transaction(() => {
    registry.billingGroups.remove(name);
    for (const thing of registry.things.list())
      if (thing.billingGroupName === name)
        registry.things.setBillingGroup(thing.thingName, undefined);
  });
  return {};
};

/** ListBillingGroups. */
export const listBillingGroups: Operation = (request, { registry }) => {
  const prefix = request.query("namePrefixFilter") ?? "";
  const names = registry.billingGroups
    .list()
    .map(({ billingGroupName }) => billingGroupName)
    .filter((name) => name.startsWith(prefix));
  return page(request, "nextToken", "billingGroups", names, itself, (name) => ({
    groupName: name,
    groupArn: BillingGroups.arn(name),
  }));
};

/** AddThingToBillingGroup. */
export const addThingToBillingGroup: Operation = (request, { registry }) => {
  const name = request.text("billingGroupName");
  registry.billingGroups.describe(name);
  registry.things.setBillingGroup(request.text("thingName"), name);
  return {};
};

/** RemoveThingFromBillingGroup. */
export const removeThingFromBillingGroup: Operation = (
  request,
  { registry },
) => {
  registry.things.setBillingGroup(request.text("thingName"), undefined);
  return {};
};

/** ListThingsInBillingGroup. */
export const listThingsInBillingGroup: Operation = (request, { registry }) => {
  const name = request.label("billingGroupName");
  registry.billingGroups.describe(name);
  const things = registry.things
    .list()
    .filter((thing) => thing.billingGroupName === name)
    .map(({ thingName }) => thingName);
  return page(request, "nextToken", "things", things, itself);
};

function named({ billingGroupName, billingGroupId }: BillingGroup): object {
  return {
    billingGroupName,
    billingGroupArn: BillingGroups.arn(billingGroupName),
    billingGroupId,
  };
}
