import { parseFlags, usage, type Flags } from "./command-line.js";
import { formatFinding } from "./finding.js";
import { checkFor, checkIdentity } from "./identity-check.js";

/** The flags that name the files of an identity. */
export const identityFlags = {
  cert: {
    type: "string",
    value: "FILE",
    required: true,
    help: "the node's certificate and its intermediates, PEM or DER",
  },
  key: {
    type: "string",
    value: "FILE",
    required: true,
    help: "its private key, PEM or DER",
  },
  trust: {
    type: "string",
    value: "FILE",
    help: "roots to trust; not needed below amazonaws.com",
  },
  endpoint: {
    type: "string",
    value: "HOST[:PORT]",
    help: "where the node is to connect: are these its roots?",
  },
  help: { type: "boolean", help: "prints this" },
} as const satisfies Flags;

/**
 * `npm run provision -- check`: looks at a node's identity before it is flashed, and prints a line for each thing found:
 * what it is, and what to do. Returns 1 when anything would keep the node from connecting.
 */
export function check(argv: string[]): number {
  if (argv.includes("--help")) {
    console.log(
      usage(
        "provision -- check",
        "Checks an identity before it is flashed.",
        identityFlags,
      ).replace("check -- [flags]", "check [flags]"),
    );
    return 0;
  }
  const given = parseFlags(argv, identityFlags);
  const identity = checkIdentity(given);
  const findings = [
    ...identity.findings,
    ...(given.endpoint === undefined
      ? []
      : checkFor(given.endpoint, given, identity)),
  ];
  for (const finding of findings) console.log(formatFinding(finding));
  return findings.some(({ grade }) => grade === "error") ? 1 : 0;
}
