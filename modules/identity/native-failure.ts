import { Failure } from "../system/failure.js";
import type { FailureCode } from "../system/failures.js";

/**
 * Makes a `Failure` of what a native reports: a code of the table, a space, and the detail (`native-failure.h` writes
 * it). An empty text means that nothing failed.
 */
export function nativeFailure(text: string): Failure | undefined {
  if (text === "") return undefined;
  const space = text.indexOf(" ");
  return new Failure(
    text.slice(0, space) as FailureCode,
    text.slice(space + 1),
  );
}

/** Throws what a native reports, unless it is the empty text. */
export function check(text: string): void {
  const failure = nativeFailure(text);
  if (failure) throw failure;
}
