import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { IoTClient, IoTServiceException } from "@aws-sdk/client-iot";
import { Cloud } from "../cloud/cloud.js";
import { CloudLock } from "../cloud/cloud-lock.js";
import { short } from "../cloud/event-log.js";
import {
  assertNoKey,
  identityFiles,
  writeIdentity,
} from "../cloud/identity-files.js";
import { region } from "../cloud/names.js";
import { assertThingName } from "../cloud/registry/things.js";
import { ServiceError } from "../cloud/service-error.js";
import { Store } from "../cloud/store.js";
import { StateError } from "../cloud/store-check.js";
import { defaultStateDir, start } from "./cloud.js";
import { parseFlags, usage, UsageError, type Flags } from "./command-line.js";
import { ExpectedError } from "./expected-error.js";
import { root } from "./project.js";
import { check } from "./provision-check.js";
import { image } from "./provision-image.js";
import {
  provisionThing,
  type ProvisionedDevice,
} from "./thing-provisioning.js";

const flags = {
  thing: {
    type: "string",
    value: "NAME",
    required: true,
    help: "name of the thing, which is also its client id",
  },
  state: {
    type: "string",
    value: "DIR",
    help: "folder of the cloud's state, state/cloud unless told otherwise; the cloud need not run",
  },
  api: {
    type: "string",
    value: "URL",
    help: "the API of a cloud that runs, http://127.0.0.1:9443, instead of its state",
  },
  aws: {
    type: "boolean",
    help: "the real AWS, with credentials and region as the AWS SDK finds them",
  },
  out: {
    type: "string",
    value: "DIR",
    help: "folder for device.key.pem, device.cert.pem and root-ca.pem, state/things/NAME unless told otherwise",
  },
  help: { type: "boolean", help: "prints this" },
} as const satisfies Flags;

/** Where a thing is registered. */
interface Account {
  readonly client: IoTClient;
  /** What a device there has to trust, PEM. */
  readonly roots: string;
  /** Ends what was begun to reach it. */
  readonly close: () => Promise<void>;
}

/**
 * `npm run provision`: registers a thing with its own key, certificate and least policy by AWS IoT's API, of the local cloud
 * or of AWS, and writes what the device needs. `check` and `image` as first word: provision-check.ts, provision-image.ts.
 */
export async function main(argv: string[]): Promise<number> {
  if (argv[0] === "check") return check(argv.slice(1));
  if (argv[0] === "image") return image(argv.slice(1));
  if (argv.includes("--help")) {
    console.log(usage("provision", "Registers a thing.", flags));
    return 0;
  }
  const given = parseFlags(argv, flags);
  if (
    [given.aws, given.api, given.state].filter((one) => one !== undefined)
      .length > 1
  )
    throw new UsageError("--state, --api and --aws exclude each other.");
  const out = resolve(given.out ?? join("state/things", given.thing));
  try {
    assertThingName(given.thing);
    assertNoKey(out);
    const account =
      given.aws === true
        ? amazon()
        : given.api !== undefined
          ? await running(given.api)
          : await ofState(resolve(given.state ?? defaultStateDir));
    try {
      await provisionThing(account.client, given.thing, (device) => {
        writeIdentity(out, { ...device, roots: account.roots });
        report(device, out);
      });
    } finally {
      account.client.destroy();
      await account.close();
    }
  } catch (error) {
    throw expected(error);
  }
  return 0;
}

function report(device: ProvisionedDevice, out: string): void {
  const { thingName, earlierCertificates } = device;
  const id = short(device.certificateId);
  console.log(
    earlierCertificates === 0
      ? `Thing ${thingName} has certificate ${id}.`
      : `Thing ${thingName} was known: certificate ${id} is one more, the ${earlierCertificates} before it stay as they are.`,
  );
  if (!device.policyIsOurs)
    console.log(
      "The account has a policy fieldnode-node with another document, which stays as it is.",
    );
  for (const file of Object.values(identityFiles)) console.log(join(out, file));
}

/** The real AWS. Amazon's roots are the files that the firmware trusts. */
function amazon(): Account {
  const root1 = readFileSync(join(root, "certs", "amazon-root-ca-1.pem"));
  const root3 = readFileSync(join(root, "certs", "amazon-root-ca-3.pem"));
  return {
    client: new IoTClient({}),
    roots: `${String(root1)}${String(root3)}`,
    close: () => Promise.resolve(),
  };
}

/** A cloud that runs, by the address of its API. */
async function running(url: string): Promise<Account> {
  if (!URL.canParse(url))
    throw new UsageError(`--api needs a URL, not "${url}".`);
  let roots: string;
  try {
    const response = await fetch(new URL("/root-ca.pem", url));
    roots = await response.text();
    if (!response.ok || !roots.includes("BEGIN CERTIFICATE"))
      throw new Error(`it answers ${response.status}`);
  } catch (error) {
    const { cause, message } = error as Error;
    throw new ExpectedError(
      `No local cloud answers at ${url} (${cause instanceof Error ? cause.message : message}). Start one: npm run cloud.`,
    );
  }
  return {
    client: new IoTClient({
      endpoint: url,
      region,
      // The local cloud accepts whoever signs.
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
    }),
    roots,
    close: () => Promise.resolve(),
  };
}

/** The cloud of a state folder: the one that runs on it or, for as long as this takes, one of our own. */
async function ofState(stateDir: string): Promise<Account> {
  const store = new Store(stateDir);
  const ports = CloudLock.portsOf(store);
  await store.close();
  if (ports) return running(`http://127.0.0.1:${ports.api}`);
  const cloud = new Cloud({ stateDir, port: 0 });
  await start(cloud);
  const account = await running(`http://127.0.0.1:${cloud.apiPort}`);
  return { ...account, close: () => cloud.stop() };
}

/** What a person can put right, as one line. */
function expected(error: unknown): unknown {
  if (error instanceof ServiceError || error instanceof StateError)
    return new ExpectedError(error.message);
  if (error instanceof IoTServiceException)
    return new ExpectedError(
      `AWS IoT refuses: ${error.name}: ${error.message}`,
    );
  const { name, message } = error as Error;
  if (name === "CredentialsProviderError")
    return new ExpectedError(
      `The AWS SDK finds no credentials (${message}). Sign in with the AWS CLI, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`,
    );
  if (message === "Region is missing")
    return new ExpectedError(
      "The AWS SDK finds no region. Set AWS_REGION, or one for the profile.",
    );
  return error;
}
