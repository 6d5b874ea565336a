import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { Backend, type Sample } from "./backend.js";
import { Field, type RunningNode } from "./field.js";

let field: Field;
beforeEach(async () => {
  field = new Field();
  await field.startCloud();
  await field.provision();
});
afterEach(() => field.close());

const minute = 60_000;

/** Two days and 128 KB, or a sixth of both. */
const share = process.env.FIELDNODE_LONG ? 1 : 6;
const outage = (2 * 1440 * minute) / share;
const outbox = Math.ceil(32 / share) * 4096;

/** Old messages that leave in the two seconds that a fresh sample may take: one in 100 ms. */
const mostBefore = 20;

/** Sequence numbers that a node says it has stored. */
const storedBy = ({ lines }: RunningNode): number[] =>
  lines
    .map((line) => /sensor +sht3x seq (\d+) stored/.exec(line))
    .filter((match) => match !== null)
    .map(([, seq]) => Number(seq));

const until = async (
  what: string,
  holds: () => boolean,
  limit: number,
): Promise<void> => {
  const deadline = Date.now() + limit;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`It did not come to ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

/** A node measures once a minute while its cloud is away: our second is more than three hours of its. */
async function measureInVain(): Promise<number> {
  const { port, endpoint } = field.cloud;
  await field.cloud.stop();
  const node = await field.startNode({
    endpoint: `${endpoint}:${port}`,
    interval: minute,
    accessPoint: { timeScale: 12_000, timeOffset: -outage },
  });
  const last = outage / minute;
  await node.prints(`sht3x seq ${last} stored`, 1, 1_200_000);
  await node.kill();
  await field.startCloud({ port });
  return storedBy(node).at(-1)!;
}

test(`an outage of ${48 / share} hours at a sample a minute fits in ${outbox / 1024} KB, is delivered within 3 minutes, and holds up no fresh sample`, async (t) => {
  writeFileSync(
    join(field.flashOf("node-1"), "outbox.flash"),
    Buffer.alloc(outbox, 0xff),
  );
  const old = await measureInVain();
  const backend = await Backend.open(field.cloud, "dt/fieldnode/#");

  const node = await field.startNode({ interval: 500 });
  const connected = () => node.lines.some((line) => line.includes("connected"));
  await until("a connection", connected, 60_000);
  const start = Date.now();
  const storedEarlier = storedBy(node).length;
  /** Messages that had come when a fresh sample was stored, by its number. */
  const before = new Map<number, number>();
  const missing = new Set(Array.from({ length: old }, (_, at) => at + 1));
  let read = 0;
  await until(
    "the last old sample",
    () => {
      for (const seq of storedBy(node).slice(storedEarlier))
        if (!before.has(seq)) before.set(seq, backend.received.length);
      for (; read < backend.received.length; read++)
        for (const { seq } of samplesOf(backend.received[read].text))
          missing.delete(seq);
      return missing.size === 0;
    },
    240_000,
  );
  const took = Date.now() - start;
  t.diagnostic(
    `${old} samples of ${outbox / 1024} KB were delivered in ${(took / 1000).toFixed(1)} s`,
  );
  assert.ok(took < 3 * minute, `${took} ms`);

  const waits = [...before].map(([seq, messages]) => {
    const place = backend.received.findIndex(({ text }) =>
      samplesOf(text).some((sample) => sample.seq === seq),
    );
    return place < 0 ? 0 : place - messages;
  });
  assert.ok(waits.length > 5, `${waits.length} fresh samples`);
  assert.ok(Math.max(...waits) <= mostBefore, waits.join());
  assert.deepEqual(
    backend.samples().filter(({ dropped }) => dropped !== undefined),
    [],
    "nothing was given up",
  );
  await backend.close();
});

/** The samples of a message; of another one, none. */
function samplesOf(text: string): Sample[] {
  const message = JSON.parse(text) as Partial<Sample> & { samples?: Sample[] };
  return (
    message.samples ?? (message.seq === undefined ? [] : [message as Sample])
  );
}
