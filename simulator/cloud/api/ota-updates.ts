import { arn } from "../names.js";
import { ServiceError } from "../service-error.js";
import type { CreateOtaInput } from "../streams/ota-updates.js";
import type { ApiRequest } from "./api-request.js";
import { page } from "./page.js";
import type { Operation } from "./router.js";
import { putTags } from "./tags.js";

/** CreateOTAUpdate. @throws ServiceError NotImplementedException for what would be left out without a word */
export const createOTAUpdate: Operation = (request, services) => {
  const otaUpdateId = request.label("otaUpdateId");
  for (const member of ["awsJobExecutionsRolloutConfig", "awsJobAbortConfig"])
    if (request.members[member] !== undefined) throw notHere(member);
  const update = services.services.otaUpdates.create({
    ...request.members,
    otaUpdateId,
    targets: request.optionalTexts("targets") ?? [],
    files: request.structures("files").map(fileOf),
    roleArn: request.text("roleArn"),
  } as CreateOtaInput);
  putTags(request, services, arn(`otaupdate/${otaUpdateId}`));
  return update;
};

/** GetOTAUpdate. */
export const getOTAUpdate: Operation = (request, { services }) => ({
  otaUpdateInfo: services.otaUpdates.describe(request.label("otaUpdateId")),
});

/** ListOTAUpdates. */
export const listOTAUpdates: Operation = (request, { services }) => {
  const status = request.query("otaUpdateStatus");
  return page(
    request,
    "nextToken",
    "otaUpdates",
    services.otaUpdates
      .list()
      .filter(
        (item) => (status ?? item.otaUpdateStatus) === item.otaUpdateStatus,
      ),
    ({ otaUpdateId }) => otaUpdateId,
    ({ otaUpdateId, otaUpdateArn, creationDate }) => ({
      otaUpdateId,
      otaUpdateArn,
      creationDate,
    }),
  );
};

/** DeleteOTAUpdate. */
export const deleteOTAUpdate: Operation = (request, { services }) => {
  services.otaUpdates.delete(request.label("otaUpdateId"), {
    deleteStream: request.queryFlag("deleteStream"),
    forceDeleteAWSJob: request.queryFlag("forceDeleteAWSJob"),
  });
  return {};
};

function fileOf(file: ApiRequest): unknown {
  const signing = file.structure("codeSigning").members;
  for (const member of ["awsSignerJobId", "startSigningJobParameter"])
    if (signing[member] !== undefined) throw notHere(`codeSigning.${member}`);
  const location = file.structure("fileLocation");
  if (location.members.s3Location !== undefined) {
    const object = location.structure("s3Location");
    object.text("bucket");
    object.text("key");
  }
  return file.members;
}

function notHere(member: string): ServiceError {
  return new ServiceError(
    "NotImplementedException",
    `This local cloud does not implement ${member} of OTA updates`,
  );
}
