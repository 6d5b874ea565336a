/** A request of fleet provisioning that is refused, in the keys of its rejected message. */
export class ProvisioningError extends Error {
  override readonly name = "ProvisioningError";
  readonly statusCode: number;
  readonly errorCode: string;

  constructor(statusCode: number, errorCode: string, message: string) {
    super(message);
    this.statusCode = statusCode;
    this.errorCode = errorCode;
  }
}
