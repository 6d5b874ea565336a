/**
 * A request that the shadow service refuses (AWS, "Device Shadow error messages"). `code` is the number in a rejected
 * message, and the HTTP status.
 */
export class ShadowError extends Error {
  override readonly name = "ShadowError";
  readonly code: 400 | 404 | 409 | 413 | 415 | 429;

  constructor(code: ShadowError["code"], message: string) {
    super(message);
    this.code = code;
  }
}
