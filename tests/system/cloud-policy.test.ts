import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { certificateVariables } from "../../simulator/cloud/policy/certificate-variables.js";
import { parsePolicyDocument } from "../../simulator/cloud/policy/document.js";
import {
  evaluate,
  substitutable,
  type Decision,
} from "../../simulator/cloud/policy/evaluate.js";
import {
  matchesPattern,
  parsePattern,
  substitute,
} from "../../simulator/cloud/policy/wildcard.js";
import { ServiceError } from "../../simulator/cloud/service-error.js";
import { generateKeyPair } from "../../simulator/cloud/certificates/key-pair.js";
import x509 from "../../simulator/cloud/x509.js";
import { allow, deny, policyOf } from "./cloud-fixture.js";

type Values = Record<string, string[]>;

const arn = (resource: string) =>
  `arn:aws:iot:local-1:000000000000:${resource}`;

/** Decides over these statements as one policy. */
function decide(
  statements: object[],
  action: string,
  resource: string,
  values: Values = {},
): Decision["decision"] {
  const document = parsePolicyDocument(policyOf(statements));
  return evaluate([{ name: "p", document }], {
    action,
    resource: arn(resource),
    valuesOf: (name) => values[name],
    ignoreActionCase: true,
  }).decision;
}

const matches = (pattern: string, subject: string, values: Values = {}) => {
  const parts = substitute(parsePattern(pattern), (name) =>
    substitutable(values[name]),
  );
  return parts !== undefined && matchesPattern(parts, subject);
};

describe("3.3: wildcards", () => {
  test("3.3 *, ?: * is any run of characters, slashes included; ? is exactly one", () => {
    assert.equal(matches("a/*", "a/b/c/d"), true);
    assert.equal(matches("a/*", "a/"), true);
    assert.equal(matches("a/*", "a"), false);
    assert.equal(matches("a?c", "abc"), true);
    assert.equal(matches("a?c", "a/c"), true);
    assert.equal(matches("a?c", "ac"), false);
    assert.equal(matches("?", "😀"), true);
  });

  test("3.3 *, ?: they stand in actions too", () => {
    assert.equal(
      decide([allow("iot:*", "*")], "iot:Publish", "topic/a"),
      "ALLOWED",
    );
    assert.equal(
      decide([allow("iot:Pub*", "*")], "iot:Publish", "topic/a"),
      "ALLOWED",
    );
    assert.equal(
      decide([allow("iot:?eceive", "*")], "iot:Receive", "topic/a"),
      "ALLOWED",
    );
    assert.equal(
      decide([allow("iot:Pub*", "*")], "iot:Subscribe", "topicfilter/a"),
      "IMPLICIT_DENY",
    );
  });

  test("3.3 + and #, 12.6: they are literal characters", () => {
    const sub = (resource: string, filter: string) =>
      decide(
        [allow("iot:Subscribe", resource)],
        "iot:Subscribe",
        `topicfilter/${filter}`,
      );
    assert.equal(sub("topicfilter/a/#", "a/#"), "ALLOWED");
    assert.equal(sub("topicfilter/a/#", "a/b"), "IMPLICIT_DENY");
    assert.equal(sub("topicfilter/a/+", "a/b"), "IMPLICIT_DENY");
    assert.equal(sub("topicfilter/a/*", "a/b/c"), "ALLOWED");
    assert.equal(sub("topicfilter/a/*", "a/#"), "ALLOWED");
  });

  test("3.3 topicfilter/a/#: allows that very subscription; topicfilter/a/* allows all narrower ones", () => {
    const ask = (resource: string) =>
      ["a/#", "a/+", "a/b", "a/b/c"].map(
        (filter) =>
          decide(
            [allow("iot:Subscribe", resource)],
            "iot:Subscribe",
            `topicfilter/${filter}`,
          ) === "ALLOWED",
      );
    assert.deepEqual(ask("topicfilter/a/#"), [true, false, false, false]);
    assert.deepEqual(ask("topicfilter/a/*"), [true, true, true, true]);
  });

  test("3.3 Deny on a topicfilter: one on narrower filters does not stop a wider subscription; one on Receive does", () => {
    const statements = [
      allow(["iot:Subscribe", "iot:Receive"], "*"),
      deny("iot:Subscribe", "topicfilter/a/secret/*"),
      deny("iot:Receive", "topic/a/secret/*"),
    ];
    assert.equal(
      decide(statements, "iot:Subscribe", "topicfilter/a/#"),
      "ALLOWED",
    );
    assert.equal(
      decide(statements, "iot:Receive", "topic/a/secret/1"),
      "EXPLICIT_DENY",
    );
    assert.equal(decide(statements, "iot:Receive", "topic/a/open"), "ALLOWED");
  });

  test("3.3 escapes: ${*}, ${?} and ${$} are those characters themselves", () => {
    assert.equal(matches("a${*}c", "a*c"), true);
    assert.equal(matches("a${*}c", "abc"), false);
    assert.equal(matches("a${?}c", "a?c"), true);
    assert.equal(matches("a${?}c", "abc"), false);
    assert.equal(matches("a${$}c", "a$c"), true);
  });

  test("3.3 client ID with + # *: a wildcard in it does not widen a policy", () => {
    const statements = [
      allow("iot:Subscribe", "topicfilter/${iot:ClientId}/x"),
    ];
    const ask = (clientId: string) =>
      decide(statements, "iot:Subscribe", `topicfilter/${clientId}/x`, {
        "iot:ClientId": [clientId],
      });
    assert.equal(ask("plain"), "ALLOWED");
    for (const odd of ["+", "#", "*", "a+b", "$a", "a?"])
      assert.equal(ask(odd), "IMPLICIT_DENY", odd);
  });

  test("3.3 shared subscription: it is decided on its full text", () => {
    const statements = [allow("iot:Subscribe", "topicfilter/$share/team/*")];
    assert.equal(
      decide(statements, "iot:Subscribe", "topicfilter/$share/team/a"),
      "ALLOWED",
    );
    assert.equal(
      decide(statements, "iot:Subscribe", "topicfilter/a"),
      "IMPLICIT_DENY",
    );
  });
});

describe("variables (section 3.4)", () => {
  test("a missing value, one with * $ + ? # and one of more than 1,024 characters match nothing", () => {
    assert.equal(matches("a/${x}", "a/b", { x: ["b"] }), true);
    assert.equal(matches("a/${x}", "a/${x}"), false);
    assert.equal(matches("*${x}", "anything"), false);
    assert.equal(substitutable(["x".repeat(1024)])?.length, 1024);
    assert.equal(substitutable(["x".repeat(1025)]), undefined);
  });

  test("a value is text, however it looks", () => {
    assert.equal(matches("${x}", "a.b", { x: ["a.b"] }), true);
    assert.equal(matches("${x}", "axb", { x: ["a.b"] }), false);
  });

  test("a NotResource without its value allows nothing", () => {
    const statement = {
      Effect: "Allow",
      Action: "iot:Publish",
      NotResource: [arn("topic/${x}")],
    };
    assert.equal(
      decide([statement], "iot:Publish", "topic/a"),
      "IMPLICIT_DENY",
    );
    assert.equal(
      decide([statement], "iot:Publish", "topic/a", { x: ["b"] }),
      "ALLOWED",
    );
    assert.equal(
      decide([statement], "iot:Publish", "topic/b", { x: ["b"] }),
      "IMPLICIT_DENY",
    );
  });

  test("of the certificate: first value, .1 is the second, .List is all", async () => {
    const keys = await generateKeyPair("P-256");
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: "0a0b",
      name: "CN=first, CN=second, O=Org, C=CH",
      keys,
      extensions: [
        new x509.SubjectAlternativeNameExtension([
          { type: "dns", value: "a.example" },
          { type: "dns", value: "b.example" },
          { type: "ip", value: "10.0.0.1" },
        ]),
      ],
    });
    const variables = certificateVariables(certificate.toString("pem"));
    const value = (name: string) => variables.get(`iot:Certificate.${name}`);
    assert.deepEqual(value("Subject.CommonName"), ["first"]);
    assert.deepEqual(value("Subject.CommonName.1"), ["second"]);
    assert.deepEqual(value("Subject.CommonName.List"), ["first", "second"]);
    assert.deepEqual(value("Issuer.Organization"), ["Org"]);
    assert.deepEqual(value("Subject.AlternativeName.DNSName.1"), ["b.example"]);
    assert.deepEqual(value("Subject.AlternativeName.IPAddress"), ["10.0.0.1"]);
    assert.deepEqual(value("SerialNumber"), ["0a0b"]);
    assert.equal(value("Subject.Country.1"), undefined);
  });
});

describe("conditions (section 3.5)", () => {
  const ask = (condition: object, values: Values) =>
    decide(
      [
        {
          Effect: "Allow",
          Action: "iot:Connect",
          Resource: "*",
          Condition: condition,
        },
      ],
      "iot:Connect",
      "client/c",
      values,
    ) === "ALLOWED";
  const attributes = (...values: string[]): Values =>
    values.length > 0 ? { "iot:ConnectAttributes": values } : {};
  const set = (operator: string, ...values: string[]) => ({
    [operator]: { "iot:ConnectAttributes": values },
  });

  test("ForAllValues is true when the request carries no attribute", () => {
    const condition = set("ForAllValues:StringEquals", "PersistentConnect");
    assert.equal(ask(condition, attributes()), true);
    assert.equal(ask(condition, attributes("PersistentConnect")), true);
    assert.equal(
      ask(condition, attributes("PersistentConnect", "LastWill")),
      false,
    );
  });

  test("ForAnyValue and ForAllValues:StringNotEquals", () => {
    assert.equal(
      ask(set("ForAnyValue:StringEquals", "LastWill"), attributes()),
      false,
    );
    assert.equal(
      ask(
        set("ForAnyValue:StringEquals", "LastWill"),
        attributes("PersistentConnect", "LastWill"),
      ),
      true,
    );
    assert.equal(
      ask(
        set("ForAllValues:StringNotEquals", "PersistentConnect"),
        attributes("LastWill"),
      ),
      true,
    );
    assert.equal(
      ask(
        set("ForAllValues:StringNotEquals", "PersistentConnect"),
        attributes("PersistentConnect"),
      ),
      false,
    );
  });

  test("operators on strings, ARNs, booleans, addresses and numbers", () => {
    for (const [condition, values, expected] of [
      [
        { ArnEquals: { "iot:LastWillTopic": arn("topic/last/*") } },
        { "iot:LastWillTopic": [arn("topic/last/x")] },
        true,
      ],
      [{ ArnEquals: { "iot:LastWillTopic": arn("topic/last/*") } }, {}, false],
      [
        { Bool: { "iot:Connection.Thing.IsAttached": ["true"] } },
        { "iot:Connection.Thing.IsAttached": ["true"] },
        true,
      ],
      [
        { Bool: { "iot:Connection.Thing.IsAttached": ["true"] } },
        { "iot:Connection.Thing.IsAttached": ["false"] },
        false,
      ],
      [
        { Bool: { "${iot:Connection.Thing.IsAttached}": true } },
        { "iot:Connection.Thing.IsAttached": ["true"] },
        true,
      ],
      [{ StringEquals: { k: ["a", "b"] } }, { k: ["b"] }, true],
      [{ StringNotEquals: { k: ["a", "b"] } }, { k: ["b"] }, false],
      [{ StringNotEquals: { k: "a" } }, {}, true],
      [{ StringEqualsIfExists: { k: "a" } }, {}, true],
      [{ StringLike: { k: "a*" } }, { k: ["abc"] }, true],
      [{ StringEquals: { k: "a*" } }, { k: ["abc"] }, false],
      [{ StringEqualsIgnoreCase: { k: "ABC" } }, { k: ["abc"] }, true],
      [
        { IpAddress: { "aws:SourceIp": "10.1.0.0/16" } },
        { "aws:SourceIp": ["10.1.2.3"] },
        true,
      ],
      [
        { IpAddress: { "aws:SourceIp": "10.1.0.0/16" } },
        { "aws:SourceIp": ["10.2.2.3"] },
        false,
      ],
      [
        { NotIpAddress: { "aws:SourceIp": "10.1.0.0/16" } },
        { "aws:SourceIp": ["10.2.2.3"] },
        true,
      ],
      [{ NumericLessThan: { n: "5" } }, { n: ["4"] }, true],
      [{ NumericLessThan: { n: "5" } }, { n: ["none"] }, false],
      [{ Null: { k: "true" } }, {}, true],
      [{ Null: { k: "true" } }, { k: ["x"] }, false],
      [
        { StringEquals: { k: "${iot:ClientId}" } },
        { k: ["me"], "iot:ClientId": ["me"] },
        true,
      ],
      [{ StringEquals: { k: "a", m: "b" } }, { k: ["a"] }, false],
    ] as [object, Values, boolean][])
      assert.equal(
        ask(condition, values),
        expected,
        JSON.stringify([condition, values]),
      );
  });
});

describe("documents (section 3.1)", () => {
  const refused = (text: string) =>
    assert.throws(
      () => parsePolicyDocument(text),
      (error) =>
        error instanceof ServiceError &&
        error.code === "MalformedPolicyException" &&
        error.status === 400,
      text,
    );
  const good = { Effect: "Allow", Action: "iot:Connect", Resource: "*" };

  test("what breaks the grammar is a MalformedPolicyException", () => {
    refused("{");
    refused("[]");
    refused(JSON.stringify({ Statement: [good] }));
    refused(JSON.stringify({ Version: "2008-10-17", Statement: [good] }));
    refused(JSON.stringify({ Version: "2012-10-17", Statement: [] }));
    refused(
      JSON.stringify({ Version: "2012-10-17", Statement: [good], Extra: 1 }),
    );
    for (const change of [
      { Effect: "Maybe" },
      { Effect: undefined },
      { Action: [] },
      { Action: 5 },
      { Action: "Connect" },
      { Resource: undefined },
      { Resource: "topic/a" },
      { NotResource: "*" },
      { Principal: "*" },
      { Condition: { StringMatches: { k: "v" } } },
      { Condition: { constructor: { k: "v" } } },
      { Condition: { Bool: "true" } },
      { Condition: { Bool: { k: {} } } },
    ])
      refused(policyOf([{ ...good, ...change }]));
  });

  test("more than 2,048 characters are refused, white space not counted", () => {
    const text = policyOf([{ ...good, Sid: "x".repeat(1900) }]);
    parsePolicyDocument(text);
    parsePolicyDocument(text + " ".repeat(5000));
    refused(policyOf([{ ...good, Sid: "x".repeat(2000) }]));
  });

  test("a single statement needs no list", () => {
    const document = JSON.stringify({ Version: "2012-10-17", Statement: good });
    assert.equal(parsePolicyDocument(document).statements.length, 1);
  });
});

test("an explicit Deny wins over every Allow, in any order and any policy", () => {
  const parse = (statements: object[]) =>
    parsePolicyDocument(policyOf(statements));
  const request = {
    action: "iot:Publish",
    resource: arn("topic/a"),
    valuesOf: () => undefined,
  };
  const yes = { name: "yes", document: parse([allow("iot:*", "*")]) };
  const no = {
    name: "no",
    document: parse([{ ...deny("iot:Publish", "topic/a"), Sid: "Never" }]),
  };
  assert.deepEqual(evaluate([yes, no], request), {
    decision: "EXPLICIT_DENY",
    policy: "no",
    statement: "Never",
  });
  assert.deepEqual(evaluate([no, yes], request), {
    decision: "EXPLICIT_DENY",
    policy: "no",
    statement: "Never",
  });
  assert.deepEqual(evaluate([yes], request), {
    decision: "ALLOWED",
    policy: "yes",
    statement: "1",
  });
  assert.deepEqual(evaluate([], request), { decision: "IMPLICIT_DENY" });
});
