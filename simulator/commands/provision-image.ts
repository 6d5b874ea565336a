import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  writeSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { parseFlags, usage, type Flags } from "./command-line.js";
import { ExpectedError } from "./expected-error.js";
import { formatFinding, refuseErrors } from "./finding.js";
import { identityEntries } from "./flash-image.js";
import { checkFor, checkIdentity } from "./identity-check.js";
import { identityFlags } from "./provision-check.js";

const { help, ...files } = identityFlags;
const flags = {
  ...files,
  out: {
    type: "string",
    value: "FILE",
    help: "the CSV file to write, identity.csv unless given",
  },
  help,
} as const satisfies Flags;

/** Offset and size of the partition `nvs` in partitions.csv. */
const partition = { offset: "0x9000", size: "0x7000" };

/**
 * `npm run provision -- image`: checks a node's identity and writes it as the CSV file that ESP-IDF's NVS generator turns
 * into an image of a board's flash partition. Everything is in that one file, the private key included; its mode is 0600.
 * Throws ExpectedError, and writes nothing, when the identity would keep the node from connecting.
 */
export function image(argv: string[]): number {
  if (argv.includes("--help")) {
    console.log(
      usage(
        "provision -- image",
        "Writes an identity for a board's NVS partition.",
        flags,
      ).replace("image -- [flags]", "image [flags]"),
    );
    return 0;
  }
  const given = parseFlags(argv, flags);
  const identity = checkIdentity(given);
  const findings = refuseErrors([
    ...identity.findings,
    ...(given.endpoint === undefined
      ? []
      : checkFor(given.endpoint, given, identity)),
  ]);
  for (const finding of findings)
    if (finding.grade === "warning") console.log(formatFinding(finding));
  const out = resolve(given.out ?? "identity.csv");
  writeSecret(out, csvOf(identityEntries(identity)));
  console.log(`${out} holds the private key: delete it once the board is flashed.

python3 -m esp_idf_nvs_partition_gen generate ${out} nvs.bin ${partition.size}
python3 -m esptool write-flash ${partition.offset} nvs.bin`);
  return 0;
}

/** The namespace `identity` as nvs_partition_gen reads it (ESP-IDF, NVS Partition Generator Utility, CSV file format). */
const csvOf = (entries: ReadonlyMap<string, Buffer>): string =>
  [
    "key,type,encoding,value",
    "identity,namespace,,",
    ...[...entries].map(
      ([name, content]) => `${name},data,base64,${content.toString("base64")}`,
    ),
    "",
  ].join("\n");

/** Replaces a file that only its owner may read, in one step. */
function writeSecret(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(`${path}.new`, "w", 0o600);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(`${path}.new`, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ExpectedError(
      `${path} cannot be written (${code ?? String(error)}). Choose another file with --out.`,
    );
  }
}
