import type { ConditionValues } from "./conditions.js";
import type { PolicyDocument, Statement } from "./document.js";
import { matchesPattern, parsePattern, substitute } from "./wildcard.js";

/** What a policy is asked: may this be done to that, in these circumstances? */
export interface PolicyRequest {
  /** `iot:Publish` and so on. */
  readonly action: string;
  /** ARN. */
  readonly resource: string;
  /** Values of variables and condition keys, by name without `${}`. */
  readonly valuesOf: ConditionValues;
  /** True compares actions regardless of case. */
  readonly ignoreActionCase?: boolean;
}

/** A policy with the name it is known by. */
export interface NamedPolicy {
  readonly name: string;
  readonly document: PolicyDocument;
}

/** The answer, with what decided it. */
export interface Decision {
  readonly decision: "ALLOWED" | "EXPLICIT_DENY" | "IMPLICIT_DENY";
  /** Name of the policy whose statement decided; none for an implicit deny. */
  readonly policy?: string;
  /** `Sid` of that statement, or its number from 1. */
  readonly statement?: string;
}

/** Values AWS does not put into a policy: these characters would widen it. */
const unsafe = /[*$+?#]/;
/** Longest value that is put into a policy. */
const longest = 1024;

/** Decides: an explicit Deny wins over every Allow, and nothing said is a deny. */
export function evaluate(
  policies: readonly NamedPolicy[],
  request: PolicyRequest,
): Decision {
  let allowed: Decision | undefined;
  for (const { name, document } of policies)
    for (const [index, statement] of document.statements.entries()) {
      if (statement.effect === "Allow" && allowed) continue;
      if (!applies(statement, request)) continue;
      const found = {
        policy: name,
        statement: statement.sid ?? String(index + 1),
      };
      if (statement.effect === "Deny")
        return { decision: "EXPLICIT_DENY", ...found };
      allowed = { decision: "ALLOWED", ...found };
    }
  return allowed ?? { decision: "IMPLICIT_DENY" };
}

/** The one value of a variable that may be put into a pattern, or undefined. */
export function substitutable(
  values: readonly string[] | undefined,
): string | undefined {
  const value = values?.length === 1 ? values[0] : undefined;
  return value === undefined || value.length > longest || unsafe.test(value)
    ? undefined
    : value;
}

/** Variables in statements about the request's action that the request has no usable value for. */
export function missingVariables(
  policies: readonly NamedPolicy[],
  request: PolicyRequest,
): string[] {
  const names = policies
    .flatMap(({ document }) => document.statements)
    .filter((statement) => isAbout(statement, request))
    .flatMap((statement) => statement.resources.flat())
    .flatMap((part) => ("variable" in part ? [part.variable] : []));
  return [...new Set(names)].filter(
    (name) => substitutable(request.valuesOf(name)) === undefined,
  );
}

function applies(statement: Statement, request: PolicyRequest): boolean {
  const valueOf = (name: string) => substitutable(request.valuesOf(name));
  if (!isAbout(statement, request)) return false;
  const patterns = statement.resources.map((part) => substitute(part, valueOf));
  if (statement.notResource) {
    // A pattern without its variable's value says nothing, so "all but this" must not become "all".
    if (patterns.includes(undefined)) return false;
    if (patterns.some((p) => p && matchesPattern(p, request.resource)))
      return false;
  } else if (!patterns.some((p) => p && matchesPattern(p, request.resource)))
    return false;
  return statement.conditions.every((condition) =>
    condition.holds((key) => request.valuesOf(variableName(key)), valueOf),
  );
}

/** Whether a statement names the request's action. */
function isAbout(statement: Statement, request: PolicyRequest): boolean {
  const fold = (text: string) =>
    request.ignoreActionCase ? text.toLowerCase() : text;
  const action = fold(request.action);
  return statement.actions.some((pattern) =>
    matchesPattern(
      request.ignoreActionCase
        ? pattern.map((part) =>
            "text" in part ? { text: fold(part.text) } : part,
          )
        : pattern,
      action,
    ),
  );
}

/** A condition's key may be written like a variable, `${name}`. */
function variableName(key: string): string {
  const parts = parsePattern(key);
  const part = parts.length === 1 ? parts.at(0) : undefined;
  return part && "variable" in part ? part.variable : key;
}
