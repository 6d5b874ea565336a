import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root } from "./project.js";

/** What the firmware is started with. */
export interface NodeOptions {
  /** Folder of its flash; made when it is not there. */
  flash: string;
  /** The firmware's settings: what becomes `mc/config`. */
  config: Record<string, unknown>;
  /** Further options of the device program: routes, Wi-Fi model, clock. */
  device: string[];
  /** More of its environment: faults of its flash. */
  environment?: Record<string, string>;
  /** Called for each line that the node prints. */
  onLine: (line: string) => void;
}

/** The firmware, running on the simulator's device in a process of its own. */
export class NodeProcess {
  readonly #child: ChildProcess;
  /** Resolves with the exit code when the node has ended; a signal counts as 128 plus its number. */
  readonly ended: Promise<number>;

  constructor({ flash, config, device, environment, onLine }: NodeOptions) {
    mkdirSync(flash, { recursive: true, mode: 0o700 });
    const configFile = join(flash, "config.json");
    writeFileSync(configFile, JSON.stringify(config, undefined, 2), {
      mode: 0o600,
    });
    const program = join(root, "build", "device", "release", "fieldnode");
    if (!existsSync(program)) throw new Error(`${program} has not been built`);
    this.#child = spawn(
      program,
      ["--flash", flash, "--config", configFile, ...device, "main"],
      {
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, ...environment },
      },
    );
    createInterface(this.#child.stdout!).on("line", onLine);
    createInterface(this.#child.stderr!).on("line", onLine);
    this.ended = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", (code, signal) =>
        resolve(code ?? (signal === "SIGINT" ? 130 : 143)),
      );
    });
  }

  /** The process's number. */
  get pid(): number {
    return this.#child.pid!;
  }

  /** Ends the node at once, whatever it is doing, and waits until it is gone. */
  async kill(): Promise<number> {
    this.#child.kill("SIGKILL");
    return this.ended;
  }

  /** Ends the node and waits until it is gone. */
  async stop(): Promise<number> {
    this.#child.kill("SIGINT");
    return this.ended;
  }
}
