import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cloud, type CloudOptions } from "../../simulator/cloud/cloud.js";
import type {
  CloudEvent,
  LoggedEvent,
} from "../../simulator/cloud/event-log.js";
import { provisionThing } from "../../simulator/cloud/provisioning.js";
import { writeIdentity } from "../../simulator/commands/flash-image.js";
import { NodeProcess } from "../../simulator/commands/node-process.js";
import {
  AccessPoint,
  type AccessPointOptions,
} from "../../simulator/device/access-point/access-point.js";

/** How a node of a test is started. */
export interface NodeStart {
  thing?: string;
  /** HOST:PORT; the field's cloud unless given. */
  endpoint?: string;
  count?: number;
  interval?: number;
  mqtt?: "5" | "3.1.1";
  /** More of the firmware's settings. */
  settings?: Record<string, unknown>;
  accessPoint?: AccessPointOptions;
  /** More options of the device program. */
  device?: string[];
}

/** A node that runs: what it printed so far, and how it ended. */
export class RunningNode {
  readonly lines: string[];
  /** The network that it may join. */
  readonly accessPoint: AccessPoint;
  readonly #process: NodeProcess;

  constructor(process: NodeProcess, lines: string[], accessPoint: AccessPoint) {
    this.#process = process;
    this.lines = lines;
    this.accessPoint = accessPoint;
  }

  /** The last line that tells a failure, with its code at the end. */
  get lastFailure(): string {
    return this.lines.findLast((line) => line.endsWith("]")) ?? "";
  }

  /** Sequence numbers that the node says the cloud has, each once, from the lowest on. */
  get acknowledged(): number[] {
    const numbers = this.lines
      .map((line) => /publish +seq (\d+) acknowledged/.exec(line))
      .filter((match) => match !== null)
      .map((match) => Number(match[1]));
    return [...new Set(numbers)].sort((a, b) => a - b);
  }

  get ended(): Promise<number> {
    return this.#process.ended;
  }

  stop(): Promise<number> {
    return this.#process.stop();
  }

  /** Has its watchdog end it, as that does with a turn that takes too long; it is started with `--watchdog`. */
  hang(): void {
    process.kill(this.#process.pid, "SIGALRM");
  }

  /** Takes its power away. */
  kill(): Promise<number> {
    return this.#process.kill();
  }

  /** Memory of the process that it does not share with a file, in KB. */
  get memory(): number {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, "utf8");
    return Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1]);
  }

  /** How many files the process has open. */
  get openFiles(): number {
    return readdirSync(`/proc/${this.#process.pid}/fd`).length;
  }

  /** Resolves with the first line that contains `text`, also one printed before; rejects after `limit` ms. */
  async prints(text: string, times = 1, limit = 20_000): Promise<string> {
    const deadline = Date.now() + limit;
    for (;;) {
      const found = this.lines.filter((line) => line.includes(text));
      if (found.length >= times) return found[times - 1];
      if (Date.now() > deadline)
        throw new Error(
          `The node never printed "${text}" (${times}x). It printed:\n${this.lines.join("\n")}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/**
 * What a test needs around a node: a cloud, access points, flash folders; all below one temporary folder, all ended and
 * removed by `close`.
 */
export class Field {
  readonly folder = mkdtempSync(join(tmpdir(), "fieldnode-field-"));
  /** Everything that the cloud logged. */
  readonly events: LoggedEvent[] = [];
  readonly #nodes: NodeProcess[] = [];
  readonly #accessPoints: AccessPoint[] = [];
  #cloud: Cloud | undefined;

  /** Starts a cloud, or the same one again. */
  async startCloud(options: Partial<CloudOptions> = {}): Promise<Cloud> {
    this.#cloud = await new Cloud({
      stateDir: join(this.folder, "cloud"),
      port: 0,
      onEvent: (event) => this.events.push(event),
      ...options,
    }).start();
    return this.#cloud;
  }

  get cloud(): Cloud {
    if (!this.#cloud) throw new Error("The test started no cloud.");
    return this.#cloud;
  }

  /** The cloud's events of one type. */
  eventsOf<T extends CloudEvent["type"]>(
    type: T,
  ): Extract<LoggedEvent, { type: T }>[] {
    return this.events.filter(
      (event): event is Extract<LoggedEvent, { type: T }> =>
        event.type === type,
    );
  }

  /** Registers a thing in the cloud and writes its identity into the flash of the node of that name. */
  async provision(thing = "node-1"): Promise<string> {
    const made = await provisionThing(
      this.cloud.registry,
      this.cloud.authority,
      thing,
    );
    this.flash(thing, {
      cert: made.certificate,
      key: made.privateKey,
      trust: made.roots,
    });
    return made.certificateId;
  }

  /** Writes an identity, PEM, into a node's flash. */
  flash(
    thing: string,
    pem: { cert: string; key: string; trust?: string },
  ): void {
    const file = (name: string, text: string) => {
      const path = join(this.folder, `${thing}.${name}.pem`);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    };
    writeIdentity(this.flashOf(thing), {
      cert: file("cert", pem.cert),
      key: file("key", pem.key),
      trust: pem.trust === undefined ? undefined : file("trust", pem.trust),
    });
  }

  /** Flash folder of the node of that name. */
  flashOf(thing: string): string {
    return join(this.folder, "flash", thing);
  }

  /** Starts a node. */
  async startNode({
    thing = "node-1",
    endpoint,
    count = 0,
    interval = 50,
    mqtt = "5",
    settings = {},
    accessPoint: wifi = {},
    device = [],
  }: NodeStart = {}): Promise<RunningNode> {
    const accessPoint = await new AccessPoint(wifi).open();
    this.#accessPoints.push(accessPoint);
    const lines: string[] = [];
    const process = new NodeProcess({
      flash: this.flashOf(thing),
      config: {
        endpoint: endpoint ?? `${this.cloud.endpoint}:${this.cloud.port}`,
        thing,
        count,
        interval,
        mqtt,
        ...accessPoint.settings,
        ...settings,
      },
      device: [...accessPoint.deviceOptions, ...device],
      onLine: (line) => lines.push(line),
    });
    this.#nodes.push(process);
    return new RunningNode(process, lines, accessPoint);
  }

  /** Ends everything and removes the folder. */
  async close(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
    for (const accessPoint of this.#accessPoints) accessPoint.close();
    await this.#cloud?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
