import assert from "node:assert/strict";
import { suite as describe, test } from "node:test";
import { advise } from "../../simulator/advisor/advisor.js";
import { ServerCredentials } from "../../simulator/advisor/endpoint/server-credentials.js";
import { formatEvidence } from "../../simulator/advisor/report.js";
import { suite } from "../../simulator/advisor/suite.js";
import type { Status } from "../../simulator/advisor/verdict.js";
import { AdvisorClient, type Behaviour } from "./advisor-client.js";

/** One authority for all: RSA keys take a while. */
const credentials = new ServerCredentials("localhost");

/** So many seconds after the client has not done it, it will not; AWS gives 300, the retries of these clients take 10. */
const patience = 25;

/** Cases that wait for their whole time for what a client does not do. */
const waits = ["T1", "M1", "M2", "T2", "L8", "M8", "M10", "M13"];

/** The verdicts of cases on a client that is wrong in one way. */
async function verdicts(
  cases: string[],
  faults: Partial<Behaviour> = {},
): Promise<{ status: Status; reason: string; evidence: string }[]> {
  const results = await advise({
    subject: new AdvisorClient(faults),
    cases: suite
      .filter(({ number }) => cases.includes(number))
      .map((one) =>
        waits.includes(one.number)
          ? { ...one, timeout: patience, scale: 5, tolerance: 5 }
          : { ...one, scale: Math.min(15, one.scale) },
      ),
    credentials,
    width: 4,
  });
  return results.map((result) => ({
    status: result.status,
    reason: result.reason,
    evidence: formatEvidence(result),
  }));
}

/** Waits of the tests that are as long in the machine's time that a busy one does not blur them. */
const unit = 3;

const none: Partial<Behaviour> = {};
const W = "PASS_WITH_WARNINGS";

/** Cases, what is wrong with the client, the verdict, and what the reason says. */
const rows: [string[], string, Partial<Behaviour>, Status, RegExp][] = [
  [["T1"], "nothing", none, "PASS", /TLS 1\.2/],
  [["M1", "L1"], "nothing", none, "PASS", /CONNECT as/],
  [["M2", "T2", "L7", "L8"], "nothing", none, "PASS", /PUBACK for/],
  [["M7", "L2"], "nothing", none, "PASS", /PUBLISH to sent\/0/],
  [["M8", "M10", "L3", "L5"], "nothing", none, "PASS", /came again/],
  [["M11", "L10"], "nothing", none, "PASS", /its keep-alive of 60 s/],
  [["M12", "L9"], "nothing", none, "PASS", /did not subscribe again/],
  [["M13"], "nothing", none, "PASS", /as its session was lost/],
  [["L6"], "nothing", none, "PASS", /was back/],
  [
    ["M3", "M5"],
    "its waits are random and grow",
    {
      wait: (n) => unit * [0.4, 0.3, 0.7, 1, 0.8, 1.9, 1.5, 2.8, 2, 3][n % 10],
    },
    "PASS",
    /with jitter/,
  ],
  [
    ["T1", "M1"],
    "it asks for another server name",
    { serverName: "elsewhere.example" },
    "FAIL",
    /server name elsewhere\.example is not the endpoint's/,
  ],
  [
    ["T1"],
    "it offers an ALPN name that port 443 has no client certificates for",
    { alpn: ["mqtt"] },
    W,
    /x-amzn-mqtt-ca/,
  ],
  [
    ["T3"],
    "it offers a suite that AWS does not list",
    { ciphers: "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305" },
    W,
    /does not have: 0xCCA8/,
  ],
  [
    ["T3"],
    "it offers no suite that AWS lists",
    { ciphers: "ECDHE-RSA-CHACHA20-POLY1305" },
    "FAIL",
    /None of its 1 suites/,
  ],
  [
    ["T5", "T6", "T7"],
    "it accepts every server, also the expired one",
    { trusting: true },
    "FAIL",
    /completed the handshake and sent CONNECT/,
  ],
  [
    ["M2", "T2", "L8"],
    "it does not acknowledge",
    { acknowledges: false, keepAlive: 1, noticesSilence: false },
    "FAIL",
    /PUBACK for \d+ bytes .*: not seen/,
  ],
  [
    ["M8"],
    "it publishes again with a new id",
    { retry: "new id" },
    "FAIL",
    /came again as id/,
  ],
  [
    ["M10"],
    "it subscribes again with a new id",
    { retry: "new id" },
    "FAIL",
    /came again as id/,
  ],
  [
    ["M8", "M10"],
    "it sends nothing again",
    { retry: "never" },
    "FAIL",
    /did not come again/,
  ],
  [
    ["L3", "L5"],
    "it sends nothing again",
    { retry: "never" },
    W,
    /did not come again in 15 s/,
  ],
  [
    ["M8", "L3"],
    "it leaves out DUP",
    { retry: "same id without DUP" },
    W,
    /without DUP/,
  ],
  [
    ["M11", "L10"],
    "it never notices a muted broker",
    { noticesSilence: false },
    "FAIL",
    /still holds the connection/,
  ],
  [
    ["M11"],
    "it has no keep-alive",
    { keepAlive: 0 },
    "FAIL",
    /without keep-alive/,
  ],
  [
    ["M11"],
    "its keep-alive is not IoT Core's",
    { keepAlive: 20 },
    W,
    /30 s to 1200 s/,
  ],
  [
    ["M12", "L9"],
    "it subscribes always",
    { subscribes: "always" },
    "FAIL",
    /although its session was kept/,
  ],
  [
    ["M12", "M13"],
    "it does not want its session kept",
    { clean: true },
    "FAIL",
    /Clean Session/,
  ],
  [
    ["M13"],
    "it subscribes only once",
    { subscribes: "once" },
    "FAIL",
    /after its session was lost: not seen/,
  ],
  [
    ["M5", "L12"],
    "its waits are constant",
    { wait: () => unit },
    "FAIL",
    /^Constant/,
  ],
  [
    ["M6"],
    "its waits are linear",
    { wait: (n) => unit * (1 + n) },
    "FAIL",
    /^Linear/,
  ],
  [
    ["M6"],
    "its waits have no jitter",
    { wait: (n) => unit * 1.3 ** n },
    W,
    /^Exponential: .*without jitter/,
  ],
  [
    ["M4"],
    "its waits have no jitter",
    { wait: (n) => unit * 1.3 ** n },
    "PASS",
    /^Exponential:/,
  ],
  [
    ["M6"],
    "its waits are random but do not grow",
    {
      wait: (n) =>
        unit * [1, 0.3, 0.7, 0.9, 0.2, 1.1, 0.5, 0.8, 0.4, 1][n % 10],
    },
    W,
    /^Jitter without growth/,
  ],
  [["M6"], "it does not wait at all", { wait: () => 0 }, "FAIL", /^None/],
];

/** Rows run side by side: nearly all of their time is waiting. */
describe("the advisor judges a client", { concurrency: 6 }, () => {
  for (const [cases, what, faults, status, reason] of rows)
    test(`${cases.join(", ")}: ${what}: ${status}`, async () => {
      for (const verdict of await verdicts(cases, faults)) {
        const words = `${verdict.status}: ${verdict.reason}\n${verdict.evidence}`;
        assert.equal(verdict.status, status, words);
        assert.match(verdict.reason, reason, words);
      }
    });
});
