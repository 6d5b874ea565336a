import type { ApiRequest } from "./api-request.js";
import type { ApiServices } from "./api-services.js";
import type { ApiService } from "./signature.js";

/**
 * Does what a request asks for.
 * @returns members of the JSON answer, `RawAnswer`, or undefined for an empty body
 * @throws ServiceError, which becomes AWS's error answer
 */
export type Operation = (request: ApiRequest, services: ApiServices) => unknown;

/** One operation of an API: `POST /things/{thingName}`. */
export interface Route {
  readonly service: ApiService;
  /** AWS's name of the operation. */
  readonly name: string;
  readonly method: string;
  /** Path with labels in braces. */
  readonly path: string;
  readonly operation: Operation;
}

/** A route that fits a request, with the values of its labels. */
export interface Found {
  readonly route: Route;
  readonly labels: Readonly<Record<string, string>>;
}

/** Finds the operation that a request means, by service, method and path. */
export class Router {
  readonly #routes = new Map<string, { route: Route; levels: string[] }[]>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const levels = route.path.split("/");
      const key = keyOf(route.service, route.method, levels.length);
      const same = this.#routes.get(key) ?? [];
      same.push({ route, levels });
      // Literal levels before labels: /jobs/$next is not the job of that name.
      same.sort((a, b) => labelsIn(a.levels) - labelsIn(b.levels));
      this.#routes.set(key, same);
    }
  }

  /** @param path as it stands in the request, still encoded: an encoded slash does not part levels */
  find(service: ApiService, method: string, path: string): Found | undefined {
    const levels = path.split("/");
    const same = this.#routes.get(keyOf(service, method, levels.length)) ?? [];
    for (const { route, levels: wanted } of same) {
      const labels = matchLevels(wanted, levels);
      if (labels) return { route, labels };
    }
    return undefined;
  }
}

const keyOf = (service: ApiService, method: string, levels: number) =>
  `${service} ${method} ${levels}`;
const isLabel = (level: string) => level.startsWith("{");
const labelsIn = (levels: readonly string[]) => levels.filter(isLabel).length;

function matchLevels(
  wanted: readonly string[],
  levels: readonly string[],
): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  for (const [index, level] of wanted.entries()) {
    const given = decoded(levels[index] ?? "");
    if (given === undefined) return undefined;
    if (!isLabel(level)) {
      if (given !== level) return undefined;
    } else if (given === "") return undefined;
    else labels[level.slice(1, -1)] = given;
  }
  return labels;
}

function decoded(level: string): string | undefined {
  try {
    return decodeURIComponent(level);
  } catch {
    return undefined;
  }
}
