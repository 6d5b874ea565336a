import { ServiceError } from "../service-error.js";

/** An object with this member, or an empty one when there is no value. */
export function optional<K extends string, V>(
  name: K,
  value: V | undefined,
): { [key in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [key in K]: V });
}

/** Key of an item that is its own. */
export const itself = (text: string): string => text;

/** A moment as the `iot` API writes it: seconds since 1970 with a fraction. */
export const seconds = (milliseconds: number): number => milliseconds / 1000;

/**
 * A value out of a fixed set.
 * @throws ServiceError InvalidRequestException, worded as AWS does
 */
export function oneOf<const T extends string>(
  name: string,
  value: string | undefined,
  set: readonly T[],
): T | undefined {
  if (value === undefined) return undefined;
  const found = set.find((member) => member === value);
  if (found === undefined)
    throw new ServiceError(
      "InvalidRequestException",
      `1 validation error detected: Value '${value}' at '${name}' failed to satisfy constraint: Member must satisfy enum value set: [${set.join(", ")}]`,
    );
  return found;
}
