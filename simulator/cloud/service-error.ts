/** AWS's exceptions with the HTTP status of each (service model of `iot`; 400 and 410 where other services have 429). */
const statusOf = {
  CertificateStateException: 406,
  DeleteConflictException: 409,
  InvalidRequestException: 400,
  InvalidStateTransitionException: 409,
  LimitExceededException: 410,
  MalformedPolicyException: 400,
  ResourceAlreadyExistsException: 409,
  ResourceNotFoundException: 404,
  VersionConflictException: 409,
  VersionsLimitExceededException: 409,
} as const;

/** Name of an exception of the AWS IoT API. */
export type ServiceErrorCode = keyof typeof statusOf;

/** A refusal of the registry, as the AWS IoT API words it. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  readonly code: ServiceErrorCode;

  constructor(code: ServiceErrorCode, message: string) {
    super(message);
    this.code = code;
  }

  /** HTTP status number that AWS answers with. */
  get status(): number {
    return statusOf[this.code];
  }
}
