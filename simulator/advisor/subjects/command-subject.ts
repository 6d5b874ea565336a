import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { RunningSubject, Subject, SubjectStart } from "./subject.js";

/** Names that a command may hold in braces. */
const places = ["endpoint", "host", "port", "cert", "key", "trust", "thing"];

/**
 * Any program that speaks MQTT over TLS, given as a command for the shell with `{endpoint}` (HOST:PORT), `{host}`, `{port}`,
 * `{cert}`, `{key}`, `{trust}` and `{thing}` where those belong.
 */
export class CommandSubject implements Subject {
  readonly name: string;
  readonly host = "localhost";
  readonly scalable = false;
  readonly #command: string;

  /** @throws RangeError when the command names a place that there is not, or none */
  constructor(command: string) {
    const named = [...command.matchAll(/\{([a-z]+)\}/g)].map(
      ([, name]) => name,
    );
    const unknown = named.find((name) => !places.includes(name));
    if (unknown !== undefined)
      throw new RangeError(
        `there is no {${unknown}}; there are ${places.map((name) => `{${name}}`).join(", ")}`,
      );
    if (!named.includes("endpoint") && !named.includes("port"))
      throw new RangeError(
        "it says nowhere what to connect to: put {endpoint}, or {host} and {port}, into it",
      );
    this.name = command;
    this.#command = command;
  }

  start(start: SubjectStart): Promise<RunningSubject> {
    const values: Record<string, string> = {
      endpoint: `${start.host}:${start.port}`,
      host: start.host,
      port: `${start.port}`,
      cert: start.cert,
      key: start.key,
      trust: start.trust,
      thing: start.thing,
    };
    const command = this.#command.replace(
      /\{([a-z]+)\}/g,
      (_, name: string) => values[name],
    );
    // A group of its own: the shell's children end with it.
    const child = spawn("/bin/sh", ["-c", command], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    createInterface(child.stdout).on("line", start.onLine);
    createInterface(child.stderr).on("line", start.onLine);
    const ended = new Promise<string>((resolve) => {
      child.on("error", (error) => resolve(error.message));
      child.on("close", (code, signal) =>
        resolve(`ended with ${signal ?? `code ${code ?? "?"}`}`),
      );
    });
    const kill = () => {
      if (child.exitCode !== null || child.signalCode !== null || !child.pid)
        return;
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // It has ended meanwhile.
      }
    };
    // It must not outlive an advisor that is interrupted.
    process.on("exit", kill);
    const stop = async () => {
      process.off("exit", kill);
      kill();
      await ended;
    };
    return Promise.resolve({ ended, stop });
  }
}
