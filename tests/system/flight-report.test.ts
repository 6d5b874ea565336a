/** The node's record of its connections, asked for from the cloud. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Backend } from "./backend.js";
import { Field } from "./field.js";

interface Report {
  connections: Record<string, string | number>[];
}

test("tells on request how its connections went, those before a restart included", async () => {
  const field = new Field();
  let backend: Backend | undefined;
  try {
    const cloud = await field.startCloud();
    await field.provision();
    backend = await Backend.open(cloud, "dt/fieldnode/node-1/connections");
    const first = await field.startNode();
    await first.prints("acknowledged");
    await first.stop();
    const second = await field.startNode();
    await second.prints("acknowledged");
    while (backend.received.length === 0) {
      await backend.publish("cmd/fieldnode/node-1/connections", "");
      await delay(50);
    }
    const { connections } = JSON.parse(backend.received[0].text) as Report;
    assert.equal(connections.length, 2);
    for (const { address, port, RSSI } of connections) {
      assert.equal(address, "127.0.0.1");
      assert.equal(port, cloud.port);
      assert.ok(Number(RSSI) < 0);
    }
    for (const step of ["time", "dns", "tcp", "tls", "connack"])
      assert.equal(typeof connections[0][step], "number", step);
    assert.equal(connections[1].end, undefined);
  } finally {
    await backend?.close();
    await field.close();
  }
});
