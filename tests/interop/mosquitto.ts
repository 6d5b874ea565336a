import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

/** A port of the loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** A stock mosquitto on the loopback, without TLS, that anybody may use. */
export class Mosquitto {
  readonly port: number;
  #watchers = 0;
  readonly #folder = mkdtempSync(join(tmpdir(), "fieldnode-mosquitto-"));
  #child: ChildProcess | undefined;

  private constructor(port: number) {
    this.port = port;
  }

  /** @param lines further lines of its configuration */
  static async start(lines: string[] = []): Promise<Mosquitto> {
    const broker = new Mosquitto(await freePort());
    // Started by root it becomes a user of its own, who has to write here.
    chmodSync(broker.#folder, 0o777);
    writeFileSync(
      broker.#file("conf"),
      [
        `listener ${broker.port} 127.0.0.1`,
        "allow_anonymous true",
        `log_dest file ${broker.#file("log")}`,
        "log_type all",
        ...lines,
      ].join("\n"),
    );
    await broker.launch();
    return broker;
  }

  /** Starts it, again after `kill`, and waits until it takes connections. */
  async launch(): Promise<void> {
    const path = `${process.env.PATH ?? ""}:/usr/sbin:/usr/local/sbin`;
    const child = spawn("mosquitto", ["-c", this.#file("conf")], {
      stdio: "ignore",
      env: { ...process.env, PATH: path },
    });
    this.#child = child;
    for (let attempt = 0; ; attempt++) {
      const socket = connect(this.port, "127.0.0.1");
      try {
        await once(socket, "connect");
        socket.destroy();
        return;
      } catch (error) {
        if (attempt > 100) throw error;
        await delay(20);
      }
    }
  }

  /** Kills it, so that what it had in memory is lost. */
  async kill(): Promise<void> {
    const child = this.#child!;
    child.kill("SIGKILL");
    if (child.exitCode === null) await once(child, "close");
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** What it has logged since its first start. */
  get log(): string {
    return readFileSync(this.#file("log"), "utf8");
  }

  /** Runs mosquitto_pub. */
  async publish(...args: string[]): Promise<void> {
    const child = spawn("mosquitto_pub", ["-p", String(this.port), ...args], {
      stdio: "ignore",
    });
    const [code] = (await once(child, "close")) as [number];
    if (code !== 0) throw new Error(`mosquitto_pub ends with code ${code}`);
  }

  /** Runs mosquitto_sub and collects its messages; resolves once it is subscribed. */
  async watch(filter: string): Promise<Watcher> {
    const id = `watcher-${++this.#watchers}`;
    const child = spawn(
      "mosquitto_sub",
      ["-p", String(this.port), "-i", id, "-q", "1", "-t", filter].concat(
        "-F",
        "%t %p",
      ),
      { stdio: ["ignore", "pipe", "ignore"] },
    );
    const watcher = new Watcher(child);
    while (!this.log.includes(`Sending SUBACK to ${id}\n`)) await delay(10);
    return watcher;
  }

  #file(name: string): string {
    return join(this.#folder, `mosquitto.${name}`);
  }
}

/** A mosquitto_sub that runs. */
export class Watcher {
  /** Each message as `topic payload`, in order. */
  readonly messages: string[] = [];
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    createInterface(child.stdout!).on("line", (line) =>
      this.messages.push(line),
    );
  }

  /** Resolves when the condition holds; rejects after five seconds. */
  async until(condition: (messages: string[]) => boolean): Promise<void> {
    for (let attempt = 0; !condition(this.messages); attempt++) {
      if (attempt > 250)
        throw new Error(`got only ${this.messages.length} messages`);
      await delay(20);
    }
  }

  stop(): void {
    this.#child.kill();
  }
}
