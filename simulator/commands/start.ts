import { existsSync } from "node:fs";
import { join } from "node:path";
import { Cloud } from "../cloud/cloud.js";
import { formatEvent, type LoggedEvent } from "../cloud/event-log.js";
import {
  identityFiles,
  writeIdentity as writeIdentityFiles,
} from "../cloud/identity-files.js";
import { provisionThing } from "../cloud/provisioning.js";
import { start as startCloud } from "./cloud.js";
import { parseFlags, usage, UsageError, type Flags } from "./command-line.js";
import { writeIdentity } from "./flash-image.js";
import { root } from "./project.js";
import { runNode } from "./run-node.js";

const flags = {
  state: {
    type: "string",
    value: "DIR",
    help: "folder of cloud and node, state unless given",
  },
  port: {
    type: "number",
    value: "PORT",
    help: "the cloud's MQTT port; any free one unless given",
  },
  interval: {
    type: "number",
    value: "MS",
    help: "milliseconds between samples, 2000 unless given",
  },
  count: {
    type: "number",
    value: "N",
    help: "end after N acknowledged samples",
  },
  help: { type: "boolean", help: "prints this" },
} as const satisfies Flags;

const thing = "fence-post-1";

/** A node's exit code when Ctrl-C ended it. */
const interrupted = 130;

/**
 * `npm start`: a local cloud and one node, which is provisioned in it on the first start. Prints what each of them does as
 * it happens, until Ctrl-C ends both.
 */
export async function main(argv: string[]): Promise<number> {
  const given = parseFlags(argv, flags);
  if (given.help) {
    console.log(usage("start", "A local cloud and one node.", flags));
    return 0;
  }
  if ((given.port ?? 0) > 65_535)
    throw new UsageError("--port is at most 65535.");
  const state = given.state ?? join(root, "state");
  const cloud = new Cloud({
    stateDir: join(state, "cloud"),
    port: given.port ?? 0,
    onEvent: (event) => print("cloud", shortened(event)),
  });
  await startCloud(cloud);
  const files = await provisionedFiles(cloud, join(state, "things", thing));
  const flash = join(state, "nodes", thing);
  writeIdentity(flash, files);

  const code = await runNode({
    flash,
    config: {
      endpoint: `${cloud.endpoint}:${cloud.port}`,
      thing,
      interval: given.interval ?? 2000,
      count: given.count ?? 0,
    },
    accessPoint: { delay: 200 },
    onLine: (line) => print("node", line),
  });
  await cloud.stop();
  return code === interrupted ? 0 : code;
}

/** The thing's files: those of an earlier start, or else new ones. */
async function provisionedFiles(
  cloud: Cloud,
  folder: string,
): Promise<{ cert: string; key: string; trust: string }> {
  if (!existsSync(join(folder, identityFiles.key))) {
    writeIdentityFiles(
      folder,
      await provisionThing(cloud.registry, cloud.authority, thing),
    );
    print("cloud", `provisioned ${thing}; its files are in ${folder}`);
  }
  return {
    cert: join(folder, identityFiles.certificate),
    key: join(folder, identityFiles.key),
    trust: cloud.rootCaFile,
  };
}

const print = (who: string, line: string): void =>
  console.log(`${who.padEnd(6)} ${line}`);

/** The cloud's line without its time of day: the node's lines tell the time since its start. */
const shortened = (event: LoggedEvent): string => formatEvent(event).slice(14);
