import { join } from "node:path";
import { parseFlags, usage, UsageError, type Flags } from "./command-line.js";
import { formatFinding } from "./finding.js";
import { writeIdentity } from "./flash-image.js";
import { root } from "./project.js";
import { runNode } from "./run-node.js";

const flags = {
  endpoint: {
    type: "string",
    value: "HOST[:PORT]",
    help: "MQTT over TLS; without a port, 8883 and then 443",
    required: true,
  },
  thing: {
    type: "string",
    value: "NAME",
    help: "the thing's name, which is the client id too",
    required: true,
  },
  cert: {
    type: "string",
    value: "FILE",
    help: "the node's certificate, PEM or DER",
    required: true,
  },
  key: {
    type: "string",
    value: "FILE",
    help: "its private key, PEM or DER",
    required: true,
  },
  trust: {
    type: "string",
    value: "FILE",
    help: "roots to trust; not needed below amazonaws.com",
  },
  flash: {
    type: "string",
    value: "DIR",
    help: "the node's flash, state/nodes/NAME unless given",
  },
  interval: {
    type: "number",
    value: "MS",
    help: "milliseconds between samples, 5000 unless given",
  },
  count: {
    type: "number",
    value: "N",
    help: "end after N acknowledged samples; a failure that does not heal by itself then ends the run",
  },
  mqtt: { type: "string", value: "3.1.1|5", help: "5 unless given" },
  "wifi-delay": {
    type: "number",
    value: "MS",
    help: "how long the model of the Wi-Fi takes to join, 200 unless given",
  },
  help: { type: "boolean", help: "prints this" },
} as const satisfies Flags;

/**
 * `npm run node`: the firmware on the simulator's device against any endpoint: the local cloud, mosquitto, or AWS.
 *
 * The certificate, the key and the trusted roots are written into the node's flash first, as flashing a board does. The
 * Wi-Fi, its name server and its time server are a model around the desktop's own network. Returns the node's exit code:
 * 0 after `--count` acknowledged samples, 2 after a failure that does not heal by itself.
 */
export async function main(argv: string[]): Promise<number> {
  if (argv.includes("--help")) {
    console.log(usage("node", "The firmware against any endpoint.", flags));
    return 0;
  }
  const given = parseFlags(argv, flags);
  const { endpoint, thing, interval = 5000, mqtt = "5" } = given;
  if (mqtt !== "5" && mqtt !== "3.1.1")
    throw new UsageError(`--mqtt is 5 or 3.1.1, not "${mqtt}".`);
  if (!/^[A-Za-z0-9.-]+(:\d{1,5})?$/.test(endpoint))
    throw new UsageError(`--endpoint is HOST or HOST:PORT, not "${endpoint}".`);
  if (!/^[A-Za-z0-9:_-]{1,128}$/.test(thing))
    throw new UsageError(
      `--thing is 1 to 128 letters, digits and : _ -, not "${thing}".`,
    );
  if (interval < 10)
    throw new UsageError(`--interval is at least 10, not ${interval}.`);

  const flash = given.flash ?? join(root, "state", "nodes", thing);
  const findings = writeIdentity(flash, given, endpoint);
  for (const finding of findings)
    if (finding.grade !== "ok") console.log(formatFinding(finding));
  return runNode({
    flash,
    config: { endpoint, thing, mqtt, interval, count: given.count ?? 0 },
    accessPoint: { delay: given["wifi-delay"] ?? 200 },
    onLine: (line) => console.log(line),
  });
}
