import { Certificates } from "../registry/certificates.js";
import type { ThingPrincipalType } from "../registry/registry.js";
import { Things, type Thing } from "../registry/things.js";
import { ServiceError } from "../service-error.js";
import { nameFromArn } from "../names.js";
import type { ApiRequest } from "./api-request.js";
import { itself, oneOf, optional } from "./members.js";
import { page } from "./page.js";
import type { Operation } from "./router.js";

/** CreateThing. */
export const createThing: Operation = (request, { registry }) => {
  const thing = registry.createThing(request.label("thingName"), {
    ...optional("thingTypeName", request.optionalText("thingTypeName")),
    ...optional("billingGroupName", request.optionalText("billingGroupName")),
    ...optional("attributes", attributesOf(request)),
  });
  return {
    thingName: thing.thingName,
    thingArn: Things.arn(thing.thingName),
    thingId: thing.thingId,
  };
};

/** DescribeThing. */
export const describeThing: Operation = (request, { registry }) => {
  const thing = registry.things.describe(request.label("thingName"));
  return {
    defaultClientId: thing.thingName,
    ...shown(thing),
    thingId: thing.thingId,
    ...optional("billingGroupName", thing.billingGroupName),
  };
};

/** UpdateThing. */
export const updateThing: Operation = (request, { registry }) => {
  registry.updateThing(request.label("thingName"), {
    ...optional("thingTypeName", request.optionalText("thingTypeName")),
    ...optional("removeThingType", request.optionalFlag("removeThingType")),
    ...optional("attributes", attributesOf(request)),
    ...optional(
      "merge",
      request.structure("attributePayload").optionalFlag("merge"),
    ),
    ...optional("expectedVersion", request.optionalNumber("expectedVersion")),
  });
  return {};
};

/** DeleteThing. */
export const deleteThing: Operation = (request, { registry }) => {
  registry.deleteThing(
    request.label("thingName"),
    request.queryNumber("expectedVersion"),
  );
  return {};
};

/** ListThings: all, or those with an attribute, of a type. */
export const listThings: Operation = (request, { registry }) => {
  const type = request.query("thingTypeName");
  const name = request.query("attributeName");
  const value = request.query("attributeValue");
  const prefix = request.queryFlag("usePrefixAttributeValue");
  const fits = (actual: string | undefined) =>
    actual !== undefined &&
    (value === undefined ||
      (prefix ? actual.startsWith(value) : actual === value));
  const things = registry.things
    .list()
    .filter((thing) => type === undefined || thing.thingTypeName === type)
    .filter((thing) => name === undefined || fits(thing.attributes[name]));
  return page(request, "nextToken", "things", things, nameOf, shown);
};

/** AttachThingPrincipal. */
export const attachThingPrincipal: Operation = (request, { registry }) => {
  registry.attachThingPrincipal(
    request.label("thingName"),
    request.header("x-amzn-principal"),
    principalType(request) ?? "NON_EXCLUSIVE_THING",
  );
  return {};
};

/** DetachThingPrincipal. */
export const detachThingPrincipal: Operation = (request, { registry }) => {
  const thingName = request.label("thingName");
  registry.things.describe(thingName);
  registry.detachThingPrincipal(thingName, request.header("x-amzn-principal"));
  return {};
};

/** ListThingPrincipals. */
export const listThingPrincipals: Operation = (request, { registry }) => {
  const thingName = request.label("thingName");
  registry.things.describe(thingName);
  const ids = registry.certificatesOf(thingName);
  return page(request, "nextToken", "principals", ids, itself, (id) =>
    Certificates.arn(id),
  );
};

/** ListThingPrincipalsV2. */
export const listThingPrincipalsV2: Operation = (request, { registry }) => {
  const thingName = request.label("thingName");
  registry.things.describe(thingName);
  const wanted = principalType(request);
  const found = [...registry.principalsOf(thingName)].filter(
    ([, type]) => wanted === undefined || type === wanted,
  );
  return page(
    request,
    "nextToken",
    "thingPrincipalObjects",
    found,
    ([id]) => id,
    ([id, type]) => ({
      principal: Certificates.arn(id),
      thingPrincipalType: type,
    }),
  );
};

/** ListPrincipalThings. */
export const listPrincipalThings: Operation = (request, { registry }) => {
  const id = certificateOf(request.header("x-amzn-principal"));
  registry.certificates.describe(id);
  return page(request, "nextToken", "things", registry.thingsOf(id), itself);
};

/** ListPrincipalThingsV2. */
export const listPrincipalThingsV2: Operation = (request, { registry }) => {
  const id = certificateOf(request.header("x-amzn-principal"));
  registry.certificates.describe(id);
  const wanted = principalType(request);
  const found = [...registry.attachedThings(id)].filter(
    ([, type]) => wanted === undefined || type === wanted,
  );
  return page(
    request,
    "nextToken",
    "principalThingObjects",
    found,
    ([name]) => name,
    ([thingName, thingPrincipalType]) => ({ thingName, thingPrincipalType }),
  );
};

/** Id of a certificate. @throws ServiceError InvalidRequestException when the ARN is another's */
export function certificateOf(principal: string): string {
  const id = nameFromArn("cert", principal);
  if (id === undefined)
    throw new ServiceError(
      "InvalidRequestException",
      `${principal} is not the ARN of a certificate`,
    );
  return id;
}

const nameOf = (thing: Thing) => thing.thingName;

function shown(thing: Thing): object {
  return {
    thingName: thing.thingName,
    thingArn: Things.arn(thing.thingName),
    ...optional("thingTypeName", thing.thingTypeName),
    attributes: thing.attributes,
    version: thing.version,
  };
}

function attributesOf(request: ApiRequest): Record<string, string> | undefined {
  return request.structure("attributePayload").optionalMap("attributes");
}

function principalType(request: ApiRequest): ThingPrincipalType | undefined {
  const name = "thingPrincipalType";
  return oneOf(name, request.query(name), [
    "EXCLUSIVE_THING",
    "NON_EXCLUSIVE_THING",
  ]);
}
