import { JobsError, type JobsErrorCode } from "../jobs/jobs-error.js";
import { ServiceError, type ServiceErrorCode } from "../service-error.js";
import { ShadowError } from "../shadow/shadow-error.js";

/** Exceptions of `iot-data` for the codes of the shadow service. */
const shadowCodes: Record<ShadowError["code"], ServiceErrorCode> = {
  400: "InvalidRequestException",
  404: "ResourceNotFoundException",
  409: "ConflictException",
  413: "RequestEntityTooLargeException",
  415: "UnsupportedDocumentEncodingException",
  429: "ThrottlingException",
};

/** Exceptions of `iot-jobs-data` for the codes of the Jobs service. */
const jobsCodes: Record<JobsErrorCode, ServiceErrorCode> = {
  InvalidTopic: "InvalidRequestException",
  InvalidJson: "InvalidRequestException",
  InvalidRequest: "InvalidRequestException",
  InvalidStateTransition: "InvalidStateTransitionException",
  ResourceNotFound: "ResourceNotFoundException",
  VersionMismatch: "VersionConflictException",
  TerminalStateReached: "TerminalStateException",
};

/** Runs an operation of a service; its refusal becomes the API's exception. */
export function inHttps<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ShadowError)
      throw new ServiceError(shadowCodes[error.code], error.message);
    if (error instanceof JobsError)
      throw new ServiceError(jobsCodes[error.code], error.message);
    throw error;
  }
}
