import type { IncomingHttpHeaders } from "node:http";
import { ServiceError } from "../service-error.js";

/** Parts of a request to the API, taken apart by the router. */
export interface ApiRequestParts {
  /** Values of the path's labels, decoded. */
  readonly labels: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/**
 * One call of an operation, REST-JSON as AWS's models bind it: members in the path, the query, headers and a JSON body. Each
 * reader checks the type of its member, so an operation never sees a value of another kind.
 */
export class ApiRequest {
  readonly #parts: ApiRequestParts;
  #members: Readonly<Record<string, unknown>> | undefined;

  constructor(parts: ApiRequestParts) {
    this.#parts = parts;
  }

  /** A member of the path. */
  label(name: string): string {
    return this.#parts.labels[name] ?? "";
  }

  /** A member of the query. */
  query(name: string): string | undefined {
    return this.#parts.query.get(name) ?? undefined;
  }

  /** A yes or no of the query; absent is no. */
  queryFlag(name: string): boolean {
    return this.query(name) === "true";
  }

  /** A whole number of the query. @throws ServiceError InvalidRequestException */
  queryNumber(name: string): number | undefined {
    const text = this.query(name);
    if (text === undefined) return undefined;
    if (!/^-?\d{1,15}$/.test(text)) throw wrongType(name, "a whole number");
    return Number(text);
  }

  /** A header that must be there. @throws ServiceError InvalidRequestException */
  header(name: string): string {
    const value = this.#parts.headers[name];
    if (typeof value !== "string") throw missing(name);
    return value;
  }

  /** A header that may be there. */
  optionalHeader(name: string): string | undefined {
    const value = this.#parts.headers[name];
    return typeof value === "string" ? value : undefined;
  }

  /** The body as it came. */
  get payload(): Buffer {
    return this.#parts.body;
  }

  /** All members of the JSON body; none when there is no body. @throws ServiceError InvalidRequestException */
  get members(): Readonly<Record<string, unknown>> {
    return (this.#members ??= readMembers(this.#parts.body));
  }

  /** A text of the body that must be there. @throws ServiceError InvalidRequestException */
  text(name: string): string {
    const value = this.optionalText(name);
    if (value === undefined) throw missing(name);
    return value;
  }

  /** A text of the body. @throws ServiceError InvalidRequestException */
  optionalText(name: string): string | undefined {
    return this.#typed(name, "a string", isText);
  }

  /** A number of the body. @throws ServiceError InvalidRequestException */
  optionalNumber(name: string): number | undefined {
    return this.#typed(name, "a number", isNumber);
  }

  /** A yes or no of the body. @throws ServiceError InvalidRequestException */
  optionalFlag(name: string): boolean | undefined {
    return this.#typed(name, "true or false", isFlag);
  }

  /** A list of texts of the body. @throws ServiceError InvalidRequestException */
  optionalTexts(name: string): string[] | undefined {
    return this.#typed(name, "a list of strings", isTexts);
  }

  /** A structure of the body, with readers of its own. @throws ServiceError InvalidRequestException */
  structure(name: string): ApiRequest {
    const value = this.#typed(name, "an object", isObject) ?? {};
    const inner = new ApiRequest(this.#parts);
    inner.#members = value;
    return inner;
  }

  /** A map of texts of the body. @throws ServiceError InvalidRequestException */
  optionalMap(name: string): Record<string, string> | undefined {
    return this.#typed(name, "a map of strings", isTextMap);
  }

  /** A list of structures of the body. @throws ServiceError InvalidRequestException */
  structures(name: string): ApiRequest[] {
    const list = this.#typed(name, "a list of objects", isObjects) ?? [];
    return list.map((members) => {
      const inner = new ApiRequest(this.#parts);
      inner.#members = members;
      return inner;
    });
  }

  #typed<T>(
    name: string,
    what: string,
    is: (value: unknown) => value is T,
  ): T | undefined {
    const value = this.members[name];
    if (value === undefined || value === null) return undefined;
    if (!is(value)) throw wrongType(name, what);
    return value;
  }
}

/** What AWS says of a member that is not there. */
function missing(name: string): ServiceError {
  return new ServiceError(
    "InvalidRequestException",
    `1 validation error detected: Value null at '${name}' failed to satisfy constraint: Member must not be null`,
  );
}

function wrongType(name: string, what: string): ServiceError {
  return new ServiceError(
    "InvalidRequestException",
    `1 validation error detected: Value at '${name}' failed to satisfy constraint: Member must be ${what}`,
  );
}

function readMembers(body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    throw new ServiceError(
      "InvalidRequestException",
      "The body of the request is not JSON",
    );
  }
  if (!isObject(value))
    throw new ServiceError(
      "InvalidRequestException",
      "The body of the request is not a JSON object",
    );
  return value;
}

const isText = (value: unknown): value is string => typeof value === "string";
const isNumber = (value: unknown): value is number => Number.isFinite(value);
const isFlag = (value: unknown): value is boolean => typeof value === "boolean";
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(isText);
const isObjects = (value: unknown): value is Record<string, unknown>[] =>
  Array.isArray(value) && value.every(isObject);
const isTextMap = (value: unknown): value is Record<string, string> =>
  isObject(value) && Object.values(value).every(isText);
