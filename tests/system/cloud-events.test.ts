import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CreateThingCommand, IoTClient } from "@aws-sdk/client-iot";
import type { LoggedEvent } from "../../simulator/cloud/event-log.js";
import { apiClient } from "./aws-clients.js";
import { TestCloud, WireClient, type Device } from "./cloud-fixture.js";

let cloud: TestCloud;
let device: Device;
let url: string;

before(async () => {
  cloud = await TestCloud.start({ choices: { connectRate: 0 } });
  device = await cloud.device("seen");
  url = `http://127.0.0.1:${cloud.cloud.apiPort}/events`;
});
after(() => cloud.stop());

/** Reads a stream until `enough` of its text is there. */
async function readUntil(
  enough: (text: string) => boolean,
  headers: Record<string, string> = {},
): Promise<string> {
  const end = new AbortController();
  const response = await fetch(url, { headers, signal: end.signal });
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(part, { stream: true });
      if (enough(text)) break;
    }
  } finally {
    end.abort();
  }
  return text;
}

const asEvents = { accept: "text/event-stream" };

/** The events of a stream of server-sent events, with their numbers. */
function parse(text: string): [number, LoggedEvent][] {
  return text
    .split("\n\n")
    .map((block) => /^id: (\d+)\nevent: (.+)\ndata: (.+)$/.exec(block))
    .filter((found) => found !== null)
    .map(([, id, type, data]) => {
      const event = JSON.parse(data) as LoggedEvent;
      assert.equal(event.type, type);
      return [Number(id), event];
    });
}

describe("what happens in the cloud", () => {
  test("is a stream of server-sent events: connections, refusals with their reason, publishes, policies, the API, shadows", async () => {
    const line = await WireClient.connect(cloud, device, {
      protocolVersion: 5,
    });
    line.publish("dt/fieldnode/seen/telemetry", "x", { qos: 1 });
    line.publish("not/mine", "x", { qos: 1, messageId: 2 });
    await line.ping();
    const stranger = await WireClient.open(cloud, device);
    await stranger.sendConnect({ clientId: "somebody-else" });
    const client = apiClient(IoTClient, cloud);
    await client.send(new CreateThingCommand({ thingName: "seen-too" }));
    client.destroy();
    await line.disconnect();
    const free = await cloud.freeDevice("shadowed");
    const other = await WireClient.connect(cloud, free);
    other.publish(
      "$aws/things/shadowed/shadow/update",
      '{"state":{"reported":{"a":1}}}',
      { qos: 1 },
    );
    await other.next("puback");
    await other.disconnect();

    const events = parse(
      await readUntil((text) => text.includes("event: service"), asEvents),
    ).map(([, event]) => event);
    const one = <T extends LoggedEvent["type"]>(type: T) =>
      events.find((event) => event.type === type) as
        Extract<LoggedEvent, { type: T }> | undefined;
    assert.equal(one("connected")?.client, "seen");
    assert.equal(one("publish")?.topic, "dt/fieldnode/seen/telemetry");
    assert.equal(one("denied")?.resource, "topic/not/mine");
    assert.equal(one("denied")?.told, "PUBACK 0x87");
    assert.match(
      one("refused")?.reason ?? "",
      /iot:Connect on client\/somebody-else is allowed by no policy/,
    );
    assert.equal(one("api")?.operation, "CreateThing");
    assert.equal(one("service")?.service, "shadow");
  });

  test("goes on after the last event that a reader has seen, without a gap", async () => {
    const all = parse(
      await readUntil((text) => text.includes("event: service"), asEvents),
    );
    const [middle] = all[Math.floor(all.length / 2)];
    const rest = parse(
      await readUntil((text) => text.includes("event: service"), {
        ...asEvents,
        "last-event-id": String(middle),
      }),
    );
    assert.equal(rest[0][0], middle + 1);
    for (const [index, [id]] of rest.entries())
      assert.equal(id, middle + 1 + index);
  });

  test("is a readable log, a line each, for who does not ask for events", async () => {
    const text = await readUntil((so) => so.includes("  service "));
    assert.match(
      text,
      /^\d\d:\d\d:\d\d\.\d{3} {2}refused +somebody-else {2}iot:Connect on .*The device sees: close_notify and FIN, no packet$/m,
    );
  });

  test("a reader that does not read holds up nobody, and hears how much it missed", async () => {
    const end = new AbortController();
    const response = await fetch(url, {
      headers: asEvents,
      signal: end.signal,
    });
    const free = await cloud.freeDevice("busy");
    const line = await WireClient.connect(cloud, free);
    const topic = `t/${"x".repeat(200)}`;
    for (let n = 0; n < 40_000; n++)
      cloud.cloud.log.add({
        type: "discarded",
        client: "flood",
        topic,
        reason: "test",
      });
    assert.equal(await line.ping(), true);
    await line.disconnect();
    let text = "";
    const decoder = new TextDecoder();
    for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(part, { stream: true });
      if (text.includes("event: missed")) break;
      if (!text.includes('"flood"')) continue;
      cloud.cloud.log.add({
        type: "discarded",
        client: "after",
        reason: "test",
      });
    }
    end.abort();
    const missed = Number(
      /event: missed\ndata: {"count":(\d+)}/.exec(text)?.[1],
    );
    assert.ok(missed > 10_000, String(missed));
  });
});
