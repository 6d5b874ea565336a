import type { S3Location } from "../streams/buckets.js";
import { streamArn, type StreamFile } from "../streams/streams.js";
import type { ApiRequest } from "./api-request.js";
import { optional } from "./members.js";
import { page } from "./page.js";
import type { Operation } from "./router.js";
import { putTags } from "./tags.js";

/** CreateStream. */
export const createStream: Operation = (request, services) => {
  const streamId = request.label("streamId");
  const stream = services.services.streams.create({
    ...membersOf(request),
    streamId,
    files: filesOf(request),
    roleArn: request.text("roleArn"),
  });
  putTags(request, services, streamArn(streamId));
  return stream;
};

/** DescribeStream. */
export const describeStream: Operation = (request, { services }) => ({
  streamInfo: services.streams.describe(request.label("streamId")),
});

/** UpdateStream. */
export const updateStream: Operation = (request, { services }) =>
  services.streams.update(request.label("streamId"), {
    ...membersOf(request),
    ...(request.members.files !== undefined && { files: filesOf(request) }),
  });

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

function membersOf(request: ApiRequest) {
  return {
    ...optional("description", request.optionalText("description")),
    ...optional("roleArn", request.optionalText("roleArn")),
  };
}

function filesOf(request: ApiRequest): StreamFile[] {
  return request.structures("files").map((file) => ({
    fileId: file.optionalNumber("fileId") ?? 0,
    s3Location: s3LocationOf(file.structure("s3Location")),
  }));
}

/** An object of S3, by bucket and key. @throws ServiceError InvalidRequestException */
export function s3LocationOf(location: ApiRequest): S3Location {
  return {
    bucket: location.text("bucket"),
    key: location.text("key"),
    ...optional("version", location.optionalText("version")),
  };
}
