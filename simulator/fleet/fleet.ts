import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Cloud } from "../cloud/cloud.js";
import type { LoggedEvent } from "../cloud/event-log.js";
import { provisionThing } from "../cloud/provisioning.js";
import { writeIdentity } from "../commands/flash-image.js";
import { NodeProcess } from "../commands/node-process.js";
import { AccessPoint } from "../device/access-point/access-point.js";
import { Collector } from "./collector.js";
import { fleetReport, type FleetReport } from "./fleet-report.js";

/** How a fleet is tried. All times are the nodes' own. */
export interface FleetOptions {
  readonly nodes: number;
  /** Seconds that the cloud is away. */
  readonly away: number;
  /** Milliseconds between a node's samples. */
  readonly interval: number;
  /** How many times faster than the machine's the nodes' time runs. */
  readonly timeScale: number;
  /** Seconds after the cloud's return until nodes that are not back are given up. */
  readonly patience: number;
  /** Is told how it goes. */
  readonly onProgress: (words: string) => void;
}

/** Nodes that are started at a time: more would only wait for the processor. */
const startedTogether = 8;

/** How long the fleet may take to come up, and the last messages to the collector, in ms of the machine's time. */
const limits = { start: 600_000, messages: 60_000 };

/**
 * Nodes of the same firmware, each a process with an identity of its own, against one local cloud that goes and comes again.
 * Everything lies in a temporary folder, which `close` removes.
 */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), "fieldnode-fleet-"));
  readonly #accessPoint: AccessPoint;
  readonly #nodes = new Map<string, NodeProcess>();
  /** Highest sequence number that each node knows to be in the cloud, and how many. */
  readonly #acknowledged = new Map<string, Set<number>>();
  readonly #online = new Set<string>();
  #connects: { thing: string; time: number }[] = [];
  #cloud: Cloud | undefined;
  #collector: Collector | undefined;

  /** Nodes and files must not outlive a run that is interrupted. */
  readonly #onExit = (): void => {
    for (const node of this.#nodes.values()) void node.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  };

  constructor(options: FleetOptions) {
    this.#options = options;
    process.on("exit", this.#onExit);
    this.#accessPoint = new AccessPoint({ timeScale: options.timeScale });
  }

  /** Brings the fleet up, takes the cloud away, gives it back, and tells what came of it. */
  async run(): Promise<FleetReport> {
    const { nodes, away, patience, onProgress, timeScale } = this.#options;
    await this.#accessPoint.open();
    const cloud = await this.#startCloud(0);
    const { port } = cloud;
    const things = await this.#provision(cloud);
    this.#collector = await Collector.open(cloud);
    await this.#startNodes(things, cloud);
    await until(() => this.#online.size === nodes, limits.start);
    onProgress(`${this.#online.size} of ${nodes} nodes are online`);
    await this.#pass(this.#options.interval / 1000);

    await cloud.stop();
    this.#connects = [];
    onProgress(`the cloud is away for ${away} s`);
    await this.#pass(away);
    await this.#startCloud(port);
    const start = Date.now();
    onProgress("the cloud is back");
    const back = () => new Set(this.#connects.map(({ thing }) => thing)).size;
    await until(() => back() === nodes, (patience * 1000) / timeScale);
    onProgress(`${back()} of ${nodes} nodes are back`);
    // What waited while the cloud was away is still being sent.
    await this.#pass((2 * this.#options.interval) / 1000);
    await this.#stopNodes();
    await until(() => this.#messages().lost === 0, limits.messages);

    const seconds = (time: number) => ((time - start) / 1000) * timeScale;
    const firsts = new Map<string, number>();
    for (const { thing, time } of this.#connects)
      if (!firsts.has(thing)) firsts.set(thing, seconds(time));
    return fleetReport(
      nodes,
      this.#connects.map(({ time }) => Math.max(0, seconds(time))),
      [...firsts.values()],
      this.#messages(),
    );
  }

  /** Ends everything and removes the folder. */
  async close(): Promise<void> {
    process.off("exit", this.#onExit);
    await this.#stopNodes();
    this.#accessPoint.close();
    await this.#collector?.close();
    await this.#cloud?.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #startCloud(port: number): Promise<Cloud> {
    this.#cloud = await new Cloud({
      stateDir: join(this.#folder, "cloud"),
      port,
      onEvent: (event) => this.#onEvent(event),
    }).start();
    return this.#cloud;
  }

  #onEvent(event: LoggedEvent): void {
    if (event.type !== "connected" || Collector.owns(event.client)) return;
    this.#online.add(event.client);
    this.#connects.push({ thing: event.client, time: event.time });
  }

  /** Registers the things and writes their flash. */
  async #provision(cloud: Cloud): Promise<string[]> {
    const { nodes } = this.#options;
    const width = String(nodes).length;
    const things = Array.from(
      { length: nodes },
      (_, index) => `fleet-${String(index + 1).padStart(width, "0")}`,
    );
    const trust = this.#write("trust", cloud.authority.roots);
    for (const thing of things) {
      const made = await provisionThing(cloud.registry, cloud.authority, thing);
      writeIdentity(this.#flashOf(thing), {
        cert: this.#write("cert", made.certificate),
        key: this.#write("key", made.privateKey),
        trust,
      });
    }
    return things;
  }

  async #startNodes(things: readonly string[], cloud: Cloud): Promise<void> {
    const rest = [...things];
    while (rest.length > 0) {
      for (const thing of rest.splice(0, startedTogether))
        this.#startNode(thing, cloud);
      const started = this.#nodes.size;
      await until(() => this.#online.size >= started, limits.start);
    }
  }

  #startNode(thing: string, cloud: Cloud): void {
    const acknowledged = new Set<number>();
    this.#acknowledged.set(thing, acknowledged);
    const node = new NodeProcess({
      flash: this.#flashOf(thing),
      config: {
        endpoint: `${cloud.endpoint}:${cloud.port}`,
        thing,
        interval: this.#options.interval,
        ...this.#accessPoint.settings,
      },
      device: [...this.#accessPoint.deviceOptions, "--clock", "desktop"],
      onLine: (line) => {
        const seq = /seq (\d+) acknowledged/.exec(line)?.[1];
        if (seq !== undefined) acknowledged.add(Number(seq));
      },
    });
    this.#nodes.set(thing, node);
  }

  async #stopNodes(): Promise<void> {
    await Promise.all([...this.#nodes.values()].map((node) => node.stop()));
    this.#nodes.clear();
  }

  #messages() {
    const seen = this.#collector!.seen;
    let acknowledged = 0;
    let lost = 0;
    let duplicated = 0;
    for (const [thing, numbers] of this.#acknowledged) {
      const came = seen.get(thing);
      acknowledged += numbers.size;
      // What a node gave up was never acknowledged, and leaves a gap below what was.
      const highest = Math.max(0, ...numbers);
      for (let seq = 1; seq <= highest; seq++) if (!came?.has(seq)) lost++;
      for (const count of came?.values() ?? []) if (count > 1) duplicated++;
    }
    return { acknowledged, lost, duplicated };
  }

  #flashOf(thing: string): string {
    return join(this.#folder, "flash", thing);
  }

  #write(name: string, text: string): string {
    const file = join(this.#folder, `${name}.pem`);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }

  /** Lets so many of the nodes' seconds pass. */
  async #pass(seconds: number): Promise<void> {
    await delay((seconds * 1000) / this.#options.timeScale);
  }
}

/** Waits until something holds, at most so many milliseconds. */
async function until(holds: () => boolean, limit: number): Promise<void> {
  const end = Date.now() + limit;
  while (!holds() && Date.now() < end) await delay(50);
}
