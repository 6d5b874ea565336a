import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = new URL("../../../../", import.meta.url);
const readme = readFileSync(new URL("certs/README.md", root), "utf8");

for (const number of [1, 3])
  test(`certs/amazon-root-ca-${number}.pem is what certs/README.md says`, () => {
    const file = `amazon-root-ca-${number}.pem`;
    const certificate = new X509Certificate(
      readFileSync(new URL(`certs/${file}`, root)),
    );
    const row = readme.split("\n").find((line) => line.includes(`\`${file}\``));
    const day = (text: string) => new Date(text).toISOString().slice(0, 10);
    for (const fact of [
      certificate.subject.split("\n").join(", "),
      `${day(certificate.validFrom)} to ${day(certificate.validTo)}`,
      certificate.fingerprint256,
    ])
      assert.ok(row?.includes(fact), fact);
    assert.equal(certificate.verify(certificate.publicKey), true);
  });

test("no private key and no device certificate is in the repository", () => {
  const git = (...args: string[]) =>
    execFileSync("git", args, { cwd: fileURLToPath(root), encoding: "utf8" });
  const ignored = git(
    "check-ignore",
    "state/cloud/data.mdb",
    "device.key.pem",
    "state/things/a/device.cert.pem",
    "root-ca.pem",
  );
  assert.equal(ignored.trim().split("\n").length, 4);
  const begin = "^-----BEGIN (RSA |EC |ENCRYPTED )?PRIVATE KEY-----$";
  // git grep ends with 1 when nothing matches.
  const { status, stdout } = spawnSync("git", ["grep", "-lE", "-e", begin], {
    cwd: fileURLToPath(root),
    encoding: "utf8",
  });
  assert.deepEqual({ status, stdout }, { status: 1, stdout: "" });
});
