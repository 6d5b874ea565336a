import { limits } from "../limits.js";
import {
  isMap,
  PayloadError,
  readMap,
  type PayloadMap,
} from "../services/payload.js";
import { hasNullInList, levels, type StatePatch } from "./document.js";
import { ShadowError } from "./shadow-error.js";

/** What a request to a shadow says, after its rules were checked. */
export interface UpdateRequest {
  readonly patch: StatePatch;
  readonly version?: number;
  readonly clientToken?: string;
}

/** Reads a request's JSON, empty for one without a body. @throws ShadowError */
export function readRequest(payload: Uint8Array): PayloadMap {
  try {
    return readMap("json", payload);
  } catch (error) {
    if (error instanceof PayloadError && error.problem === "encoding")
      throw new ShadowError(
        415,
        "Unsupported documented encoding; supported encoding is UTF-8",
      );
    throw new ShadowError(400, "Invalid JSON");
  }
}

/** The request's token, which its answers repeat. @throws ShadowError when it is no text or longer than 64 bytes */
export function clientTokenOf(request: PayloadMap): string | undefined {
  const { clientToken } = request;
  if (clientToken === undefined) return undefined;
  if (
    typeof clientToken !== "string" ||
    Buffer.byteLength(clientToken) > limits.clientToken
  )
    throw new ShadowError(400, "Invalid clientToken");
  return clientToken;
}

/**
 * Holds an update to the service's rules.
 * @param nesting levels of keys that a section may have
 * @throws ShadowError in AWS's words
 */
export function checkUpdate(
  request: PayloadMap,
  nesting: number,
): UpdateRequest {
  const clientToken = clientTokenOf(request);
  const { state, version } = request;
  if (state === undefined || state === null)
    throw new ShadowError(400, "Missing required node: state");
  if (!isMap(state)) throw new ShadowError(400, "State node must be an object");
  if (
    version !== undefined &&
    !(typeof version === "number" && Number.isSafeInteger(version))
  )
    throw new ShadowError(400, "Invalid version");
  const desired = sectionOf(state.desired, "Desired", nesting);
  const reported = sectionOf(state.reported, "Reported", nesting);
  return {
    patch: {
      ...(desired !== undefined && { desired }),
      ...(reported !== undefined && { reported }),
    },
    ...(version !== undefined && { version }),
    ...(clientToken !== undefined && { clientToken }),
  };
}

function sectionOf(
  section: PayloadMap[string],
  name: string,
  nesting: number,
): PayloadMap | null | undefined {
  if (section === undefined || section === null) return section;
  if (!isMap(section))
    throw new ShadowError(400, `${name} node must be an object`);
  if (levels(section) > nesting)
    throw new ShadowError(
      400,
      `JSON contains too many levels of nesting; maximum is ${nesting}`,
    );
  if (hasNullInList(section))
    throw new ShadowError(400, "State contains an invalid node");
  return section;
}
