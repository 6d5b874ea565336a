import { ServiceError } from "../service-error.js";

const namePattern = /^[a-zA-Z0-9:_-]{1,128}$/;

/** What AWS accepts as the name of a thing, a thing type, a group or an attribute. */
export function isRegistryName(name: string): boolean {
  return namePattern.test(name);
}

/**
 * @param what what the name is for, with its article
 * @throws ServiceError InvalidRequestException when AWS accepts no such name
 */
export function assertRegistryName(name: string, what: string): void {
  if (!isRegistryName(name))
    throw new ServiceError(
      "InvalidRequestException",
      `"${name}" is no name for ${what}: 1 to 128 letters, digits, ":", "_" and "-".`,
    );
}

/** Whether two values are the same JSON, in whatever order their members stand. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every(
      (name) =>
        Object.hasOwn(b, name) &&
        sameJson(
          (a as Record<string, unknown>)[name],
          (b as Record<string, unknown>)[name],
        ),
    )
  );
}
