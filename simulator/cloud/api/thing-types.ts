import {
  propertiesOf,
  ThingTypes,
  type ThingType,
  type ThingTypeProperties,
} from "../registry/thing-types.js";
import type { ApiRequest } from "./api-request.js";
import { optional, seconds } from "./members.js";
import { page } from "./page.js";
import type { Operation } from "./router.js";
import { putTags } from "./tags.js";

/** CreateThingType. */
export const createThingType: Operation = (request, services) => {
  const thingTypeName = request.label("thingTypeName");
  const type = services.registry.thingTypes.create(
    thingTypeName,
    readProperties(request),
  );
  putTags(request, services, ThingTypes.arn(thingTypeName));
  return { ...named(type), thingTypeId: type.thingTypeId };
};

/** DescribeThingType. */
export const describeThingType: Operation = (request, { registry }) => {
  const type = registry.thingTypes.describe(request.label("thingTypeName"));
  return { ...entry(type), thingTypeId: type.thingTypeId };
};

/** UpdateThingType. */
export const updateThingType: Operation = (request, { registry }) => {
  registry.thingTypes.update(
    request.label("thingTypeName"),
    readProperties(request),
  );
  return {};
};

/** DeprecateThingType, which can be undone. */
export const deprecateThingType: Operation = (request, { registry }) => {
  registry.thingTypes.deprecate(
    request.label("thingTypeName"),
    request.optionalFlag("undoDeprecate") ?? false,
  );
  return {};
};

/** DeleteThingType. */
export const deleteThingType: Operation = (request, { registry }) => {
  registry.deleteThingType(request.label("thingTypeName"));
  return {};
};

/** ListThingTypes: all, or the one of a name. */
export const listThingTypes: Operation = (request, { registry }) => {
  const name = request.query("thingTypeName");
  const types = registry.thingTypes
    .list()
    .filter((type) => name === undefined || type.thingTypeName === name);
  return page(
    request,
    "nextToken",
    "thingTypes",
    types,
    ({ thingTypeName }) => thingTypeName,
    entry,
  );
};

function readProperties(request: ApiRequest): ThingTypeProperties {
  const given = request.structure("thingTypeProperties");
  return {
    ...optional(
      "thingTypeDescription",
      given.optionalText("thingTypeDescription"),
    ),
    ...optional(
      "searchableAttributes",
      given.optionalTexts("searchableAttributes"),
    ),
  };
}

function named({ thingTypeName }: ThingType): object {
  return { thingTypeName, thingTypeArn: ThingTypes.arn(thingTypeName) };
}

function entry(type: ThingType): object {
  const { creationDate, deprecationDate } = type;
  return {
    ...named(type),
    thingTypeProperties: propertiesOf(type),
    thingTypeMetadata: {
      deprecated: deprecationDate !== undefined,
      ...optional(
        "deprecationDate",
        deprecationDate === undefined ? undefined : seconds(deprecationDate),
      ),
      creationDate: seconds(creationDate),
    },
  };
}
