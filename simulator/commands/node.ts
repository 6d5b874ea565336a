import { join } from "node:path";
import { AccessPoint } from "../device/access-point/access-point.js";
import { parseFlags } from "./command-line.js";
import { ExpectedError } from "./expected-error.js";
import { writeIdentity } from "./flash-image.js";
import { NodeProcess } from "./node-process.js";
import { root } from "./project.js";

/**
 * `npm run node`: the firmware on the simulator's device against any endpoint: the local cloud, mosquitto, or AWS.
 *
 * The certificate, the key and the trusted root are written into the node's flash first, as flashing a board does. The
 * Wi-Fi, its name server and its time server are a model around the desktop's own network. Returns the node's exit code:
 * 0 after `--count` acknowledged publishes, 2 after a failure that does not heal by itself.
 */
export async function main(argv: string[]): Promise<number> {
  const flags = parseFlags(argv, {
    endpoint: { type: "string", required: true },
    thing: { type: "string", required: true },
    cert: { type: "string", required: true },
    key: { type: "string", required: true },
    trust: { type: "string" },
    flash: { type: "string" },
    interval: { type: "string", default: "5000" },
    count: { type: "string", default: "0" },
    mqtt: { type: "string", default: "5" },
    "wifi-delay": { type: "string", default: "200" },
  });
  const { endpoint, thing, cert, key, trust } = flags;
  const flash = flags.flash ?? join(root, "state", "nodes", thing);
  const config = {
    endpoint,
    thing,
    mqtt: oneOf("--mqtt", flags.mqtt, ["5", "3.1.1"]),
    interval: wholeNumber("--interval", flags.interval, 10),
    count: wholeNumber("--count", flags.count, 0),
  };
  writeIdentity(flash, { cert, key, trust });

  const accessPoint = new AccessPoint({
    delay: wholeNumber("--wifi-delay", flags["wifi-delay"], 0),
  });
  await accessPoint.open();
  const node = new NodeProcess({
    flash,
    config: { ...config, ...accessPoint.settings },
    device: accessPoint.deviceOptions,
    onLine: (line) => console.log(line),
  });
  const stop = () => void node.stop();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  const code = await node.ended;
  accessPoint.close();
  return code;
}

function wholeNumber(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    throw new ExpectedError(
      `${flag} must be a whole number from ${least}, not "${text}".`,
      2,
    );
  return value;
}

function oneOf(flag: string, text: string, values: string[]): string {
  if (!values.includes(text))
    throw new ExpectedError(
      `${flag} must be ${values.join(" or ")}, not "${text}".`,
      2,
    );
  return text;
}
