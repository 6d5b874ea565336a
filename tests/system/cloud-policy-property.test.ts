import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parsePolicyDocument } from "../../simulator/cloud/policy/document.js";
import {
  evaluate,
  substitutable,
} from "../../simulator/cloud/policy/evaluate.js";
import {
  matchesPattern,
  parsePattern,
  substitute,
} from "../../simulator/cloud/policy/wildcard.js";
import { policyOf } from "./cloud-fixture.js";

type Values = Record<string, string[]>;

const arn = (resource: string) =>
  `arn:aws:iot:local-1:000000000000:${resource}`;

const matches = (pattern: string, subject: string, values: Values = {}) => {
  const parts = substitute(parsePattern(pattern), (name) =>
    substitutable(values[name]),
  );
  return parts !== undefined && matchesPattern(parts, subject);
};

describe("policy evaluation against a second, naive evaluator", () => {
  const piece = fc.constantFrom(
    "a",
    "b",
    "/",
    "*",
    "?",
    "+",
    "#",
    "${x}",
    "${y}",
    "${*}",
    "${?}",
    "😀",
  );
  const pattern = fc
    .array(piece, { maxLength: 8 })
    .map((parts) => parts.join(""));
  const subject = fc
    .array(fc.constantFrom("a", "b", "/", "+", "#", "*", "?", "😀"), {
      maxLength: 8,
    })
    .map((parts) => parts.join(""));
  const values: fc.Arbitrary<Values> = fc.record({
    x: fc.constantFrom<string[]>([], ["a"], ["b/"], ["*"], ["a", "b"]),
    y: fc.constantFrom<string[]>([], ["😀"], ["#"]),
  });

  /** Whether a variable has no value that may be put in. */
  const isBare = (name: string, known: Values) => {
    const found = Object.hasOwn(known, name) ? known[name] : [];
    return found.length !== 1 || /[*$+?#]/.test(found[0]);
  };

  /** The pieces of a pattern: variables and escapes whole, all else character by character. */
  const tokensOf = (text: string) => text.match(/\$\{[^}]*\}|./gsu) ?? [];

  /** A variable without a value spoils its pattern wherever it stands. */
  const isSpoiled = (text: string, known: Values) =>
    tokensOf(text).some(
      (token) =>
        /^\$\{[xy]\}$/.test(token) && isBare(token.slice(2, -1), known),
    );

  /** By definition, without cleverness: every way to cut the subject. */
  function naiveMatch(text: string, whole: string, known: Values): boolean {
    const tokens = tokensOf(text);
    const go = (index: number, rest: string[]): boolean => {
      if (index === tokens.length) return rest.length === 0;
      const token = tokens[index];
      if (token === "*")
        return Array.from({ length: rest.length + 1 }, (_, cut) =>
          go(index + 1, rest.slice(cut)),
        ).some(Boolean);
      if (token === "?") return rest.length > 0 && go(index + 1, rest.slice(1));
      const name = token.startsWith("${") ? token.slice(2, -1) : undefined;
      const literal =
        name === undefined
          ? token
          : ["*", "?", "$"].includes(name)
            ? name
            : known[name][0];
      const characters = Array.from(literal);
      return (
        characters.every((character, at) => rest[at] === character) &&
        go(index + 1, rest.slice(characters.length))
      );
    };
    return !isSpoiled(text, known) && go(0, Array.from(whole));
  }

  test("wildcards and variables", () => {
    fc.assert(
      fc.property(pattern, subject, values, (text, whole, known) => {
        assert.equal(
          matches(text, whole, known),
          naiveMatch(text, whole, known),
        );
      }),
      { numRuns: 5_000 },
    );
  });

  test("a long pattern of stars takes no long time", () => {
    assert.equal(matches("*a".repeat(500) + "b", "a".repeat(20_000)), false);
  });

  test("statements, policies and their order", () => {
    const statement = fc.record({
      Effect: fc.constantFrom("Allow", "Deny"),
      Action: fc.array(
        fc.constantFrom("iot:Publish", "iot:*", "iot:Receive", "iot:?ublish"),
        { minLength: 1, maxLength: 2 },
      ),
      resources: fc.array(
        pattern.map((text) => arn(`topic/${text}`)),
        { minLength: 1, maxLength: 3 },
      ),
      not: fc.boolean(),
      condition: fc.constantFrom(
        undefined,
        { StringEquals: { x: "a" } },
        { StringNotEquals: { x: "a" } },
      ),
    });
    fc.assert(
      fc.property(
        fc.array(fc.array(statement, { minLength: 1, maxLength: 3 }), {
          maxLength: 3,
        }),
        fc.constantFrom("iot:Publish", "iot:Receive"),
        subject,
        values,
        (policies, action, topic, known) => {
          const resource = arn(`topic/${topic}`);
          const hits = policies.flat().filter((item) => {
            const found = item.resources.some((text) =>
              naiveMatch(text, resource, known),
            );
            const spoiled = item.resources.some((text) =>
              isSpoiled(text, known),
            );
            const { x } = known;
            const holds =
              item.condition === undefined ||
              ("StringEquals" in item.condition
                ? x.includes("a")
                : !x.includes("a"));
            return (
              item.Action.some((text) => naiveMatch(text, action, {})) &&
              (item.not ? !found && !spoiled : found) &&
              holds
            );
          });
          const expected = hits.some(({ Effect }) => Effect === "Deny")
            ? "EXPLICIT_DENY"
            : hits.length > 0
              ? "ALLOWED"
              : "IMPLICIT_DENY";
          const named = policies.map((statements, index) => ({
            name: String(index),
            document: parsePolicyDocument(
              policyOf(
                statements.map(
                  ({ Effect, Action, resources, not, condition }) => ({
                    Effect,
                    Action,
                    [not ? "NotResource" : "Resource"]: resources,
                    ...(condition && { Condition: condition }),
                  }),
                ),
              ),
            ),
          }));
          const { decision } = evaluate(named, {
            action,
            resource,
            valuesOf: (name) => known[name],
          });
          assert.equal(decision, expected);
        },
      ),
      { numRuns: 3_000 },
    );
  });
});
