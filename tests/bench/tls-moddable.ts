import { execFile, execFileSync, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { ExpectedError } from "../../simulator/commands/expected-error.js";
import { root } from "../../simulator/commands/project.js";
import type { Kind } from "../interop/pki.js";
import { countInstructions } from "./callgrind.js";
import { handshake, TlsBed, type Build, type Work } from "./tls-bed.js";

/** With its first call our connections begin to close. */
const closing = "mbedtls_ssl_close_notify";
/** Bytes of one of XS's slots on a desktop of 64 bits. */
const slotSize = 32;
/** Both sides' best: left alone, Moddable's offer begins with RSA key exchange, which keeps nothing secret later. */
const ciphers = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256";
/** Moddable's TLS signs with RSA keys only, and does not survive being asked for a certificate that it has not. */
const pairs: [name: string, chain: Kind, own: Kind, mutual: boolean][] = [
  ["RSA chain, RSA key", "RSA-2048", "RSA-2048", true],
  ["EC chain, RSA key", "P-256", "RSA-2048", true],
  ["RSA chain, no certificate", "RSA-2048", "P-256", false],
  ["EC chain, no certificate", "P-256", "P-256", false],
];

const sources = join(root, "tests", "bench", "moddable");
const out = join(root, "build", "moddable");
const library = join(out, "bin/lin/mc/release/moddable/mc.so");
const host = join(out, "host");

/**
 * With MODDABLE set, prints what a connection costs with the SDK's TLS in JavaScript (examples/io/tcp/tlssocket) beside
 * ours, against the same server: instructions, and XS's heap once the connection is secured.
 */
export async function measureModdableTls(build: Build): Promise<void> {
  const sdk = process.env.MODDABLE;
  if (sdk === undefined) {
    console.log(
      "\nMODDABLE is not set, so the SDK's TLS in JavaScript is not measured beside ours.",
    );
    return;
  }
  buildProgram(sdk);
  console.log(
    `\nTLS 1.2 handshake beside the Moddable SDK's TLS in JavaScript: instructions from TCP's connect to the end and the close,\n` +
      `in millions, collection of garbage included; ours on ${build.title}, the SDK's on its own XS, built by mcconfig.\n` +
      `XS: bytes of JavaScript's heap that the open connection holds after a collection (64 bit); ours holds its session beside\n` +
      `it, in C. The SDK's TLS refuses EC keys of a device: there neither side has a certificate.`,
  );
  console.log(row("", "Moddable", "ours", "ratio", "XS, Moddable", "XS, ours"));
  for (const [name, chain, own, mutual] of pairs) {
    const bed = await TlsBed.open(chain, own, "TLSv1.2", {
      ciphers,
      requestCert: mutual,
    });
    const command = ({ rounds }: Work) => commandOf(bed, mutual, rounds);
    const theirs = await perConnection(command);
    const ours = await perConnection((work) => bed.node(build, work));
    const { slots, chunks } = await bed.memory(build);
    const held = await heldBy(command(handshake(2)));
    await bed.close();
    console.log(
      row(
        name,
        (theirs / 1e6).toFixed(2),
        (ours / 1e6).toFixed(2),
        (theirs / ours).toFixed(1),
        held,
        slots * slotSize + chunks,
      ),
    );
  }
}

/**
 * Instructions of one connection in a series of them: the difference of two runs, so that start and certificates' loading
 * cancel out. Ours close together at the end, which is left out; theirs cannot be told apart.
 */
async function perConnection(
  command: (work: Work) => string[],
): Promise<number> {
  const total = async (rounds: number): Promise<number> =>
    (await countInstructions(command(handshake(rounds)), closing)).total;
  return ((await total(6)) - (await total(1))) / 5;
}

/** The command line of Moddable's client. */
function commandOf(bed: TlsBed, mutual: boolean, rounds: number): string[] {
  const { port, folder } = bed.address;
  const own = mutual
    ? [
        `BENCH_CERTIFICATE=${join(folder, "cert.der")}`,
        `BENCH_KEY=${join(folder, "key.der")}`,
      ]
    : [];
  return [
    ...[host, library, `BENCH_PORT=${port}`, `BENCH_ROUNDS=${rounds}`],
    ...[`BENCH_TRUST=${join(folder, "trust.der")}`, ...own],
  ];
}

/** Bytes of XS's heap that the last connection held. */
async function heldBy([program, ...args]: string[]): Promise<number> {
  const { stdout } = await promisify(execFile)(program, args);
  const { held, error } = JSON.parse(stdout) as {
    held?: number;
    error?: string;
  };
  if (held === undefined)
    throw new ExpectedError(`Moddable's TLS: ${error ?? stdout}`);
  return held;
}

/** Builds the program with the SDK's own tools, and a host for it that needs no window. */
function buildProgram(sdk: string): void {
  mkdirSync(out, { recursive: true });
  const tools = [
    join(root, "node_modules", ".bin"),
    process.env.PATH,
    join(sdk, "build", "bin", "lin", "release"),
  ];
  const made = spawnSync(
    "mcconfig",
    ["-m", "-p", "lin", "-t", "build"].concat("-o", out),
    {
      cwd: sources,
      encoding: "utf8",
      env: { ...process.env, PATH: tools.join(delimiter) },
    },
  );
  if (made.status !== 0)
    throw new ExpectedError(
      `${made.stdout}${made.stderr}\nmcconfig failed; its output stands above. MODDABLE must be the folder of an SDK whose tools are built.`,
    );
  const flags = (what: string): string[] =>
    execFileSync("pkg-config", [what, "glib-2.0"], { encoding: "utf8" })
      .trim()
      .split(/\s+/);
  execFileSync("cc", [
    ...["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror"],
    ...["-D_GNU_SOURCE", "-DmxLinux=1"],
    ...[...flags("--cflags"), `-I${join(sdk, "build/simulators/modules")}`],
    ...[join(sources, "host.c"), "-o", host, "-rdynamic"],
    ...[...flags("--libs"), "-ldl"],
  ]);
}

function row(name: string, ...cells: (string | number)[]): string {
  return (
    name.padEnd(28) + cells.map((cell) => String(cell).padStart(13)).join("")
  );
}
