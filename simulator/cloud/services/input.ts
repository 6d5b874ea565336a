import { ServiceError } from "../service-error.js";

/** @throws ServiceError InvalidRequestException with this message */
export function invalid(message: string): never {
  throw new ServiceError("InvalidRequestException", message);
}

/** Text that matches a pattern. @throws ServiceError InvalidRequestException */
export function requireText(
  value: unknown,
  name: string,
  pattern: RegExp,
): string {
  if (typeof value !== "string" || !pattern.test(value))
    invalid(
      `${name} ${typeof value === "string" ? `"${value.slice(0, 100)}" ` : ""}must be text that matches ${String(pattern)}.`,
    );
  return value;
}

/** A whole number in a range. @throws ServiceError InvalidRequestException */
export function requireInteger(
  value: unknown,
  name: string,
  [least, most]: readonly [number, number],
): number {
  if (
    typeof value !== "number" ||
    !Number.isInteger(value) ||
    value < least ||
    value > most
  )
    invalid(`${name} must be a whole number from ${least} to ${most}.`);
  return value;
}

/** One page of a list, and what asks for the next. `token` is what the page before gave. */
export function page<T>(
  items: readonly T[],
  size: number,
  token: string | undefined,
): { items: T[]; nextToken?: string } {
  const start = token === undefined ? 0 : Number(token);
  if (!Number.isInteger(start) || start < 0) invalid("nextToken is invalid.");
  const end = start + size;
  return {
    items: items.slice(start, end),
    ...(end < items.length && { nextToken: String(end) }),
  };
}
