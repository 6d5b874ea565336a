/**
 * Something a person can put right, told in one line without a stack trace. Ends the command with `exitCode`.
 */
export class ExpectedError extends Error {
  override readonly name = "ExpectedError";
  readonly expected = true;
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
