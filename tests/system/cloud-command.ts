import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, mock } from "node:test";
import { fileURLToPath } from "node:url";
import { main as cloudMain } from "../../simulator/commands/cloud.js";
import { ExpectedError } from "../../simulator/commands/expected-error.js";
import { main as provisionMain } from "../../simulator/commands/provision.js";
import {
  sleep,
  TestCloud,
  temporaryFolder,
  type Device,
} from "./cloud-fixture.js";

const children = new Set<ChildProcess>();
after(() => {
  for (const child of children) child.kill("SIGKILL");
});

export interface Command {
  readonly child: ChildProcess;
  /** Everything printed so far. */
  readonly output: () => string;
  /** Resolves with the exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
}

/** Runs a command as the npm scripts do: an expected error is its message and its exit code. */
export function run(name: "cloud" | "provision", ...args: string[]): Command {
  const module = fileURLToPath(
    new URL(`../../simulator/commands/${name}.js`, import.meta.url),
  );
  const script = `
    const { main } = await import(${JSON.stringify(module)});
    try {
      process.exitCode = (await main(process.argv.slice(1))) ?? 0;
    } catch (error) {
      console.error(error.expected ? error.message : error);
      process.exitCode = error.exitCode ?? 70;
    }`;
  const child = spawn(process.execPath, [
    "--input-type=module",
    "-e",
    script,
    "--",
    ...args,
  ]);
  children.add(child);
  let text = "";
  child.stdout.on("data", (part) => (text += String(part)));
  child.stderr.on("data", (part) => (text += String(part)));
  const ended = new Promise<number | string>((resolve) =>
    child.on("close", (code, signal) => {
      children.delete(child);
      resolve(code ?? signal ?? "");
    }),
  );
  return { child, output: () => text, ended };
}

/** Runs a command in this process: quicker, where nothing depends on its being another. */
export async function here(
  name: "cloud" | "provision",
  ...args: string[]
): Promise<{ code: number; output: string }> {
  const lines: string[] = [];
  const log = mock.method(console, "log", (line: string) => lines.push(line));
  try {
    const main = name === "cloud" ? cloudMain : provisionMain;
    return { code: await main(args), output: lines.join("\n") };
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    return { code: error.exitCode, output: error.message };
  } finally {
    log.mock.restore();
  }
}

/** Ends in one clear line, without a stack trace, and with this exit code. */
export async function failsWith(
  name: "cloud" | "provision",
  args: string[],
  code: number,
  line: RegExp,
): Promise<void> {
  const result = await here(name, ...args);
  assert.match(result.output, line);
  assert.equal(result.output.split("\n").length, 1, result.output);
  assert.equal(result.code, code);
}

/** Waits until a command printed something. */
export async function printed(
  command: Command,
  text: RegExp,
): Promise<RegExpExecArray> {
  for (let wait = 0; wait < 500; wait++) {
    const found = text.exec(command.output());
    if (found) return found;
    await sleep(20);
  }
  throw new Error(`${String(text)} was not printed: ${command.output()}`);
}

/** A state folder with an authority, so that nobody waits for RSA keys. */
export async function stateFolder(): Promise<string> {
  const cloud = await TestCloud.start();
  const state = temporaryFolder();
  await cloud.cloud.stop();
  writeFileSync(
    join(state, "data.mdb"),
    readFileSync(join(cloud.directory, "data.mdb")),
  );
  return state;
}

/** A device by the files that `provision` wrote. */
export function readDevice(name: string, folder: string): Device {
  return {
    name,
    certificateId: "",
    privateKey: readFileSync(join(folder, "device.key.pem"), "utf8"),
    certificate: readFileSync(join(folder, "device.cert.pem"), "utf8"),
  };
}

/** Ports that nobody else has. */
export const anyPorts = ["--port", "0", "--https-port", "0", "--api-port", "0"];
