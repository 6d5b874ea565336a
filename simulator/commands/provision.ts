import { join, resolve } from "node:path";
import { CertificateAuthority } from "../cloud/certificates/certificate-authority.js";
import { short } from "../cloud/event-log.js";
import {
  assertNoKey,
  identityFiles,
  writeIdentity,
} from "../cloud/identity-files.js";
import { provisionThing } from "../cloud/provisioning.js";
import { Registry } from "../cloud/registry/registry.js";
import { assertThingName } from "../cloud/registry/things.js";
import { ServiceError } from "../cloud/service-error.js";
import { Store } from "../cloud/store.js";
import { StateError } from "../cloud/store-check.js";
import { parseFlags, usage, type Flags } from "./command-line.js";
import { ExpectedError } from "./expected-error.js";

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
    help: "folder of the cloud's state, state/cloud unless told otherwise",
  },
  out: {
    type: "string",
    value: "DIR",
    help: "folder for device.key.pem, device.cert.pem and root-ca.pem, state/things/NAME unless told otherwise",
  },
  help: { type: "boolean", help: "prints this" },
} as const satisfies Flags;

/**
 * `npm run provision`: registers a thing with its own key, certificate and least policy in a cloud's state, whether that
 * cloud runs or not, and writes what the device needs.
 */
export async function main(argv: string[]): Promise<number> {
  if (argv.includes("--help")) {
    console.log(usage("provision", "Registers a thing.", flags));
    return 0;
  }
  const given = parseFlags(argv, flags);
  const stateDir = resolve(given.state ?? "state/cloud");
  const out = resolve(given.out ?? join("state/things", given.thing));
  try {
    assertThingName(given.thing);
    assertNoKey(out);
    const store = new Store(stateDir);
    try {
      const authority = await CertificateAuthority.open(store);
      const registry = new Registry(store);
      const thing = await provisionThing(registry, authority, given.thing);
      writeIdentity(out, thing);
      console.log(
        thing.earlierCertificates === 0
          ? `Thing ${thing.thingName} has certificate ${short(thing.certificateId)}.`
          : `Thing ${thing.thingName} was known: certificate ${short(thing.certificateId)} is one more, the ${thing.earlierCertificates} before it stay as they are.`,
      );
      for (const file of Object.values(identityFiles))
        console.log(join(out, file));
    } finally {
      await store.close();
    }
  } catch (error) {
    if (error instanceof ServiceError || error instanceof StateError)
      throw new ExpectedError(error.message);
    throw error;
  }
  return 0;
}
