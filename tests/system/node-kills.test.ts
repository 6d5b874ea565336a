import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { NodeProcess } from "../../simulator/commands/node-process.js";
import { AccessPoint } from "../../simulator/device/access-point/access-point.js";
import { seeded } from "../unit/seeded.js";
import { Backend } from "./backend.js";
import { Field } from "./field.js";

const kills = process.env.FIELDNODE_LONG ? 667 : 14;

/** So many seconds pass for a node in one of ours: 20 samples a second of its own are 80 of ours. */
const timeScale = 4;

/** What the network does in a node's life, which is killed after some hundred ms of its own. */
const networks = [
  [],
  ["outage=250-400"],
  ["outage=0-300"],
  ["outage=500-1500"],
];

let field: Field;
let accessPoints: AccessPoint[];
before(async () => {
  field = new Field();
  await field.startCloud();
  accessPoints = await Promise.all(
    networks.map((events) => new AccessPoint({ events, timeScale }).open()),
  );
});
after(async () => {
  for (const accessPoint of accessPoints) accessPoint.close();
  await field.close();
});

/** A node that measures 20 times a second, and is killed again and again. */
class Victim {
  /** What the node counted as stored: sequence number and temperature. */
  readonly stored = new Map<number, string>();
  readonly lines: string[] = [];
  readonly #thing: string;
  #awaited = 0;
  #reached: (() => void) | undefined;

  constructor(thing: string) {
    this.#thing = thing;
  }

  /** Switches the node on. */
  start(
    accessPoint: AccessPoint,
    environment: Record<string, string>,
  ): NodeProcess {
    return new NodeProcess({
      flash: field.flashOf(this.#thing),
      config: {
        endpoint: `${field.cloud.endpoint}:${field.cloud.port}`,
        thing: this.#thing,
        interval: 50,
        ...accessPoint.settings,
      },
      device: accessPoint.deviceOptions,
      environment,
      onLine: (line) => this.#onLine(line),
    });
  }

  /** Resolves when so many more samples were stored. */
  async stores(count: number): Promise<void> {
    this.#awaited = this.stored.size + count;
    await new Promise<void>((resolve) => (this.#reached = resolve));
  }

  #onLine(line: string): void {
    this.lines.push(line);
    const match = /sensor +sht3x seq (\d+) stored: (\S+) Cel/.exec(line);
    if (!match) return;
    this.stored.set(Number(match[1]), match[2]);
    if (this.stored.size >= this.#awaited) this.#reached?.();
  }
}

/**
 * Kills a node many times, lets the last life deliver, and holds what has arrived against what was counted as stored.
 *
 * @param blocks of the flash: few, so that each is met often
 * @param faults the flash's faults in a life; `age` goes from 0 to 1
 */
async function killed(
  thing: string,
  seed: number,
  blocks: number,
  faults: (
    random: (below: number) => number,
    age: number,
  ) => Record<string, string>,
): Promise<void> {
  await field.provision(thing);
  writeFileSync(
    join(field.flashOf(thing), "outbox.flash"),
    Buffer.alloc(blocks * 4096, 0xff),
  );
  const backend = await Backend.open(field.cloud, `dt/fieldnode/${thing}/#`);
  const victim = new Victim(thing);
  const random = seeded(seed);
  for (let kill = 0; kill < kills; kill++) {
    const accessPoint = accessPoints[random(accessPoints.length)];
    const node = victim.start(accessPoint, faults(random, kill / kills));
    await Promise.race([victim.stores(1 + random(14)), node.ended]);
    await new Promise((resolve) => setTimeout(resolve, random(20)));
    await node.kill();
  }
  const last = victim.start(accessPoints[0], {});
  await victim.stores(1);
  // What is stored from here on may be on its way when the last life ends.
  const awaited = [...victim.stored.keys()];
  const missing = () => {
    const arrived = new Set(backend.samples().map(({ seq }) => seq));
    return awaited.filter((seq) => !arrived.has(seq));
  };
  const deadline = Date.now() + 60_000;
  while (missing().length > 0 && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 50));
  await last.kill();
  await backend.close();

  assert.ok(victim.stored.size >= kills, `${victim.stored.size} were stored`);
  assert.deepEqual(missing(), [], "were stored and never arrived");
  assert.deepEqual(
    victim.lines.filter((line) => /\[flash\.|uncaught/.test(line)),
    [],
    "the flash was never in the way",
  );
  let highest = 0;
  let filled = 0;
  const seen = new Set<number>();
  for (const { seq, temperature, dropped } of backend.samples()) {
    assert.equal(dropped, undefined, "nothing was given up");
    const stored = victim.stored.get(seq);
    if (stored !== undefined)
      assert.equal(temperature.toFixed(2), stored, `seq ${seq}`);
    if (seen.has(seq)) continue;
    seen.add(seq);
    // What comes for the first time is either the newest so far, or one of the old ones, which come in order.
    if (seq > highest) highest = seq;
    else {
      assert.ok(seq > filled, `${seq} came after ${filled}`);
      filled = seq;
    }
  }
}

describe(
  "a node that is killed at random, with a network that comes and goes, loses nothing that it stored",
  { concurrency: true },
  () => {
    test("when the power goes", async () => {
      await killed("node-1", 1, 32, () => ({}));
    });

    test("when the power goes in the middle of what is written to flash", async () => {
      // To begin a block takes 4160 bytes: some lives come so far, and some do not.
      await killed("node-2", 2, 32, (random) => ({
        FIELDNODE_FLASH_CUT: String(1 + random(400) + 4160 * random(2)),
      }));
    });

    test("when one block of the flash after the other goes bad", async () => {
      const blocks = [1, 20, 4, 5, 27, 12];
      await killed("node-3", 3, 32, (_, age) => ({
        FIELDNODE_FLASH_BAD: blocks.slice(0, 1 + age * blocks.length).join(),
      }));
    });
  },
);
