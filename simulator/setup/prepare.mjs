/**
 * What a fresh machine needs before a command can run, step by step. Each step is skipped when nothing that it depends
 * on has changed since it last succeeded, so that a second start costs a few milliseconds of looking at file dates.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { installDebianPackages } from "./debian-packages.mjs";
import { withLock } from "./lock.mjs";
import { buildMbedtls, fetchMbedtls, mbedtlsVersions } from "./mbedtls.mjs";
import { SetupError, UnavailableError } from "./setup-error.mjs";
import { fetchEngine } from "./xs-engine.mjs";

export const root = fileURLToPath(new URL("../../", import.meta.url));
const build = join(root, "build");

const compilerPackages = [
  "gcc",
  "libc6-dev",
  "cmake",
  "ninja-build",
  "libmbedtls-dev",
];
const peerPackages = ["mosquitto", "mosquitto-clients", "openssl", "valgrind"];

/** Folder that holds `xs/sources` of the engine: XS_DIR, or the one from npm. */
export const engineDir = () =>
  process.env.XS_DIR ?? join(build, "xs", "package", "moddable");

/** dpkg-dev unpacks a source package and applies Debian's patches. */
const sourcePackages = ["dpkg-dev"];
const multilibPackages = ["gcc-multilib"];
/** libFuzzer and the sanitizers are libraries of clang's; llvm tells where in the sources a finding is. */
const fuzzerPackages = ["clang", "libclang-rt-dev", "llvm"];
/** mbedTLS compares names of no bytes, at address 0: undefined for C, harmless for everybody. */
const fuzzerFlags = [
  "-g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all",
  "-fno-sanitize=nonnull-attribute",
  `-fsanitize-ignorelist=${join(root, "tests", "fuzz", "arithmetic.txt")}`,
  `-fsanitize-coverage-ignorelist=${join(root, "tests", "fuzz", "arithmetic.txt")}`,
].join(" ");
/** What the mbedTLS that is built for the second run of the tests has of a board's. */
const secondConfiguration = "simulator/setup/mbedtls-second.h";
/** Words of 32 bits, as a board has them, and JavaScript's numbers in registers of 64 bits: x87's have 80. */
const boardFlags = "-m32 -msse2 -mfpmath=sse";

const steps = {
  packages: {
    title: "Installing npm packages",
    inputs: () => ["package-lock.json"],
    outputs: () => ["node_modules"],
    run: () =>
      run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]),
  },
  tools: {
    title: "Compiling the simulator's tools",
    inputs: () => [
      "package-lock.json",
      "simulator/tsconfig.json",
      ...sources(["simulator", "certs", "tests"], /\.ts$/),
    ],
    outputs: () => ["build/node"],
    run: () => run(process.execPath, [tsc, "-p", "simulator/tsconfig.json"]),
  },
  compiler: {
    title: "Installing Debian packages",
    inputs: () => ["simulator/setup/prepare.mjs"],
    run: () => installDebianPackages(compilerPackages),
  },
  engine: {
    title: "Fetching the XS engine",
    inputs: () => ["simulator/setup/xs-engine.mjs"],
    outputs: () => ["build/xs/package"],
    run: () =>
      process.env.XS_DIR ? undefined : fetchEngine(join(build, "xs")),
  },
  firmware: {
    title: "Compiling the firmware",
    inputs: () => [
      "package-lock.json",
      "tsconfig.json",
      "main.ts",
      ...sources(
        ["modules", "simulator/device/modules", "tests/unit"],
        /\.ts$/,
      ),
    ],
    outputs: () => ["build/device/js"],
    run: () => run(process.execPath, [tsc, "-p", "tsconfig.json"]),
  },
  device: {
    title: "Building the device",
    after: ["compiler", "engine", "firmware"],
    inputs: deviceInputs,
    outputs: () => ["build/device/release/fieldnode"],
    run: () => buildDevice("release", "MinSizeRel"),
  },
  "device-debug": {
    title: "Building the device for debugging",
    after: ["compiler", "engine", "firmware"],
    inputs: deviceInputs,
    outputs: () => ["build/device/debug/fieldnode"],
    run: () => buildDevice("debug", "Debug"),
  },
  peers: {
    title: "Installing the test peers",
    inputs: () => ["simulator/setup/prepare.mjs"],
    run: () => installDebianPackages(peerPackages),
  },
  ...Object.assign({}, ...mbedtlsVersions.map(mbedtlsSteps)),
  "mbedtls-board": {
    title: "Building mbedTLS 3.6 as on a board",
    after: ["mbedtls-3.6-source"],
    inputs: () => [
      "simulator/setup/mbedtls.mjs",
      "tests/bench/mbedtls-board.h",
    ],
    outputs: () => ["build/mbedtls/board"],
    run: () => {
      installDebianPackages(multilibPackages);
      buildMbedtls(
        join(build, "mbedtls", "3.6.source"),
        join(build, "mbedtls", "board"),
        {
          flags: boardFlags,
          config: join(root, "tests", "bench", "mbedtls-board.h"),
        },
      );
    },
  },
  "mbedtls-fuzz": {
    title: "Building mbedTLS 3.6 for fuzzing",
    after: ["mbedtls-3.6-source"],
    inputs: () => [
      "simulator/setup/mbedtls.mjs",
      "tests/fuzz/arithmetic.txt",
      "tests/fuzz/mbedtls-fuzz.h",
    ],
    outputs: () => ["build/mbedtls/fuzz"],
    run: () => {
      installDebianPackages(fuzzerPackages);
      buildMbedtls(
        join(build, "mbedtls", "3.6.source"),
        join(build, "mbedtls", "fuzz"),
        {
          compiler: "clang",
          flags: fuzzerFlags,
          config: join(root, "tests", "fuzz", "mbedtls-fuzz.h"),
        },
      );
    },
  },
  fuzz: {
    title: "Building the fuzz targets",
    after: ["mbedtls-fuzz"],
    inputs: () => [
      ...sources(["modules", "tests/fuzz"], /\.(c|h|txt)$/),
      "build/mbedtls/fuzz/lib/libmbedtls.a",
    ],
    outputs: () =>
      ["tls", "identity", "flash"].map((target) => `build/fuzz/${target}`),
    run: () => {
      const out = join(build, "fuzz");
      run("cmake", [
        ...["-S", join(root, "tests", "fuzz"), "-B", out, "-G", "Ninja"],
        "-DCMAKE_C_COMPILER=clang",
        `-DMBEDTLS_DIR=${join(build, "mbedtls", "fuzz")}`,
      ]);
      run("cmake", ["--build", out]);
    },
  },
  "device-board": {
    title: "Building the device with a board's words and mbedTLS",
    after: ["mbedtls-board", "engine", "firmware"],
    inputs: () => [...deviceInputs(), "build/mbedtls/board/lib/libmbedtls.a"],
    outputs: () => ["build/device/board/fieldnode"],
    run: () =>
      buildDevice(
        "board",
        "MinSizeRel",
        join(build, "mbedtls", "board"),
        boardFlags,
      ),
  },
};

/** The steps to a device whose TLS library is another mbedTLS than the system's. */
function mbedtlsSteps(version) {
  const source = `build/mbedtls/${version}.source`;
  const prefix = `build/mbedtls/${version}`;
  const device = `mbedtls-${version}`;
  return {
    [`mbedtls-${version}-source`]: {
      title: `Fetching mbedTLS ${version}`,
      after: ["compiler"],
      inputs: () => ["simulator/setup/mbedtls.mjs"],
      outputs: () => [source],
      run: () => {
        installDebianPackages(sourcePackages);
        fetchMbedtls(version, join(root, source));
      },
    },
    [`mbedtls-${version}`]: {
      title: `Building mbedTLS ${version}`,
      after: [`mbedtls-${version}-source`],
      inputs: () => ["simulator/setup/mbedtls.mjs", secondConfiguration],
      outputs: () => [prefix],
      run: () =>
        buildMbedtls(join(root, source), join(root, prefix), {
          config: join(root, secondConfiguration),
        }),
    },
    [`device-mbedtls-${version}`]: {
      title: `Building the device on mbedTLS ${version}`,
      after: [`mbedtls-${version}`, "engine", "firmware"],
      inputs: () => [...deviceInputs(), `${prefix}/lib/libmbedtls.a`],
      outputs: () => [`build/device/${device}/fieldnode`],
      run: () => buildDevice(device, "MinSizeRel", join(root, prefix)),
    },
  };
}

const tsc = join(root, "node_modules", "typescript", "bin", "tsc");

function deviceInputs() {
  return [
    "tsconfig.json",
    "main.ts",
    ...sources(
      ["modules", "simulator/device", "tests/bench", "tests/unit"],
      /\.(ts|c|h|mjs|txt)$|\.cmake$/,
    ),
  ];
}

function buildDevice(
  folder,
  type,
  mbedtls = process.env.MBEDTLS_DIR,
  flags = "",
) {
  const out = join(build, "device", folder);
  run("cmake", [
    ...["-S", join(root, "simulator", "device"), "-B", out, "-G", "Ninja"],
    `-DCMAKE_BUILD_TYPE=${type}`,
    `-DXS_DIR=${engineDir()}`,
    ...(flags ? [`-DCMAKE_C_FLAGS=${flags}`] : []),
    ...(mbedtls ? [`-DMBEDTLS_DIR=${mbedtls}`] : []),
  ]);
  run("cmake", ["--build", out]);
}

/**
 * Brings the machine to where the named steps have been done. Throws SetupError with a remedy when it cannot.
 *
 * Returns which of them were left out because this machine cannot have what they need, and why: a line was printed.
 */
export async function prepare(needs) {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    throw new SetupError(
      `Fieldnode needs Node.js 20.19 or newer; this is ${process.versions.node}. Install a newer one and try again.`,
    );
  const done = new Map();
  await withLock(join(build, "setup.lock"), async () => {
    for (const need of needs)
      await reach(typeof need === "function" ? need() : need, done);
  });
  return new Map([...done].filter(([, reason]) => reason !== undefined));
}

/** Does the step and those before it, if that is needed; returns why it was left out, undefined when it was not. */
async function reach(name, done) {
  if (done.has(name)) return done.get(name);
  done.set(name, undefined);
  const step = steps[name];
  for (const earlier of step.after ?? []) {
    const reason = await reach(earlier, done);
    if (reason === undefined) continue;
    done.set(name, reason);
    return reason;
  }
  const stamp = join(build, "stamps", name);
  const fingerprint = fingerprintOf(step);
  if (read(stamp) === fingerprint && (step.outputs?.() ?? []).every(exists))
    return undefined;
  const started = Date.now();
  process.stderr.write(`${step.title} ... `);
  try {
    await step.run();
  } catch (error) {
    if (error instanceof UnavailableError) {
      process.stderr.write(`left out: ${error.message}\n`);
      done.set(name, error.message);
      return error.message;
    }
    process.stderr.write("failed\n");
    throw error;
  }
  process.stderr.write(`${((Date.now() - started) / 1000).toFixed(1)} s\n`);
  mkdirSync(join(build, "stamps"), { recursive: true });
  writeFileSync(stamp, fingerprint);
  return undefined;
}

/** Names, sizes and dates of a step's inputs, and what of the environment selects another build. */
function fingerprintOf(step) {
  const hash = createHash("sha256");
  for (const file of step.inputs()) {
    const status = statSync(join(root, file), { throwIfNoEntry: false });
    hash.update(`${file} ${status?.size} ${status?.mtimeMs}\n`);
  }
  hash.update(
    `${process.env.XS_DIR ?? ""} ${process.env.MBEDTLS_DIR ?? ""} ${process.version}`,
  );
  return hash.digest("hex");
}

function sources(folders, pattern) {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && pattern.test(entry.name))
      .map((entry) =>
        relative(root, join(entry.parentPath ?? entry.path, entry.name)),
      )
      .sort(),
  );
}

const exists = (path) =>
  statSync(join(root, path), { throwIfNoEntry: false }) !== undefined;

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** Runs a tool quietly; when it fails, shows what it printed and stops. */
function run(command, args) {
  const result = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 << 20,
  });
  if (result.error?.code === "ENOENT")
    throw new SetupError(
      `The program ${command} is not installed, or not on the PATH.`,
    );
  if (result.status !== 0) {
    const output = `${result.stdout ?? ""}${result.stderr ?? ""}`.trim();
    throw new SetupError(
      `${output}\n\n${command} ${args.join(" ")} failed; its output stands above.`,
    );
  }
}
