/** The session, on XS and over TCP, against a stock mosquitto whose network and life are bad. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Mosquitto } from "./mosquitto.js";
import { MQTTProxy } from "./mqtt-proxy.js";
import { runMQTTSubject, type MQTTEvent } from "./mqtt-subject.js";

const long = process.env.FIELDNODE_LONG !== undefined;
const count = long ? 10_000 : 1000;
const minutes = 60_000;

/** Bytes of the heap that a run may differ by: what a collection leaves of a message that is under way. */
const heapSlack = 4096;
const slotSize = 32;

for (const [protocol, level] of [
  ["5", 5],
  ["3.1.1", 4],
] as const)
  test(`loses none of ${count} messages to a broker that is killed, a wire that is cut and acknowledgements that are dropped (MQTT ${protocol})`, async () => {
    const broker = await Mosquitto.start();
    const proxy = new MQTTProxy(
      broker.port,
      level,
      ({ cmd }) => cmd !== "puback" || Math.random() > 0.05,
    );
    const port = await proxy.listen();
    const over = new AbortController();
    const hardship = (async () => {
      while (!over.signal.aborted) {
        proxy.cutAfter(Math.floor(Math.random() * 1000));
        await delay(40 + Math.random() * 80);
        if (Math.random() > 0.1) continue;
        await broker.kill();
        await broker.launch();
      }
    })();
    let events: MQTTEvent[];
    try {
      events = await runMQTTSubject(
        "subject-session",
        {
          ...{ port, id: "hardy", protocol, resendAfter: 300 },
          heapAfter: count / 10,
          publish: {
            ...{ topic: "hard", QoS: 1, count, window: 10 },
            ...{ numbered: true, again: true },
          },
        },
        undefined,
        10 * minutes,
      );
    } finally {
      over.abort();
      await hardship;
      proxy.close();
    }

    const runs: number[][] = [];
    const seen = new Set<number>();
    for (const line of broker.log.split("\n")) {
      if (line.includes("New client connected")) runs.push([]);
      const found = /Received PUBLISH from .*'hard\/(\d+)'/.exec(line);
      if (!found || seen.has(Number(found[1]))) continue;
      seen.add(Number(found[1]));
      runs.at(-1)?.push(Number(found[1]));
    }
    await broker.stop();
    assert.equal(seen.size, count, "some never arrived");
    assert.ok(runs.length > 3, `${runs.length} connections: no hardship`);
    for (const run of runs)
      assert.deepEqual(
        run,
        run.toSorted((a, b) => a - b),
      );
    const [early, late] = events
      .filter(({ event }) => event === "heap")
      .map(({ slots, chunks }) => Number(slots) * slotSize + Number(chunks));
    assert.ok(late - early < heapSlack, `${late - early} bytes more`);
  });
