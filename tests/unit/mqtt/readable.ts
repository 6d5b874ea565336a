import type { Properties } from "../../../modules/mqtt/properties.js";
import { toHex } from "./wire.js";

/** Properties as they can be printed as JSON: bytes in hex. */
export function readable(
  properties: Properties | undefined,
): object | undefined {
  if (!properties) return undefined;
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(properties))
    result[name] =
      value instanceof ArrayBuffer ? toHex(new Uint8Array(value)) : value;
  return result;
}
