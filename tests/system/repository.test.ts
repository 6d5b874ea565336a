import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../simulator/commands/project.js";

/** Files that Git tracks, or would track: all but the ignored ones. */
const files = execFileSync(
  "git",
  ["ls-files", "--cached", "--others", "--exclude-standard", "-z"],
  { cwd: root, encoding: "utf8" },
)
  .split("\0")
  .filter((file) => file !== "" && existsSync(join(root, file)));

const read = (file: string): string => readFileSync(join(root, file), "latin1");

test("no private key is in the repository", () => {
  // Put together here, so that this file is not found itself.
  const mark = new RegExp(
    ["-----BEGIN [A-Z ]*PRIVATE", "KEY-----\\s+[A-Za-z0-9+/]{40}"].join(" "),
  );
  const found = files.filter((file) => mark.test(read(file)));
  assert.deepEqual(found, []);
});

test("what provisioning writes is ignored by Git", () => {
  for (const file of [
    "device.key.pem",
    "a/device.cert.pem",
    "root-ca.pem",
    "state/cloud/data.mdb",
  ])
    assert.equal(
      execFileSync("git", ["check-ignore", "--no-index", file], {
        cwd: root,
        encoding: "utf8",
      }).trim(),
      file,
    );
});

test("the lock file pins every package and names no registry", () => {
  const lock = JSON.parse(read("package-lock.json")) as {
    packages: Record<
      string,
      { version?: string; integrity?: string; resolved?: string }
    >;
  };
  for (const [name, { version, integrity, resolved }] of Object.entries(
    lock.packages,
  )) {
    if (name === "") continue;
    assert.ok(version, name);
    assert.ok(integrity, name);
    assert.equal(resolved, undefined, name);
  }
});

test("every version in package.json is exact", () => {
  const { dependencies, devDependencies } = JSON.parse(
    read("package.json"),
  ) as Record<string, Record<string, string>>;
  for (const [name, version] of Object.entries({
    ...dependencies,
    ...devDependencies,
  }))
    assert.match(version, /^\d+\.\d+\.\d+$/, name);
});
