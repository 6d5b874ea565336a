import { BlockList, isIP } from "node:net";
import { isObject, malformed } from "./grammar.js";
import {
  matchesPattern,
  parsePattern,
  substitute,
  type PatternPart,
  type Substitution,
} from "./wildcard.js";

/** Values of a condition key in a request, or undefined when the request has none. */
export type ConditionValues = (key: string) => readonly string[] | undefined;

/** One test of a `Condition` block: every one of them must hold. */
export interface Condition {
  readonly operator: string;
  readonly key: string;
  readonly holds: (valuesOf: ConditionValues, valueOf: Substitution) => boolean;
}

/** Compares one value of the request with one of the policy. */
type Comparison = (actual: string, expected: PatternPart[]) => boolean;

const text = (parts: readonly PatternPart[]) =>
  parts
    .map((part) =>
      "text" in part
        ? part.text
        : "any" in part
          ? "*"
          : "one" in part
            ? "?"
            : "",
    )
    .join("");
const lower = (value: string) => value.toLowerCase();
const numeric =
  (compare: (a: number, b: number) => boolean): Comparison =>
  (actual, expected) =>
    compare(Number(actual), Number(text(expected)));
const dated =
  (compare: (a: number, b: number) => boolean): Comparison =>
  (actual, expected) =>
    compare(toTime(actual), toTime(text(expected)));

const equals: Comparison = (actual, expected) => actual === text(expected);
const like: Comparison = (actual, expected) => matchesPattern(expected, actual);
const equalsIgnoreCase: Comparison = (actual, expected) =>
  lower(actual) === lower(text(expected));
const inNetwork: Comparison = (actual, expected) =>
  isInNetwork(actual, text(expected));

/** The operators by name, with whether each is the negation of its comparison. */
const operators: Readonly<
  Record<string, { compare: Comparison; negated?: true }>
> = {
  StringEquals: { compare: equals },
  StringNotEquals: { compare: equals, negated: true },
  StringEqualsIgnoreCase: { compare: equalsIgnoreCase },
  StringNotEqualsIgnoreCase: { compare: equalsIgnoreCase, negated: true },
  StringLike: { compare: like },
  StringNotLike: { compare: like, negated: true },
  ArnEquals: { compare: like },
  ArnLike: { compare: like },
  ArnNotEquals: { compare: like, negated: true },
  ArnNotLike: { compare: like, negated: true },
  Bool: { compare: equalsIgnoreCase },
  IpAddress: { compare: inNetwork },
  NotIpAddress: { compare: inNetwork, negated: true },
  NumericEquals: { compare: numeric((a, b) => a === b) },
  NumericNotEquals: { compare: numeric((a, b) => a === b), negated: true },
  NumericLessThan: { compare: numeric((a, b) => a < b) },
  NumericLessThanEquals: { compare: numeric((a, b) => a <= b) },
  NumericGreaterThan: { compare: numeric((a, b) => a > b) },
  NumericGreaterThanEquals: { compare: numeric((a, b) => a >= b) },
  DateEquals: { compare: dated((a, b) => a === b) },
  DateNotEquals: { compare: dated((a, b) => a === b), negated: true },
  DateLessThan: { compare: dated((a, b) => a < b) },
  DateLessThanEquals: { compare: dated((a, b) => a <= b) },
  DateGreaterThan: { compare: dated((a, b) => a > b) },
  DateGreaterThanEquals: { compare: dated((a, b) => a >= b) },
};

/**
 * Reads a `Condition` block: `{ operator: { key: value or values } }`, where the operator may carry `ForAllValues:` or
 * `ForAnyValue:` before it and `IfExists` after it.
 * @throws ServiceError MalformedPolicyException
 */
export function parseConditions(block: unknown): Condition[] {
  if (!isObject(block)) throw malformed("Condition must be a JSON object");
  return Object.entries(block).flatMap(([operator, keys]) => {
    if (!isObject(keys))
      throw malformed(`Condition ${operator} must be a JSON object`);
    return Object.entries(keys).map(([key, value]) =>
      makeCondition(operator, key, conditionValues(value, key)),
    );
  });
}

function makeCondition(
  operator: string,
  key: string,
  expected: string[],
): Condition {
  const { set, name, ifExists } = readOperator(operator);
  const patterns = expected.map(parsePattern);
  if (name === "Null" && !set && !ifExists)
    return {
      operator,
      key,
      holds: (valuesOf) =>
        expected.includes(String(valuesOf(key) === undefined)),
    };
  const rule = Object.hasOwn(operators, name) ? operators[name] : undefined;
  if (!rule) throw malformed(`"${operator}" is not a condition operator`);

  /** Whether one value of the request passes: it equals one of the policy's, or (negated) none of them. */
  const passes = (actual: string, valueOf: Substitution): boolean => {
    const found = patterns.some((pattern) => {
      const filled = substitute(pattern, valueOf);
      return filled !== undefined && rule.compare(actual, filled);
    });
    return found !== (rule.negated ?? false);
  };
  return {
    operator,
    key,
    holds: (valuesOf, valueOf) => {
      const actual = valuesOf(key);
      if (set === "ForAllValues")
        return (actual ?? []).every((value) => passes(value, valueOf));
      if (set === "ForAnyValue")
        return (actual ?? []).some((value) => passes(value, valueOf));
      if (actual === undefined || actual.length === 0)
        return ifExists || rule.negated === true;
      return rule.negated
        ? actual.every((value) => passes(value, valueOf))
        : actual.some((value) => passes(value, valueOf));
    },
  };
}

/** Takes an operator apart: `ForAnyValue:StringLikeIfExists`. */
function readOperator(operator: string): {
  set: string | undefined;
  name: string;
  ifExists: boolean;
} {
  const found = /^(?:(ForAllValues|ForAnyValue):)?(.*?)(IfExists)?$/s.exec(
    operator,
  );
  return {
    set: found?.at(1),
    name: found?.at(2) ?? "",
    ifExists: found?.at(3) !== undefined,
  };
}

function conditionValues(value: unknown, key: string): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.map((item) => {
    if (
      typeof item !== "string" &&
      typeof item !== "boolean" &&
      typeof item !== "number"
    )
      throw malformed(`Condition ${key} must have strings as values`);
    return String(item);
  });
}

function toTime(value: string): number {
  return /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value);
}

function isInNetwork(address: string, network: string): boolean {
  const [base = ""] = network.split("/");
  const prefix = network.split("/").at(1);
  const version = isIP(base);
  if (version === 0 || isIP(address) !== version) return false;
  const type = version === 4 ? "ipv4" : "ipv6";
  const bits =
    prefix === undefined ? (version === 4 ? 32 : 128) : Number(prefix);
  if (!Number.isInteger(bits) || bits < 0 || bits > (version === 4 ? 32 : 128))
    return false;
  const list = new BlockList();
  list.addSubnet(base, bits, type);
  return list.check(address, type);
}
