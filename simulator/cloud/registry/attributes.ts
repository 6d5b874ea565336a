import { ServiceError } from "../service-error.js";
import { isRegistryName } from "./registry-name.js";

const valuePattern = /^[a-zA-Z0-9_.,@/:#=[\]-]{0,800}$/;

/** Attributes of a thing or a group. @throws ServiceError InvalidRequestException when they are too many or not allowed */
export function assertAttributes(
  attributes: Readonly<Record<string, string>>,
  limit: number,
): void {
  if (Object.keys(attributes).length > limit)
    throw new ServiceError(
      "InvalidRequestException",
      `There are ${Object.keys(attributes).length} attributes; ${limit} are allowed. A thing needs a thing type for more than three.`,
    );
  for (const [name, value] of Object.entries(attributes))
    if (!isRegistryName(name) || !valuePattern.test(value))
      throw new ServiceError(
        "InvalidRequestException",
        `Attribute "${name}" has a name or a value that is not allowed.`,
      );
}
