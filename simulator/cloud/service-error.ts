/**
 * AWS's exceptions with the HTTP status of each (service models of `iot`, `iot-data` and `iot-jobs-data`; on `iot` 400 and 410
 * where other services have 429).
 */
const statusOf = {
  CertificateConflictException: 409,
  CertificateStateException: 406,
  CertificateValidationException: 400,
  ConflictException: 409,
  ConflictingResourceUpdateException: 409,
  DeleteConflictException: 409,
  ForbiddenException: 403,
  IncompleteSignatureException: 403,
  InternalFailureException: 500,
  InvalidRequestException: 400,
  InvalidStateTransitionException: 409,
  LimitExceededException: 410,
  MalformedPolicyException: 400,
  MethodNotAllowedException: 405,
  MissingAuthenticationTokenException: 403,
  NotConfiguredException: 404,
  NotImplementedException: 501,
  RegistrationCodeValidationException: 400,
  RequestEntityTooLargeException: 413,
  ResourceAlreadyExistsException: 409,
  ResourceNotFoundException: 404,
  ResourceRegistrationFailureException: 400,
  ServiceQuotaExceededException: 402,
  SqlParseException: 400,
  TerminalStateException: 410,
  // As `iot-data` and `iot-jobs-data` have it; of `iot` it is 400, see `sendError`.
  ThrottlingException: 429,
  TransferAlreadyCompletedException: 410,
  TransferConflictException: 409,
  UnauthorizedException: 401,
  UnsupportedDocumentEncodingException: 415,
  ValidationException: 400,
  VersionConflictException: 409,
  VersionsLimitExceededException: 409,
} as const;

/** Name of an exception of the AWS IoT API. */
export type ServiceErrorCode = keyof typeof statusOf;

/** The resource that an exception is about: the answer names it beside the message. */
export interface ErrorResource {
  readonly resourceId: string;
  readonly resourceArn: string;
}

/** A refusal, as the AWS IoT API words it. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  readonly code: ServiceErrorCode;
  readonly resource: ErrorResource | undefined;

  constructor(
    code: ServiceErrorCode,
    message: string,
    resource?: ErrorResource,
  ) {
    super(message);
    this.code = code;
    this.resource = resource;
  }

  /** HTTP status number that AWS answers with. */
  get status(): number {
    return statusOf[this.code];
  }
}
