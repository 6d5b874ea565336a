import { ServiceError } from "../service-error.js";

/** A string, or a list of at least one. */
export function strings(value: unknown, what: string): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0 || !list.every((item) => typeof item === "string"))
    throw malformed(`${what} must be a string or a list of strings`);
  return list;
}

/** The exception for a document that breaks the grammar. */
export function malformed(message: string): ServiceError {
  return new ServiceError("MalformedPolicyException", message);
}

/** Whether a JSON value is an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
