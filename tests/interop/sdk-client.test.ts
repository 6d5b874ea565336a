/** A Connection over the Moddable SDK's own MQTT client and our SecureSocket, on XS, against a stock mosquitto. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Gate } from "./gate.js";
import { TlsMosquitto } from "./mosquitto-tls.js";
import { authority, device, server, type Credential } from "./pki.js";
import { makeSdkModules, moddable, sdkClient } from "./sdk-modules.js";
import { runSubject, type Outcome } from "./subject.js";

const skip =
  moddable === undefined ? "MODDABLE, the SDK's folder, is not set" : false;
const name = "broker.localhost";

describe("the SDK's MQTT client under our Connection", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "fieldnode-sdk-client-"));
  let root: Credential;
  let broker: TlsMosquitto;

  before(async () => {
    process.env.FIELDNODE_JS = makeSdkModules(folder);
    root = await authority();
    const own = await server(root, { names: [name] });
    writeFileSync(join(folder, "away"), Uint8Array.of(0, 1, 2, 3));
    broker = await TlsMosquitto.start([own], root);
  });
  after(async () => {
    await broker.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What was published or received, each once. */
  const texts = (outcome: Outcome, event: string) => {
    const events = outcome.events.filter((one) => one.event === event);
    return [...new Set(events.map(({ text }) => text))].sort();
  };

  test("subscribes, publishes and receives with QoS 0 and 1, and is online again after a cut with its session and all messages", async () => {
    const gate = new Gate(broker.ports[0]);
    const large = 10_000;
    let published = 0;
    let messages = 0;
    let cut = false;
    try {
      const outcome = await runSubject(
        { trust: [root], identity: await device(root, { name: "sdk" }) },
        {
          ...{ client: sdkClient, serverName: name, clientId: "sdk" },
          ...{ port: await gate.listen(), large, expected: 6 },
        },
        "tests/unit/aws-iot/subject-connection",
        ["timeout", "60"],
        ({ event }) => {
          if (event === "published") published++;
          if (event === "message") messages++;
          if (published < 3 || messages < 3 || cut) return;
          cut = true;
          gate.shut();
          // The broker keeps it for the node, which is away.
          void broker.plain
            .publish("-q", "1", "-t", "echo/away", "-f", join(folder, "away"))
            .finally(() => gate.open());
        },
      );
      assert.equal(outcome.exitCode, 0, outcome.stderr);
      const why = JSON.stringify(outcome);
      assert.ok(outcome.find("done"), why);
      assert.deepEqual(outcome.find("failure"), undefined, why);
      const own = ["first/0", "first/1", "first/large", "again/1", "between/1"];
      assert.deepEqual(texts(outcome, "published"), own.toSorted(), why);
      assert.deepEqual(
        texts(outcome, "message"),
        [...own, "away"].map((topic) => `echo/${topic}`).toSorted(),
        why,
      );
      assert.equal(outcome.find("offline")?.code, "tls.truncated", why);
      for (const { event, on } of outcome.events)
        if (event === "message") assert.ok(on, why);
      // The broker's session was kept, so there was nothing to subscribe to again.
      const subscribed = broker.log.match(/Received SUBSCRIBE from sdk\n/g);
      assert.equal(subscribed?.length, 1, broker.log);
    } finally {
      gate.close();
    }
  });
});
