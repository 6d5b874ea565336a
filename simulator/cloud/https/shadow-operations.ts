import type { ApiRequest } from "../api/api-request.js";
import { optional } from "../api/members.js";
import { RawAnswer } from "../api/raw-answer.js";
import type { Operation } from "../api/router.js";
import { invalid } from "../services/input.js";
import { writePayload } from "../services/payload.js";
import { readRequest } from "../shadow/request.js";
import type { ShadowAnswer, ShadowId } from "../shadow/shadows.js";
import { inHttps } from "./data-error.js";

/** Names of shadows on a page when the request does not say, and at most. */
const pageSize = { usual: 25, most: 100 };

/** GetThingShadow. */
export const getThingShadow: Operation = (request, { services }) =>
  inHttps(() => document(services.shadows.get(shadowOf(request), {})));

/** UpdateThingShadow: MQTT's subscribers hear of it, too. */
export const updateThingShadow: Operation = (request, { services }) =>
  inHttps(() => {
    const id = shadowOf(request);
    const change = services.shadows.update(id, readRequest(request.payload));
    services.shadowTopics.announceFromHttps(id, change);
    return document(change.accepted);
  });

/** DeleteThingShadow. */
export const deleteThingShadow: Operation = (request, { services }) =>
  inHttps(() => document(services.shadows.delete(shadowOf(request), {})));

/** ListNamedShadowsForThing. */
export const listNamedShadows: Operation = (request, { services }) =>
  inHttps(() => {
    const size = request.queryNumber("pageSize") ?? pageSize.usual;
    if (size < 1 || size > pageSize.most)
      invalid(`pageSize must be from 1 to ${pageSize.most}.`);
    return services.shadows.list(
      request.label("thingName"),
      size,
      request.query("nextToken"),
    );
  });

/** Which shadow a request means. */
export function shadowOf(request: ApiRequest): ShadowId {
  return {
    thingName: request.label("thingName"),
    ...optional("shadowName", request.query("name")),
  };
}

function document(answer: ShadowAnswer): RawAnswer {
  return new RawAnswer(writePayload("json", answer));
}
