/** Fetches the XS engine's sources: one tarball of the npm registry, pinned, unpacked, nothing of it run. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { SetupError } from "./setup-error.mjs";

const engine = {
  name: "@agoric/xsnap",
  version: "0.15.0",
  file: "agoric-xsnap-0.15.0.tgz",
  integrity:
    "sha512-ZBm4DZxbtfacxMHVVdJjZi0Y8zOxN77vpu1WwI5RWfPkaRh0aHkz/dVdTGKXalDNzWfz183lljKxlxl3/h0n+A==",
};

/** Puts the engine into `folder`/package. Throws SetupError when it cannot be had or is not what was pinned. */
export function fetchEngine(folder) {
  mkdirSync(folder, { recursive: true });
  const specifier = `${engine.name}@${engine.version}`;
  tool("npm", [
    "pack",
    specifier,
    "--ignore-scripts",
    "--silent",
    "--pack-destination",
    folder,
  ]);
  const tarball = join(folder, engine.file);
  const actual = `sha512-${createHash("sha512").update(readFileSync(tarball)).digest("base64")}`;
  if (actual !== engine.integrity) {
    rmSync(tarball);
    throw new SetupError(
      `\n${specifier} from the npm registry is not the file that was pinned (its SHA-512 differs). Nothing of it was used.`,
    );
  }
  const unpacking = join(folder, "unpacking");
  rmSync(unpacking, { recursive: true, force: true });
  mkdirSync(unpacking);
  tool("tar", [
    "-xzf",
    tarball,
    "-C",
    unpacking,
    "package/moddable",
    "package/LICENSE",
  ]);
  rmSync(join(folder, "package"), { recursive: true, force: true });
  renameSync(join(unpacking, "package"), join(folder, "package"));
  rmSync(unpacking, { recursive: true });
}

function tool(command, args) {
  const result = spawnSync(command, args, { encoding: "utf8" });
  if (result.status !== 0)
    throw new SetupError(
      `\n${result.stderr ?? result.error?.message}\n${command} ${args.join(" ")} failed. Is the npm registry reachable?`,
    );
}
