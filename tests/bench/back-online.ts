import { setTimeout as delay } from "node:timers/promises";
import { Gate } from "../interop/gate.js";
import { Field } from "../system/field.js";

const nodes = 9;
/** A connection that is older than that may be made anew at once: IoT Core takes one CONNECT a second. */
const settled = 1500;

/** Prints how long nodes take from the loss of their link to the next connection, with the cloud there all the time. */
export async function measureBackOnline(): Promise<void> {
  const field = new Field();
  let gate: Gate | undefined;
  const connected = new Map<string, number[]>();
  try {
    const cloud = await field.startCloud({
      onEvent: (event) => {
        if (event.type !== "connected") return;
        const times = connected.get(event.client) ?? [];
        connected.set(event.client, [...times, performance.now()]);
      },
    });
    gate = new Gate(cloud.port);
    const port = await gate.listen();
    for (let index = 1; index <= nodes; index++) {
      const thing = `node-${index}`;
      await field.provision(thing);
      await field.startNode({
        ...{ thing, endpoint: `${cloud.endpoint}:${port}` },
        interval: 60_000,
      });
    }
    const all = async (times: number) => {
      for (let tries = 0; tries < 600; tries++) {
        const there = [...connected.values()].filter(
          ({ length }) => length >= times,
        );
        if (there.length === nodes) return;
        await delay(50);
      }
    };
    await all(1);
    await delay(settled);
    const lost = performance.now();
    gate.cut();
    await all(2);
    const took = [...connected.values()]
      .map(([, again]) => Math.round(again - lost))
      .sort((a, b) => a - b);
    console.log(
      `\nFrom link lost to back online, ${nodes} nodes at once: median ${took[nodes >> 1]} ms, from ${took[0]} to ${took.at(-1)} ms (of these, up to 1000 ms are the first wait)`,
    );
  } finally {
    gate?.close();
    await field.close();
  }
}
