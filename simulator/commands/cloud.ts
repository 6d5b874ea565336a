import { resolve } from "node:path";
import { defaultChoices } from "../cloud/choices.js";
import { Cloud } from "../cloud/cloud.js";
import { formatEvent } from "../cloud/event-log.js";
import { StateError } from "../cloud/store-check.js";
import {
  defaultSecurityPolicy,
  securityPolicies,
  type SecurityPolicyName,
} from "../cloud/tls/security-policy.js";
import { parseFlags, UsageError, usage, type Flags } from "./command-line.js";
import { ExpectedError } from "./expected-error.js";

const flags = {
  port: {
    type: "number",
    value: "PORT",
    help: "MQTT port, 8883 unless told otherwise; 0 takes any that is free",
  },
  "https-port": {
    type: "number",
    value: "PORT",
    help: "port of the HTTPS data plane, 8443 unless told otherwise; 0 takes any that is free",
  },
  "alpn-port": {
    type: "number",
    value: "PORT",
    help: "stand-in for port 443, where MQTT needs ALPN x-amzn-mqtt-ca and HTTPS x-amzn-http-ca; none unless given",
  },
  "api-port": {
    type: "number",
    value: "PORT",
    help: "port of AWS IoT's API (plain HTTP, always on 127.0.0.1), 9443 unless told otherwise; 0 takes any that is free",
  },
  state: {
    type: "string",
    value: "DIR",
    help: "folder of the cloud's state, state/cloud unless told otherwise",
  },
  address: {
    type: "string",
    value: "ADDRESS",
    help: "address to listen on, 127.0.0.1 unless told otherwise",
  },
  "security-policy": {
    type: "string",
    value: "NAME",
    help: `TLS versions and suites, by AWS's name; ${defaultSecurityPolicy} unless told otherwise`,
  },
  "refuse-certificate-at": {
    type: "string",
    value: "WHEN",
    help: "when a certificate that is unknown, expired or not ACTIVE is refused: connect (as AWS does today), handshake-end, or handshake (alert 46, TLS 1.2 only)",
  },
  help: { type: "boolean", help: "prints this" },
} as const satisfies Flags;

/** Folder of the cloud's state when `--state` is not given. */
export const defaultStateDir = "state/cloud";

/**
 * `npm run cloud`: the local cloud alone. Prints where it is and where its root certificate is, then everything that
 * happens, until it is interrupted.
 */
export async function main(argv: string[]): Promise<number> {
  const given = parseFlags(argv, flags);
  if (given.help) {
    console.log(usage("cloud", "A local AWS IoT Core.", flags));
    return 0;
  }
  for (const name of ["port", "https-port", "alpn-port", "api-port"] as const)
    if ((given[name] ?? 0) > 65_535)
      throw new UsageError(`--${name} is at most 65535.`);
  const securityPolicy = oneOf(
    "security-policy",
    Object.keys(securityPolicies) as SecurityPolicyName[],
    given["security-policy"] ?? defaultSecurityPolicy,
  );
  const refuseCertificateAt = oneOf(
    "refuse-certificate-at",
    ["connect", "handshake-end", "handshake"],
    given["refuse-certificate-at"] ?? defaultChoices.refuseCertificateAt,
  );
  if (
    refuseCertificateAt === "handshake" &&
    securityPolicies[securityPolicy].minVersion === "TLSv1.3"
  )
    throw new UsageError(
      `--refuse-certificate-at handshake needs TLS 1.2, which ${securityPolicy} does not allow.`,
    );
  const address = given.address ?? "127.0.0.1";
  const cloud = new Cloud({
    stateDir: resolve(given.state ?? defaultStateDir),
    address,
    port: given.port ?? 8883,
    httpsPort: given["https-port"] ?? 8443,
    apiPort: given["api-port"] ?? 9443,
    ...(given["alpn-port"] !== undefined && { alpnPort: given["alpn-port"] }),
    securityPolicy,
    choices: { refuseCertificateAt },
  });
  // Whoever reads the log may go first: `npm run cloud | head`.
  process.stdout.on("error", () => process.exit(0));
  const end = interrupted();
  await start(cloud);
  console.log(`endpoint  ${cloud.endpoint}`);
  console.log(`port      ${cloud.port}`);
  console.log(`HTTPS     ${cloud.httpsPort}`);
  if (cloud.alpnPort !== undefined) console.log(`alpn port ${cloud.alpnPort}`);
  console.log(`API       http://127.0.0.1:${cloud.apiPort}`);
  console.log(`root CA   ${cloud.rootCaFile}`);
  if (address !== "127.0.0.1")
    console.log(
      `Listens on ${address}: others than this machine may reach it.`,
    );
  cloud.log.listen((event) => console.log(formatEvent(event)));
  await end;
  await cloud.stop();
  return 0;
}

/** A flag's value out of those that it may have. @throws UsageError */
function oneOf<const T extends string>(
  flag: string,
  values: readonly T[],
  given: string,
): T {
  const found = values.find((value) => value === given);
  if (found === undefined)
    throw new UsageError(
      `--${flag} is one of ${values.join(", ")}, not "${given}".`,
    );
  return found;
}

/** Starts a cloud; what a person can put right becomes one line. */
export async function start(cloud: Cloud): Promise<void> {
  try {
    await cloud.start();
  } catch (error) {
    if (error instanceof StateError) throw new ExpectedError(error.message);
    const { code, port, address } = error as NodeJS.ErrnoException & {
      port?: number;
      address?: string;
    };
    const where = `Port ${port ?? "?"} on ${address ?? "this machine"}`;
    if (code === "EADDRINUSE")
      throw new ExpectedError(
        `${where} is in use. Stop what listens there, or choose another port.`,
      );
    if (code === "EACCES")
      throw new ExpectedError(
        `${where} needs more rights than this user has. Choose a port above 1023.`,
      );
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
      throw new ExpectedError(
        `${address ?? "The address"} is no address of this machine.`,
      );
    throw error;
  }
}

/** Resolves at the first Ctrl-C or SIGTERM. */
function interrupted(): Promise<void> {
  return new Promise((done) => {
    const stop = () => {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
      done();
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
  });
}
