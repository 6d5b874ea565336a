import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { Backend } from "./backend.js";
import { Field, type RunningNode } from "./field.js";

let field: Field;
let backend: Backend;
beforeEach(async () => {
  field = new Field();
  // Its limit of one connection a second counts the desktop's seconds, of which the node has ten.
  await field.startCloud({ choices: { connectRate: 0 } });
  await field.provision();
  backend = await Backend.open(field.cloud, "dt/fieldnode/node-1/#");
});
afterEach(async () => {
  await backend.close();
  await field.close();
});

interface Figures {
  wakes: number;
  awake: number;
  radio: number;
  bytes: number;
}

/** What each wake told on the node's time line, and what the simulator saw of it. */
const livesIn = (lines: string[]): { told: Figures; seen: Figures }[] => {
  const found = (expression: RegExp): number[][] =>
    lines
      .map((line) => expression.exec(line)?.slice(1).map(Number))
      .filter((figures) => figures !== undefined);
  const told = found(/sleep +awake (\d+) ms, radio (\d+) ms, (\d+) bytes/);
  return found(/^life (\d+) (\d+) (\d+) (\d+)/).map(
    ([awake, radio, sent, received], index) => ({
      told: {
        wakes: 1,
        awake: told[index][0],
        radio: told[index][1],
        bytes: told[index][2],
      },
      seen: { wakes: 1, awake, radio, bytes: sent + received },
    }),
  );
};

const sum = (figures: Figures[], name: keyof Figures): number =>
  figures.reduce((total, one) => total + one[name], 0);

/** Resolves when a node has slept that often; rejects when it has not for 20 s. `meanwhile` is called now and then. */
const sleeps = async (
  node: RunningNode,
  times: number,
  meanwhile: () => void = () => {},
): Promise<void> => {
  let slept = 0;
  let read = 0;
  for (let deadline = Date.now() + 20_000; slept < times;) {
    for (; read < node.lines.length; read++)
      if (node.lines[read].startsWith("life")) {
        slept++;
        deadline = Date.now() + 20_000;
      }
    if (Date.now() > deadline)
      throw new Error(
        `The node slept ${slept} times. It ended with:\n${node.lines.slice(-40).join("\n")}`,
      );
    meanwhile();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

/** The most bytes that each file of a node's flash ever had, its RTC memory among them, and the most files it had open. */
class Growth {
  readonly most = new Map<string, number>();
  readonly #node: RunningNode;

  constructor(node: RunningNode) {
    this.#node = node;
  }

  look(): void {
    const flash = field.flashOf("node-1");
    this.#grow("open files", this.#node.openFiles);
    for (const name of readdirSync(flash)) {
      // A file that takes another's place may be gone again.
      const status = statSync(join(flash, name), { throwIfNoEntry: false });
      if (status) this.#grow(name.replace(/\.new$/, ""), status.size);
    }
  }

  #grow(name: string, size: number): void {
    this.most.set(name, Math.max(this.most.get(name) ?? 0, size));
  }
}

/** A limit that a node's thermometer, which wavers, crosses every few readings. */
const crossedLimit = async (thing: string): Promise<number> => {
  await field.provision(thing);
  const node = await field.startNode({
    thing,
    interval: 10,
    settings: { sleep: { connectEvery: 100 } },
  });
  await node.prints("stored: ", 6);
  await node.stop();
  const temperatures = node.lines
    .map((line) => /stored: ([\d.]+) Cel/.exec(line))
    .filter((match) => match !== null)
    .map(([, temperature]) => Number(temperature))
    // Of the first life the draught in the room is another.
    .slice(1);
  const mean = temperatures.reduce((a, b) => a + b) / temperatures.length;
  // Readings are rounded to hundredths: between two of them no reading lies on the limit, where fractions decide.
  return Math.round((mean + 0.02) * 100) / 100 + 0.005;
};

const wakes = process.env.FIELDNODE_LONG ? 10_000 : 65;
/** Bytes of a record that ends TLS. */
const alert = 31;
/** More than one message takes. */
const connectEvery = 20;

test(`${wakes} wakes lose no sample, let nothing grow, and what each tells adds up`, async (t) => {
  const limit = await crossedLimit("node-0");
  const sensor = {
    driver: "embedded:sensor/Humidity-Temperature/SHT3x",
    alarms: [{ quantity: "temperature", above: limit }],
  };
  const node = await field.startNode({
    interval: 400,
    device: ["--lives"],
    settings: {
      sleep: { connectEvery, limit: 100_000 },
      sensors: [sensor],
    },
    accessPoint: { timeScale: 10 },
  });
  const [before, after] = [new Growth(node), new Growth(node)];
  await sleeps(node, 2 * connectEvery, () => before.look());
  await sleeps(node, wakes, () => after.look());
  await node.stop();

  // Of connections the last 32 are remembered; what is retained holds sums, which get a digit now and then.
  const limits = new Map([
    ["flight.kv", 8192],
    ["retained", 256],
  ]);
  for (const [name, most] of after.most)
    assert.ok(
      most <= (limits.get(name) ?? (before.most.get(name) ?? 0) + 16),
      `${name} grows from ${before.most.get(name)} to ${most}`,
    );
  assert.deepEqual(
    node.lines.filter((line) => /what is stored waits/.test(line)),
    [],
    "every wake that connected delivered",
  );

  const stored = Math.max(
    ...node.lines.map((line) =>
      Number(/seq (\d+) stored/.exec(line)?.[1] ?? 0),
    ),
  );
  await field.startNode({ interval: 60_000 });
  const numbersThere = (): number[] =>
    [...new Set(backend.samples().map(({ seq }) => seq))].sort((a, b) => a - b);
  for (const deadline = Date.now() + 60_000; Date.now() < deadline;) {
    if (numbersThere().length > stored) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const numbers = numbersThere();
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  );
  assert.ok(numbers.length > stored, "all that was stored arrived");

  const lives = livesIn(node.lines);
  const temperatures = new Map(
    backend.samples().map(({ seq, temperature }) => [seq, temperature]),
  );
  let isBeyond = false;
  const alarms: number[] = [];
  lives.forEach(({ told, seen }, index) => {
    const temperature = temperatures.get(index + 1)!;
    const isAlarm = temperature > limit && !isBeyond;
    isBeyond = temperature > limit;
    if (isAlarm) alarms.push(temperature);
    const connects = index === 0 || (index + 1) % connectEvery === 0 || isAlarm;
    assert.equal(told.radio > 0, connects, `wake ${index + 1} connects`);
    assert.equal(seen.radio > 0, connects);
    // The cloud may hang up on the node's last record, an alert; the node may sleep on the cloud's.
    const apart = Math.abs(told.bytes - seen.bytes);
    assert.ok(apart <= (connects ? alert : 0), `wake ${index + 1}: ${apart} B`);
    assert.ok(told.radio <= told.awake && told.awake <= seen.awake);
  });
  assert.ok(alarms.length > 0);
  // The last life, which was cut off, may have raised one more; what was not acknowledged in it came twice.
  const arrived = new Map(
    backend
      .samples("alarm")
      .map(({ seq, temperature }) => [seq, temperature] as const),
  );
  assert.deepEqual([...arrived.values()].slice(0, alarms.length), alarms);
  assert.ok(arrived.size <= alarms.length + 1);

  const all = lives.map(({ told }) => told);
  const seen = lives.map((life) => life.seen);
  const ratio = sum(all, "radio") / sum(seen, "radio");
  assert.ok(ratio > 0.8 && ratio < 1.25, `radio told / seen: ${ratio}`);
  const told = backend.received
    .filter(({ topic }) => topic.endsWith("node-1/wakes"))
    .map(({ text }) => JSON.parse(text) as Figures);
  assert.ok(told.length > 2);
  for (const one of told) {
    const before = all.slice(0, one.wakes);
    for (const name of ["awake", "radio", "bytes"] as const)
      assert.equal(one[name], sum(before, name), name);
  }
  t.diagnostic(
    `${lives.length} wakes, ${all.filter(({ radio }) => radio > 0).length} connected, ${alarms.length} alarms, ${numbers.length} samples; ` +
      `told and seen: radio ${sum(all, "radio")} and ${sum(seen, "radio")} ms, ${sum(all, "bytes")} and ${sum(seen, "bytes")} bytes; ` +
      `most: ${[...after.most].map(([name, most]) => `${name} ${most}`).join(", ")}`,
  );
});

test("a node that cannot connect sleeps on what it measured, and delivers it later", async () => {
  const { port, endpoint } = field.cloud;
  await field.cloud.stop();
  const sleep = { connectEvery: 1, limit: 5000 };
  const away = await field.startNode({
    endpoint: `${endpoint}:${port}`,
    interval: 2000,
    settings: { sleep },
    accessPoint: { timeScale: 10 },
  });
  await away.prints("what is stored waits", 3);
  await away.stop();
  await field.startCloud({ port });
  const there = await Backend.open(field.cloud, "dt/fieldnode/#");
  const back = await field.startNode({ interval: 60_000, settings: { sleep } });
  await back.prints("bytes");
  await there.close();
  const numbers = there.samples().map(({ seq }) => seq);
  assert.ok(numbers.length > 3, `${numbers.length}`);
  assert.deepEqual(
    [...new Set(numbers)].sort((a, b) => a - b),
    numbers.map((_, index) => index + 1),
  );
});
