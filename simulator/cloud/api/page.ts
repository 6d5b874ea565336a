import { ServiceError } from "../service-error.js";
import type { ApiRequest } from "./api-request.js";

/** How one operation names its paging: `nextToken` with `maxResults`, or `marker` with `pageSize`. */
type Paging = "nextToken" | "marker";

const names = {
  nextToken: { from: "nextToken", size: "maxResults", next: "nextToken" },
  marker: { from: "marker", size: "pageSize", next: "nextMarker" },
} as const;

/** Entries of a page when the request does not say, and at most. */
const defaultSize = 25;
const largestSize = 250;

/**
 * One page of a list, as the answer's members: the entries under `member`, and the token of the next page if there is one.
 * The token holds the key of the last entry, so a list that changes between pages loses and repeats nothing that stayed.
 * @param keyOf an item's key, by which the list is ordered; keys are different from each other
 * @throws ServiceError InvalidRequestException for a token or a size that is none
 */
export function page<T>(
  request: ApiRequest,
  paging: Paging,
  member: string,
  items: readonly T[],
  keyOf: (item: T) => string,
  shown: (item: T) => unknown = (item) => item,
): Record<string, unknown> {
  const { from, size, next } = names[paging];
  const count = request.queryNumber(size) ?? defaultSize;
  if (count < 1 || count > largestSize)
    throw new ServiceError(
      "InvalidRequestException",
      `1 validation error detected: Value '${count}' at '${size}' failed to satisfy constraint: Member must have value between 1 and ${largestSize}`,
    );
  const token = request.query(from);
  const descending = request.query("isAscendingOrder") === "false";
  const direction = descending ? -1 : 1;
  const ordered = items.toSorted((a, b) =>
    keyOf(a) < keyOf(b) ? -direction : direction,
  );
  const after = token === undefined ? undefined : readToken(token);
  const start =
    after === undefined
      ? 0
      : ordered.findIndex((item) =>
          descending ? keyOf(item) < after : keyOf(item) > after,
        );
  const entries = start < 0 ? [] : ordered.slice(start, start + count);
  const last = entries.at(-1);
  const more = last !== undefined && start + count < ordered.length;
  return {
    [member]: entries.map(shown),
    ...(more && { [next]: Buffer.from(keyOf(last)).toString("base64url") }),
  };
}

/** A key that sorts what is older before what is newer. @param at seconds since 1970 */
export function oldestFirst(at: number, id: string): string {
  return `${String(Math.round(at * 1000)).padStart(16, "0")} ${id}`;
}

/** A key that sorts what is newer before what is older. @param at seconds since 1970 */
export function newestFirst(at: number, id: string): string {
  return `${String(1e15 - Math.round(at * 1000)).padStart(16, "0")} ${id}`;
}

function readToken(token: string): string {
  if (!/^[\w-]+$/.test(token))
    throw new ServiceError("InvalidRequestException", "Invalid nextToken");
  return Buffer.from(token, "base64url").toString();
}
