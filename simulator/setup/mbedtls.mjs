/**
 * Other versions of mbedTLS than the system's, built from Debian's source packages in a folder of their own. The machine's
 * apt configuration is only read: where it gets Debian from, and through what; its lists and sources stay as they are.
 */
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { SetupError, UnavailableError } from "./setup-error.mjs";

/** The release of Debian that holds each version. */
const releases = { 2.28: "bookworm", 3.6: "trixie" };
export const mbedtlsVersions = Object.keys(releases);

/** The version for a second run of the tests: the one that this system does not have. */
export function otherMbedtls() {
  const query = spawnSync(
    "dpkg-query",
    ["-W", "-f", "${Version}", "libmbedtls-dev"],
    { encoding: "utf8" },
  );
  return query.stdout?.startsWith("3.") ? "2.28" : "3.6";
}

/**
 * Puts the sources of a version, with Debian's patches, into `folder`. apt verifies them: the release's signature, by it
 * the list of sources, by that every file. Throws UnavailableError when they cannot be had.
 */
export function fetchMbedtls(version, folder) {
  const apt = `${folder}.apt`;
  rmSync(apt, { recursive: true, force: true });
  for (const part of ["lists/partial", "cache/archives/partial", "source"])
    mkdirSync(join(apt, part), { recursive: true });
  writeFileSync(
    join(apt, "sources.list"),
    `deb-src ${keyring()}${debianMirror()} ${releases[version]} main\n`,
  );
  const own = Object.entries({
    "Dir::Etc::SourceList": join(apt, "sources.list"),
    "Dir::Etc::SourceParts": "/dev/null",
    "Dir::State::Lists": join(apt, "lists"),
    "Dir::Cache": join(apt, "cache"),
    "APT::Update::Error-Mode": "any",
  }).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  aptGet([...own, "update"], apt);
  aptGet([...own, "source", "mbedtls"], join(apt, "source"));
  const [unpacked] = readdirSync(join(apt, "source")).filter((name) =>
    existsSync(join(apt, "source", name, "CMakeLists.txt")),
  );
  if (!unpacked?.startsWith(`mbedtls-${version}.`))
    throw new UnavailableError(
      `Debian ${releases[version]} holds ${unpacked}, no mbedTLS ${version}`,
    );
  rmSync(folder, { recursive: true, force: true });
  renameSync(join(apt, "source", unpacked), folder);
  rmSync(apt, { recursive: true });
}

/**
 * Builds static libraries from `source` into the prefix `out`, for MBEDTLS_DIR.
 *
 * @param options.flags more flags for the compiler
 * @param options.config file of C that changes the library's configuration; it becomes part of the installed headers
 * @param options.compiler instead of the system's `cc`
 */
export function buildMbedtls(source, out, options = {}) {
  const { flags = "", config, compiler } = options;
  const work = `${out}.build`;
  const user = config ? ` -DMBEDTLS_USER_CONFIG_FILE='"${config}"'` : "";
  rmSync(out, { recursive: true, force: true });
  build("cmake", [
    ...["-S", source, "-B", work, "-G", "Ninja"],
    "-DCMAKE_BUILD_TYPE=Release",
    `-DCMAKE_C_FLAGS=${flags}${user}`,
    ...(compiler ? [`-DCMAKE_C_COMPILER=${compiler}`] : []),
    `-DCMAKE_INSTALL_PREFIX=${out}`,
    ...["-DCMAKE_INSTALL_LIBDIR=lib", "-DENABLE_PROGRAMS=OFF"],
    ...["-DENABLE_TESTING=OFF", "-DGEN_FILES=OFF"],
    "-DMBEDTLS_FATAL_WARNINGS=OFF",
  ]);
  build("cmake", ["--build", work, "--target", "install"]);
  if (config) {
    const headers = join(out, "include", "mbedtls");
    // 2.28's name for it is the second.
    const [own] = ["mbedtls_config.h", "config.h"]
      .map((name) => join(headers, name))
      .filter(existsSync);
    appendFileSync(own, readFileSync(config));
  }
  rmSync(work, { recursive: true });
}

/** Where the machine's apt gets Debian from: the address may be a mirror of its own. */
function debianMirror() {
  const listed = spawnSync(
    "apt-get",
    [
      ...["indextargets", "--format", "$(RELEASE) $(REPO_URI)"],
      ...["Created-By: Packages", "Component: main"],
    ],
    { encoding: "utf8" },
  );
  if (listed.status !== 0)
    throw new UnavailableError("this is not a Debian system");
  const names = [...Object.values(releases), "stable", "oldstable"];
  for (const line of listed.stdout.split("\n")) {
    const [release, address] = line.split(" ");
    if (names.includes(release) && address) return address;
  }
  throw new UnavailableError("apt has no source for Debian's main archive");
}

/** Debian's own keys, with which the newer and the older release are signed as well. */
function keyring() {
  const file = ["pgp", "gpg"]
    .map((kind) => `/usr/share/keyrings/debian-archive-keyring.${kind}`)
    .find(existsSync);
  return file ? `[signed-by=${file}] ` : "";
}

function aptGet(args, cwd) {
  const result = spawnSync("apt-get", ["-q", ...args], {
    cwd,
    encoding: "utf8",
  });
  if (result.status === 0) return;
  const words = `${result.stderr ?? ""}`
    .split("\n")
    .find((line) => line.startsWith("E: "));
  throw new UnavailableError(
    `apt-get ${args.at(-1)} failed (${words?.slice(3) ?? result.error?.message})`,
  );
}

function build(command, args) {
  const result = spawnSync(command, args, {
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  if (result.status !== 0)
    throw new SetupError(
      `${result.stdout ?? ""}${result.stderr ?? result.error?.message}\n\n${command} ${args.join(" ")} failed; its output stands above.`,
    );
}
