import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root } from "../../simulator/commands/project.js";

/** One line that a subject printed. */
export type MQTTEvent = { event: string } & Record<string, unknown>;

/** The program that runs modules on XS; FIELDNODE_HOST and FIELDNODE_JS choose another build. */
const host =
  process.env.FIELDNODE_HOST ??
  join(root, "build", "device", "release", "fieldnode");
const js = process.env.FIELDNODE_JS ?? join(root, "build", "device", "js");

/**
 * Runs a subject of tests/unit/mqtt on XS until it ends, and returns what it printed.
 *
 * @param onEvent called for each line when it comes
 * @param most how long it may take, in ms
 */
export async function runMQTTSubject(
  module: string,
  config: object,
  onEvent: (event: MQTTEvent) => void = () => undefined,
  most = 60_000,
): Promise<MQTTEvent[]> {
  const folder = mkdtempSync(join(tmpdir(), "fieldnode-mqtt-"));
  const file = join(folder, "config.json");
  writeFileSync(file, JSON.stringify(config));
  const child = spawn(
    host,
    [
      "--js",
      js,
      "--flash",
      folder,
      "--config",
      file,
      `tests/unit/mqtt/${module}`,
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const limit = setTimeout(() => child.kill("SIGKILL"), most);
  const events: MQTTEvent[] = [];
  let other = "";
  createInterface(child.stdout).on("line", (line) => {
    if (!line.startsWith("{")) {
      other += `${line}\n`;
      return;
    }
    const event = JSON.parse(line) as MQTTEvent;
    events.push(event);
    onEvent(event);
  });
  child.stderr.on("data", (text: Buffer) => (other += text.toString()));
  const [code, signal] = (await once(child, "close")) as [
    number | null,
    string | null,
  ];
  clearTimeout(limit);
  rmSync(folder, { recursive: true, force: true });
  if (code !== 0)
    throw new Error(
      `${module} ends with ${code ?? signal}\n${other}${JSON.stringify(events.slice(-5))}`,
    );
  return events;
}
