import type { TestCase } from "../test-case.js";
import { fail, pass, warn, type Verdict } from "../verdict.js";

/** The two suites that AWS recommends to devices. */
const recommended = new Map([
  [0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256"],
  [0xc02f, "ECDHE-RSA-AES128-GCM-SHA256"],
]);

/** The other suites of IoT Core's security policies (Developer Guide, "Transport security"), by their IANA numbers. */
const supported = new Set([
  ...[0x1301, 0x1302, 0x1303],
  ...[0xc023, 0xc027, 0xc009, 0xc013],
  ...[0xc02c, 0xc030, 0xc024, 0xc028, 0xc00a, 0xc014],
  ...[0x009c, 0x003c, 0x002f, 0x009d, 0x003d, 0x0035],
]);

/** Numbers in a ClientHello that stand for no suite: renegotiation (RFC 5746) and fallback (RFC 7507). */
const signals = new Set([0x00ff, 0x5600]);

/** Values that a client sends to keep servers tolerant (RFC 8701). */
const isGrease = (suite: number): boolean =>
  (suite & 0x0f0f) === 0x0a0a && suite >> 8 === (suite & 0xff);

/** Judges the suites that a ClientHello offers. */
export function judgeSuites(offered: readonly number[]): Verdict {
  const suites = offered.filter(
    (suite) => !signals.has(suite) && !isGrease(suite),
  );
  const named = suites
    .map((suite) => recommended.get(suite))
    .filter((name) => name !== undefined);
  const strangers = suites.filter(
    (suite) => !recommended.has(suite) && !supported.has(suite),
  );
  if (strangers.length === suites.length)
    return fail(`None of its ${suites.length} suites is one of IoT Core's.`);
  if (strangers.length > 0)
    return warn(
      `Suites that IoT Core does not have: ${strangers.map((suite) => `0x${suite.toString(16).padStart(4, "0").toUpperCase()}`).join(", ")}.`,
    );
  if (named.length === 0)
    return warn("None of the suites that AWS recommends.");
  return pass(
    `${suites.length} suites, all of IoT Core's; recommended: ${named.join(", ")}.`,
  );
}

export const tlsSuites: TestCase = {
  number: "T3",
  id: "TLS_Support_AWS_IoT_Cipher_Suites",
  group: "TLS",
  title: "offers the suites of IoT Core and no others",
  required: true,
  timeout: 120,
  scale: 1,
  async run(trial) {
    const hello = await trial.expect(
      "a ClientHello",
      () => trial.connections.find((one) => one.hello)?.hello,
    );
    return judgeSuites(hello.cipherSuites);
  },
};
