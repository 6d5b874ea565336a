import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { failures } from "../../modules/system/failures.js";
import { root as project } from "../../simulator/commands/project.js";
import { NodeServer, proxy } from "./node-server.js";
import { authority, server, type Credential } from "./pki.js";
import { runSubject } from "./subject.js";

let root: Credential;
before(async () => {
  root = await authority({ name: "root" });
});

/** Alerts with a meaning of their own for a node, by their number (RFC 8446, 6; RFC 5246, 7.2). */
const meanings: Record<number, string> = {
  10: "tls.not-understood",
  20: "tls.tampered",
  21: "tls.tampered",
  22: "tls.not-understood",
  30: "tls.not-understood",
  40: "tls.no-common-suite",
  41: "tls.certificate-missing",
  42: "tls.certificate-refused",
  43: "tls.certificate-unsupported",
  44: "tls.certificate-revoked",
  45: "tls.certificate-expired",
  46: "tls.certificate-refused",
  47: "tls.not-understood",
  48: "tls.certificate-unknown-issuer",
  49: "tls.access-denied",
  50: "tls.not-understood",
  51: "tls.tampered",
  60: "tls.no-common-suite",
  70: "tls.no-common-version",
  71: "tls.no-common-suite",
  80: "tls.server-failed",
  86: "tls.no-common-version",
  90: "tls.server-failed",
  100: "tls.not-understood",
  109: "tls.not-understood",
  110: "tls.not-understood",
  111: "tls.certificate-refused",
  112: "tls.unknown-name",
  113: "tls.not-understood",
  114: "tls.certificate-refused",
  115: "tls.refused",
  116: "tls.certificate-missing",
  120: "tls.alpn-refused",
};

test("every alert that a server can send has words, in an answer to the first message", async () => {
  const peer = await NodeServer.start(await server(root));
  const wire = await proxy(peer.port, (_, offset, connection) =>
    offset > 0
      ? []
      : [Buffer.from([0x15, 3, 3, 0, 2, 2, connection & 255]), Buffer.of()],
  );
  const outcome = await runSubject(
    { trust: [root] },
    { port: wire.port, rounds: 256 },
  );
  await wire.stop();
  await peer.stop();
  assert.equal(outcome.exitCode, 0, outcome.stderr);
  const told = outcome.events.filter(({ event }) => event === "failure");
  assert.equal(told.length, 256);
  for (const { round, code, detail } of told) {
    const number = round! & 255;
    assert.equal(code, meanings[number] ?? "tls.alert", detail);
    assert.match(detail!, new RegExp(`^alert ${number}( [a-z_]+)?$`));
  }
});

test("every failure that TLS reports stands in the table, and nothing stands there in vain", () => {
  const sources = ["identity", "secure-socket"].flatMap((room) =>
    readdirSync(join(project, "modules", room))
      .filter((name) => /\.(c|ts)$/.test(name))
      .map((name) =>
        readFileSync(join(project, "modules", room, name), "utf8"),
      ),
  );
  const reported = new Set(
    sources.flatMap((text) =>
      [...text.matchAll(/"(tls\.[a-z-]+)"/g)].map((found) => found[1]),
    ),
  );
  const listed = Object.keys(failures).filter((code) =>
    code.startsWith("tls."),
  );
  assert.deepEqual([...reported].sort(), listed.sort());
  const words = listed.map((code) => failures[code as keyof typeof failures]);
  for (const of of ["meaning", "fix"] as const)
    assert.ok(words.every((row) => row[of].length > 10));
  assert.equal(new Set(words.map(({ meaning }) => meaning)).size, words.length);
});
