import { copyFileSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../simulator/commands/project.js";

/** The Moddable SDK's folder, where there is one. */
export const moddable = process.env.MODDABLE;

/** The SDK's MQTT client, as its manifest calls it. */
export const sdkClient = "embedded:network/mqtt/client";

/**
 * Makes a folder of compiled modules for the device program (`--js`): ours, and beside them the SDK's MQTT client.
 *
 * @param folder where to make it
 */
export function makeSdkModules(folder: string): string {
  const js = join(folder, "js");
  mkdirSync(join(js, sdkClient, ".."), { recursive: true });
  for (const room of ["modules", "simulator", "tests"])
    symlinkSync(join(root, "build", "device", "js", room), join(js, room));
  copyFileSync(
    join(moddable!, "examples", "io", "tcp", "mqttclient", "mqttclient.js"),
    join(js, `${sdkClient}.js`),
  );
  return js;
}
