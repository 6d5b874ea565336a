import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Backend } from "./backend.js";
import { Field } from "./field.js";

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

/** Lets a node live until it has slept that often. Its seconds are tenths of ours. */
const liveFor = async (wakes: number, settings: Record<string, unknown>) => {
  const node = await field.startNode({
    interval: 2000,
    settings,
    accessPoint: { timeScale: 10 },
  });
  for (let slept = 0; slept < wakes;) {
    slept = figuresIn(node.lines).length;
    await node.prints("bytes", Math.min(slept + 5, wakes));
  }
  await node.stop();
  return node;
};

const wakes = process.env.FIELDNODE_LONG ? 10_000 : 30;

test(`${wakes} wakes lose no sample, and what each tells adds up`, async () => {
  const node = await liveFor(wakes, { sleep: { connectEvery: 5 } });
  const figures = figuresIn(node.lines);
  assert.equal(
    figures.filter(({ radio }) => radio > 0).length,
    1 + Math.floor(figures.length / 5),
  );
  const told = backend.received
    .filter(({ topic }) => topic.endsWith("/wakes"))
    .map(({ text }) => JSON.parse(text) as Figures);
  assert.ok(told.length > 5);
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
