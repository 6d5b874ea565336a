import { streamArn, type CreateStreamInput } from "../streams/streams.js";
import { page } from "./page.js";
import type { Operation } from "./router.js";
import { putTags } from "./tags.js";

/** CreateStream. */
export const createStream: Operation = (request, services) => {
  const streamId = request.label("streamId");
  const stream = services.services.streams.create({
    ...request.members,
    streamId,
  } as unknown as CreateStreamInput);
  putTags(request, services, streamArn(streamId));
  return stream;
};

/** DescribeStream. */
export const describeStream: Operation = (request, { services }) => ({
  streamInfo: services.streams.describe(request.label("streamId")),
});

/** UpdateStream. */
export const updateStream: Operation = (request, { services }) =>
  services.streams.update(request.label("streamId"), request.members);

/** DeleteStream. */
export const deleteStream: Operation = (request, { services }) => {
  services.streams.delete(request.label("streamId"));
  return {};
};

/** ListStreams. */
export const listStreams: Operation = (request, { services }) =>
  page(
    request,
    "nextToken",
    "streams",
    services.streams.list(),
    ({ streamId }) => streamId,
    ({ streamId, streamArn: arn, streamVersion, description }) => ({
      streamId,
      streamArn: arn,
      streamVersion,
      description,
    }),
  );
