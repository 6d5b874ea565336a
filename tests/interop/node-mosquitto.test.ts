import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Field } from "../system/field.js";
import { TlsMosquitto } from "./mosquitto-tls.js";
import {
  authority,
  chainPem,
  device,
  keyPem,
  server,
  type Credential,
} from "./pki.js";

/** The whole firmware against a stock mosquitto that lets nobody in without a certificate. */
let field: Field;
let broker: TlsMosquitto;
let root: Credential;

before(async () => {
  field = new Field();
  root = await authority();
  const own = await server(root, { names: ["broker.localhost"] });
  broker = await TlsMosquitto.start([own], root);
});
after(async () => {
  await field.close();
  await broker.stop();
});

/** Sequence numbers of the samples in messages (topic and text), alone or several in one. */
const sequence = (messages: string[]): number[] =>
  messages
    .map((message) => JSON.parse(message.slice(message.indexOf(" "))) as Sent)
    .flatMap(({ seq, samples }) => samples?.map((one) => one.seq) ?? [seq])
    .sort((a, b) => a - b);

interface Sent {
  seq: number;
  samples?: { seq: number }[];
}

for (const mqtt of ["5", "3.1.1"] as const)
  test(`delivers to mosquitto, which demands a certificate (MQTT ${mqtt})`, async () => {
    const thing = `node-v${mqtt[0]}`;
    const own = await device(root, { name: thing });
    field.flash(thing, {
      cert: chainPem(own),
      key: await keyPem(own),
      trust: root.certificate.toString("pem"),
    });
    const watcher = await broker.plain.watch(`dt/fieldnode/${thing}/telemetry`);
    try {
      const node = await field.startNode({
        thing,
        mqtt,
        endpoint: `broker.localhost:${broker.ports[0]}`,
        count: 3,
      });
      assert.equal(await node.ended, 0, node.lines.join("\n"));
      await watcher.until((messages) => sequence(messages).length === 3);
    } finally {
      watcher.stop();
    }
    assert.deepEqual(sequence(watcher.messages), [1, 2, 3]);
  });

test("mosquitto turns away a certificate of another authority, and the node says so", async () => {
  const stranger = await device(await authority(), { name: "stranger" });
  field.flash("stranger", {
    cert: chainPem(stranger),
    key: await keyPem(stranger),
    trust: root.certificate.toString("pem"),
  });
  const node = await field.startNode({
    thing: "stranger",
    endpoint: `broker.localhost:${broker.ports[0]}`,
    count: 1,
  });
  assert.equal(await node.ended, 2, node.lines.join("\n"));
  assert.match(node.lastFailure, /\[tls\.certificate-unknown-issuer\]$/);
});
