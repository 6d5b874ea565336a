import Timer from "timer";
import MQTTClient, {
  type MQTTClientOptions,
} from "../../../modules/mqtt/client.js";
import type { Failure } from "../../../modules/system/failure.js";
import { deepEqual, equal, ok } from "../assert.js";
import { test } from "../harness.js";
import { packet, raw, text, wait, Wire } from "./wire.js";

/** Milliseconds; MQTT itself counts in seconds, the client in what it is given. */
const keepAlive = 240;

class Fixture {
  failure: Failure | undefined;
  readonly client: MQTTClient;

  constructor(options: Partial<MQTTClientOptions> = {}, connack = "00 00 00") {
    this.client = new MQTTClient({
      host: "broker",
      keepAlive,
      socket: { io: Wire },
      onError: (failure) => (this.failure = failure),
      ...options,
    });
    Wire.last.open();
    Wire.last.take();
    Wire.last.receive(packet("20", connack));
  }

  /** Keeps doing something every eighth of the interval; returns all that was sent. */
  async during(intervals: number, act: () => void): Promise<string[]> {
    for (let eighth = 0; eighth < intervals * 8; eighth++) {
      if (this.failure) break;
      act();
      await wait(keepAlive / 8);
    }
    return Wire.last.take();
  }
}

test("pings in silence, and stays while it is answered", async () => {
  const fixture = new Fixture();
  let pings = 0;
  await fixture.during(3, () => {
    for (const sent of Wire.last.take()) {
      equal(sent, "c0 00");
      pings++;
      Wire.last.receive("d0 00");
    }
  });
  equal(fixture.failure, undefined);
  ok(pings >= 2, `${pings} pings`);
  fixture.client.close();
});

test("gives a silent broker up after ten eighths of the interval, counted by a timer as late as its own", async () => {
  let eighths = 0;
  const counter = Timer.repeat(() => eighths++, keepAlive / 8);
  let gaveUpAfter = 0;
  const fixture = new Fixture({ onError: () => (gaveUpAfter = eighths) });
  for (let turn = 0; turn < 100 && gaveUpAfter === 0; turn++)
    await wait(keepAlive / 8);
  Timer.clear(counter);
  fixture.client.close();
  deepEqual(Wire.last.take(), ["c0 00"]);
  ok(gaveUpAfter > 0 && gaveUpAfter <= 10, `after ${gaveUpAfter} eighths`);
});

test("notices a mute broker although it publishes all the time", async () => {
  const fixture = new Fixture();
  const sent = await fixture.during(2, () =>
    fixture.client.write(ArrayBuffer.fromString("x"), { topic: "t" }),
  );
  equal(fixture.failure?.code, "mqtt.keep-alive");
  ok(sent.includes("c0 00"));
  ok(Wire.last.closed);
});

test("notices a broker that sends messages but no PINGRESP", async () => {
  const fixture = new Fixture();
  await fixture.during(2, () =>
    Wire.last.receive(packet("30", `${text("t")} 00 78`)),
  );
  equal(fixture.failure?.code, "mqtt.keep-alive");
});

test("waits for PINGRESP behind a large message that keeps coming", async () => {
  const fixture = new Fixture();
  const size = 40;
  const header = packet("30", `${text("t")} 00 ${raw("x".repeat(size))}`);
  Wire.last.receive(header.slice(0, -3 * size));
  await fixture.during(2, () => Wire.last.receive("78"));
  equal(fixture.failure, undefined);
  fixture.client.close();
});

test("does not blame the broker for an application that does not read", async () => {
  const fixture = new Fixture({ onReadable: () => undefined });
  Wire.last.receive(`${packet("30", `${text("t")} 00 78`)} d0 00`);
  await fixture.during(2, () => undefined);
  equal(fixture.failure, undefined);
  fixture.client.close();
});

test("obeys the broker's keep-alive, and pings not at all without one", async () => {
  const silent = new Fixture({ keepAlive: 0 });
  deepEqual(await silent.during(1, () => undefined), []);
  silent.client.close();
  const told = new Fixture({ keepAlive: 0 }, "00 00 03 13 00 01");
  await wait(950);
  deepEqual(Wire.last.take(), ["c0 00"]);
  told.client.close();
});
