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
  await field.startCloud();
  await field.provision();
  backend = await Backend.open(field.cloud, "dt/fieldnode/#");
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

/** What each wake told on the node's time line. */
const figuresIn = (lines: string[]): Figures[] =>
  lines
    .map((line) =>
      /sleep +awake (\d+) ms, radio (\d+) ms, (\d+) bytes/.exec(line),
    )
    .filter((match) => match !== null)
    .map(([, awake, radio, bytes]) => ({
      wakes: 1,
      awake: Number(awake),
      radio: Number(radio),
      bytes: Number(bytes),
    }));

const sum = (figures: Figures[], name: keyof Figures): number =>
  figures.reduce((total, one) => total + one[name], 0);

/** Resolves when a node has slept that often; rejects when it has not for 20 s. */
const sleeps = async (node: RunningNode, times: number): Promise<void> => {
  let slept = 0;
  let read = 0;
  for (let deadline = Date.now() + 20_000; slept < times;) {
    for (; read < node.lines.length; read++)
      if (/sleep +awake/.test(node.lines[read])) {
        slept++;
        deadline = Date.now() + 20_000;
      }
    if (Date.now() > deadline)
      throw new Error(
        `The node slept ${slept} times. It ended with:\n${node.lines.slice(-40).join("\n")}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/** Bytes of each file of a node's flash. */
const sizesOf = (thing: string): Map<string, number> =>
  new Map(
    readdirSync(field.flashOf(thing)).map((name) => [
      name,
      statSync(join(field.flashOf(thing), name)).size,
    ]),
  );

const wakes = process.env.FIELDNODE_LONG ? 10_000 : 65;
/** More than one message takes. */
const connectEvery = 20;

test(`${wakes} wakes lose no sample, and what each tells adds up`, async () => {
  const node = await field.startNode({
    interval: 400,
    settings: { sleep: { connectEvery, limit: 100_000 } },
    accessPoint: { timeScale: 10 },
  });
  await sleeps(node, 2 * connectEvery);
  const before = sizesOf("node-1");
  await sleeps(node, wakes);
  await node.stop();
  for (const [name, size] of sizesOf("node-1")) {
    // What is retained holds sums, which get a digit now and then; of connections the last 32 are remembered.
    const most = name === "flight.kv" ? 8192 : (before.get(name) ?? 0) + 16;
    assert.ok(size <= most, `${name} grows: ${size}`);
  }
  assert.deepEqual(
    node.lines.filter((line) => /what is stored waits|\]$/.test(line)),
    [],
    "every wake that connected delivered",
  );
  const figures = figuresIn(node.lines);
  assert.equal(
    figures.filter(({ radio }) => radio > 0).length,
    1 + Math.floor(figures.length / connectEvery),
  );
  const told = backend.received
    .filter(({ topic }) => topic.endsWith("/wakes"))
    .map(({ text }) => JSON.parse(text) as Figures);
  assert.ok(told.length > 2);
  for (const one of told) {
    const before = figures.slice(0, one.wakes);
    for (const name of ["awake", "radio", "bytes"] as const)
      assert.equal(one[name], sum(before, name), name);
  }
  const numbers = [...new Set(backend.samples().map(({ seq }) => seq))];
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  );
  assert.ok(numbers.length >= told.at(-1)!.wakes);
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
