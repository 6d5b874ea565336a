import { Resources } from "../registry/resources.js";
import { ServiceError } from "../service-error.js";
import type { ApiRequest } from "./api-request.js";
import type { ApiServices } from "./api-services.js";
import type { Operation } from "./router.js";

/** Tags of one resource, by key. */
type Tags = Readonly<Record<string, string>>;

/** Tags that a resource may have. */
const tagLimit = 50;

/** TagResource. */
export const tagResource: Operation = (request, services) => {
  putTags(request, services, request.text("resourceArn"));
  return {};
};

/** UntagResource. */
export const untagResource: Operation = (request, services) => {
  const arn = request.text("resourceArn");
  const keys = request.optionalTexts("tagKeys") ?? [];
  const tags = tagsIn(services);
  const left = Object.entries(tags.find(arn) ?? {}).filter(
    ([key]) => !keys.includes(key),
  );
  tags.put(arn, Object.fromEntries(left));
  return {};
};

/** ListTagsForResource. */
export const listTagsForResource: Operation = (request, services) => ({
  tags: Object.entries(
    tagsIn(services).find(request.query("resourceArn") ?? "") ?? {},
  ).map(([Key, Value]) => ({ Key, Value })),
});

/** Adds the tags that a request names to a resource. @throws ServiceError LimitExceededException */
export function putTags(
  request: ApiRequest,
  services: ApiServices,
  arn: string,
): void {
  const given = request
    .structures("tags")
    .map((tag) => [tag.text("Key"), tag.optionalText("Value") ?? ""] as const);
  addTags(services, arn, given);
}

/** Adds the tags that a request has in its `x-amz-tagging` header, `a=1&b=2`. @throws ServiceError LimitExceededException */
export function putTagsOfHeader(
  request: ApiRequest,
  services: ApiServices,
  arn: string,
): void {
  const header = request.optionalHeader("x-amz-tagging") ?? "";
  addTags(services, arn, [...new URLSearchParams(header)]);
}

function addTags(
  services: ApiServices,
  arn: string,
  given: readonly (readonly [string, string])[],
): void {
  if (given.length === 0) return;
  const tags = tagsIn(services);
  const all = { ...tags.find(arn), ...Object.fromEntries(given) };
  if (Object.keys(all).length > tagLimit)
    throw new ServiceError(
      "LimitExceededException",
      `A resource can have ${tagLimit} tags`,
    );
  tags.put(arn, all);
}

function tagsIn({ store }: ApiServices): Resources<Tags> {
  return new Resources<Tags>(store, "tags", "Tags of");
}
