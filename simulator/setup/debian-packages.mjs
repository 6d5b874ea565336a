/** Installs what is missing of a list of Debian packages, as root or by sudo; says how when it may not. */
import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { SetupError } from "./setup-error.mjs";

/** Installs those of `packages` that are not there yet. Throws SetupError with the exact command when it cannot. */
export function installDebianPackages(packages) {
  if (spawnSync("dpkg-query", ["--version"]).status !== 0)
    return console.error(
      `\nThis is not a Debian system. If the next step fails, install what these Debian packages hold: ${packages.join(" ")}`,
    );
  const missing = packages.filter((name) => !installed(name));
  if (missing.length === 0) return;
  const command = `apt-get update && apt-get install -y --no-install-recommends ${missing.join(" ")}`;
  const sudo = process.getuid?.() === 0 ? [] : sudoPrefix();
  if (!sudo)
    throw new SetupError(
      `\nThese Debian packages are needed: ${missing.join(" ")}\nInstall them as root, then try again:\n  ${command}`,
    );
  process.stderr.write(`${missing.join(" ")} ... `);
  withoutStartingServices(sudo, () => {
    for (const args of [
      ["update"],
      ["install", "-y", "--no-install-recommends", ...missing],
    ]) {
      const result = spawnSync(
        ...commandLine(sudo, ["apt-get", "-q", ...args]),
        {
          env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
          stdio: [sudo.length > 0 ? "inherit" : "ignore", "pipe", "pipe"],
          encoding: "utf8",
        },
      );
      if (result.status !== 0)
        throw new SetupError(
          `${result.stdout}${result.stderr}\nInstalling failed. The command was:\n  ${command}`,
        );
    }
  });
}

function installed(name) {
  const query = spawnSync(
    "dpkg-query",
    ["-W", "-f", "${db:Status-Status}", name],
    { encoding: "utf8" },
  );
  return query.status === 0 && query.stdout.startsWith("installed");
}

/** `["sudo"]` when sudo can be used: without a password, or with one that somebody at a terminal can type. */
function sudoPrefix() {
  if (spawnSync("sudo", ["-n", "true"]).status === 0) return ["sudo"];
  return process.stdin.isTTY && spawnSync("sudo", ["--version"]).status === 0
    ? ["sudo"]
    : undefined;
}

const commandLine = (prefix, command) => {
  const [program, ...args] = [...prefix, ...command];
  return [program, args];
};

/**
 * Debian starts a service as soon as its package is installed. The tests start their own mosquitto and want no broker
 * left running on the machine, so for the time of the installation Debian's own switch (policy-rc.d, invoke-rc.d(8))
 * says no. Only root without sudo does this; a policy that is there already is left alone.
 */
function withoutStartingServices(sudo, install) {
  const policy = "/usr/sbin/policy-rc.d";
  const ours = sudo.length === 0 && !existsSync(policy);
  if (ours) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    install();
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
}
