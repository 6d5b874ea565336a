import { arn } from "../names.js";
import { ServiceError } from "../service-error.js";
import type { CreateOtaInput, OtaFile } from "../streams/ota-updates.js";
import type { ApiRequest } from "./api-request.js";
import { oneOf, optional } from "./members.js";
import { page } from "./page.js";
import type { Operation } from "./router.js";
import { s3LocationOf } from "./streams.js";
import { putTags } from "./tags.js";

/** CreateOTAUpdate. @throws ServiceError NotImplementedException for code signing by AWS */
export const createOTAUpdate: Operation = (request, services) => {
  const otaUpdateId = request.label("otaUpdateId");
  const update = services.services.otaUpdates.create({
    otaUpdateId,
    ...optional("description", request.optionalText("description")),
    ...optional(
      "targetSelection",
      oneOf("targetSelection", request.optionalText("targetSelection"), [
        "SNAPSHOT",
        "CONTINUOUS",
      ]),
    ),
    ...optional("protocols", request.optionalTexts("protocols")),
    ...optional(
      "additionalParameters",
      request.optionalMap("additionalParameters"),
    ),
    ...settingsOf(request),
    targets: request.optionalTexts("targets") ?? [],
    files: request.structures("files").map(fileOf),
    roleArn: request.text("roleArn"),
  });
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

/** What of the update's job is set by the update, under names of its own. */
function settingsOf(request: ApiRequest): Partial<CreateOtaInput> {
  const given = (name: string) => {
    const { members } = request.structure(name);
    return Object.keys(members).length === 0 ? undefined : members;
  };
  const abort = given("awsJobAbortConfig");
  return {
    ...optional("awsJobTimeoutConfig", given("awsJobTimeoutConfig")),
    ...optional(
      "awsJobExecutionsRolloutConfig",
      given("awsJobExecutionsRolloutConfig"),
    ),
    ...(abort && {
      awsJobAbortConfig: { criteriaList: abort.abortCriteriaList },
    }),
  } as Partial<CreateOtaInput>;
}

function fileOf(file: ApiRequest): OtaFile {
  const codeSigning = file.structure("codeSigning");
  for (const member of ["awsSignerJobId", "startSigningJobParameter"])
    if (codeSigning.members[member] !== undefined)
      throw notHere(`codeSigning.${member}`);
  const signing = codeSigning.structure("customCodeSigning");
  const chain = signing.structure("certificateChain");
  const location = file.structure("fileLocation");
  return {
    ...optional("fileName", file.optionalText("fileName")),
    ...optional("fileType", file.optionalNumber("fileType")),
    ...optional("fileVersion", file.optionalText("fileVersion")),
    ...optional("attributes", file.optionalMap("attributes")),
    ...(location.members.s3Location !== undefined && {
      fileLocation: {
        s3Location: s3LocationOf(location.structure("s3Location")),
      },
    }),
    ...(Object.keys(signing.members).length > 0 && {
      codeSigning: {
        customCodeSigning: {
          signature: optional(
            "inlineDocument",
            signing.structure("signature").optionalText("inlineDocument"),
          ),
          certificateChain: optional(
            "certificateName",
            chain.optionalText("certificateName"),
          ),
          ...optional("hashAlgorithm", signing.optionalText("hashAlgorithm")),
          ...optional(
            "signatureAlgorithm",
            signing.optionalText("signatureAlgorithm"),
          ),
        },
      },
    }),
  };
}

function notHere(member: string): ServiceError {
  return new ServiceError(
    "NotImplementedException",
    `This local cloud does not implement ${member} of OTA updates`,
  );
}
