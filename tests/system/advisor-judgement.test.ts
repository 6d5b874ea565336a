import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  classifyBackoff,
  type BackoffKind,
} from "../../simulator/advisor/backoff.js";
import { classifyRounds } from "../../simulator/advisor/cases/backoff.js";
import { judgeSuites } from "../../simulator/advisor/cases/tls-suites.js";
import { lintPolicy } from "../../simulator/advisor/policy-linter.js";
import { nodePolicy } from "../../simulator/cloud/node-policy.js";

/** What the advisor makes of what it has seen, without a device. */

/** Numbers from 0 to 1 that look random and are the same each time. */
function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

const waits = (next: (attempt: number) => number, count = 10): number[] =>
  Array.from({ length: count }, (_, attempt) => next(attempt));

const bound = (attempt: number): number => Math.min(120, 2 ** attempt);

suite("the waits of a backoff", () => {
  const kinds: [string, (attempt: number) => number, BackoffKind][] = [
    ["the same each time", () => 5, "constant"],
    ["nearly the same", (attempt) => 5 + 0.3 * (attempt % 2), "constant"],
    ["none at all", () => 0.01, "none"],
    ["a second longer each time", (attempt) => 1 + attempt, "linear"],
    ["longer up to a limit", (attempt) => Math.min(6, 2 + attempt), "linear"],
    ["twice as long each time", (attempt) => 2 ** attempt, "exponential"],
    [
      "so much longer each time",
      (attempt) => 2 * 1.5 ** attempt,
      "exponential",
    ],
    ["twice as long up to a limit", bound, "exponential"],
    [
      "as good as twice as long",
      (attempt) => 2 ** attempt * (1 + 0.02 * (attempt % 2)),
      "exponential",
    ],
  ];
  for (const [name, next, kind] of kinds)
    test(`${name}: ${kind}`, () =>
      assert.equal(classifyBackoff(waits(next)).kind, kind));

  test("full jitter and equal jitter that grow are always seen as that", () => {
    const random = pseudoRandom(7);
    for (let run = 0; run < 2000; run++) {
      const full = waits((attempt) => random() * bound(attempt));
      assert.equal(classifyBackoff(full).kind, "exponential with jitter");
      const equal = waits((attempt) => (bound(attempt) * (1 + random())) / 2);
      assert.equal(classifyBackoff(equal).kind, "exponential with jitter");
    }
  });

  test("random waits that do not grow are seen as that in at least nine of ten cases", () => {
    const random = pseudoRandom(11);
    let found = 0;
    for (let run = 0; run < 2000; run++)
      if (
        classifyBackoff(waits(() => random() * 20)).kind ===
        "jitter without growth"
      )
        found++;
    assert.ok(found > 1800, `${found} of 2000`);
  });

  test("a busy machine, where every time may be wrong, hides neither jitter nor its lack", () => {
    const random = [1.5, 1, 2.2, 3.2, 2.4, 5.7, 4.6, 8.4, 6.1, 9.1, 1.3];
    assert.equal(classifyBackoff(random, 7).kind, "exponential with jitter");
    const late = [0, 0, 3, 0, 0, 0, 0.5, 0, 0, 2];
    for (const [kind, wait] of [
      ["constant", () => 5],
      ["linear", (attempt) => 2 * attempt],
      ["exponential", (attempt) => 2 ** attempt],
    ] as [BackoffKind, (attempt: number) => number][]) {
      const waits = late.map((more, index) => wait(index + 1) + more);
      assert.equal(classifyBackoff(waits, 3).kind, kind);
    }
  });

  test("a device that starts anew in the second round is not taken for one with jitter", () => {
    const round = [1, 2, 4, 8, 16];
    assert.equal(classifyRounds([round, round]).kind, "exponential");
    const lines = [1, 2, 3, 4, 5];
    assert.equal(classifyRounds([lines, lines]).kind, "linear");
  });

  test("a device that goes on where it stopped in the second round is seen as what it is", () => {
    const rounds = [
      [1, 2, 4, 8, 16],
      [32, 64, 128, 256, 512, 1024],
    ];
    assert.equal(classifyRounds(rounds).kind, "exponential");
    const random = pseudoRandom(13);
    for (let run = 0; run < 1000; run++) {
      const all = waits((attempt) => random() * bound(attempt), 11);
      assert.equal(
        classifyRounds([all.slice(0, 5), all.slice(5)]).kind,
        "exponential with jitter",
      );
    }
  });
});

suite("the suites of a ClientHello", () => {
  const offers: [string, number[], string][] = [
    ["those that AWS recommends", [0xc02f, 0xc02b], "PASS"],
    ["others of AWS beside", [0x1301, 0xc02f, 0xc030, 0x009c], "PASS"],
    ["signals and GREASE beside", [0x2a2a, 0xc02f, 0x00ff, 0x5600], "PASS"],
    ["no recommended one", [0x1301, 0xc030], "PASS_WITH_WARNINGS"],
    ["one that AWS does not have", [0xc02f, 0xcca8], "PASS_WITH_WARNINGS"],
    ["CCM beside", [0xc02b, 0xc0ac], "PASS_WITH_WARNINGS"],
    ["none of AWS", [0xcca8, 0xc0ac, 0x00ff], "FAIL"],
  ];
  for (const [name, suites, status] of offers)
    test(`${name}: ${status}`, () =>
      assert.equal(judgeSuites(suites).status, status));
});

suite("a device's policy", () => {
  const policy = (statement: object): string =>
    JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  const topic = "arn:aws:iot:local-1:000000000000:topic";
  const thing = "${iot:Connection.Thing.ThingName}";

  test("the one that nodes are provisioned with is tight", () =>
    assert.deepEqual(lintPolicy(nodePolicy()), []));

  const wide: [string, object][] = [
    ["every action", { Action: "iot:*", Resource: `${topic}/a` }],
    ["every resource", { Action: "iot:Publish", Resource: "*" }],
    [
      "other devices' topics",
      { Action: "iot:Publish", Resource: `${topic}/dt/*/${thing}` },
    ],
    ["all but some", { Action: "iot:Publish", NotResource: `${topic}/a` }],
    [
      "one wide topic of two",
      { Action: ["iot:Publish"], Resource: [`${topic}/a`, `${topic}/b/*`] },
    ],
  ];
  for (const [name, statement] of wide)
    test(`${name} is too wide`, () =>
      assert.equal(
        lintPolicy(policy({ Effect: "Allow", ...statement })).length,
        1,
      ));

  test("a wildcard behind the device's own name is fine, and so is what is denied", () => {
    for (const statement of [
      {
        Effect: "Allow",
        Action: "iot:Publish",
        Resource: `${topic}/dt/${thing}/*`,
      },
      { Effect: "Deny", Action: "iot:*", Resource: "*" },
    ])
      assert.deepEqual(lintPolicy(policy(statement)), []);
    const own = policy({
      Effect: "Allow",
      Action: "iot:Publish",
      Resource: `${topic}/dt/node-1/*`,
    });
    assert.deepEqual(lintPolicy(own, "node-1"), []);
    assert.equal(lintPolicy(own).length, 1);
  });
});
