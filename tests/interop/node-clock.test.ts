import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Field, type NodeStart } from "../system/field.js";
import { TlsMosquitto } from "./mosquitto-tls.js";
import {
  authority,
  chainPem,
  device,
  keyPem,
  server,
  type Credential,
  type Wish,
} from "./pki.js";

/** The whole firmware and its clock against a TLS server whose certificates have their times. */
let field: Field;
let broker: TlsMosquitto;
let root: Credential;
const stops: (() => void)[] = [];

const day = 86_400_000;
const lastOfLeapDay = new Date("2028-02-29T23:59:59Z");

/** Certificates of the server, each with a port of its own. All begin before this firmware was released, if not told. */
const certificates = {
  lasting: {},
  "ends in five days": { until: 5 },
  "begins in the last second of a leap day": { from: lastOfLeapDay },
  "ends in the last second of a leap day": { until: lastOfLeapDay },
} satisfies Record<string, Wish>;

before(async () => {
  field = new Field();
  const long = { from: -60, until: 7000 };
  root = await authority(long);
  const own = Object.values(certificates).map((wish) =>
    server(root, { names: ["broker.localhost"], ...long, ...wish }),
  );
  broker = await TlsMosquitto.start(await Promise.all(own), root);
});
after(async () => {
  for (const stop of stops) stop();
  await field.close();
  await broker.stop();
});

const flash = async (thing: string): Promise<void> => {
  const own = await device(root, { name: thing, from: -60, until: 7000 });
  field.flash(thing, {
    cert: chainPem(own),
    key: await keyPem(own),
    trust: root.certificate.toString("pem"),
  });
};

const start = (
  thing: string,
  at: keyof typeof certificates,
  accessPoint: NodeStart["accessPoint"] = {},
  more: NodeStart = {},
) => {
  const port = broker.ports[Object.keys(certificates).indexOf(at)];
  const endpoint = `broker.localhost:${port}`;
  return field.startNode({ thing, endpoint, accessPoint, ...more });
};

/** Milliseconds by which a time server must be wrong to say that it is that moment now. */
const offsetTo = (moment: string | number): number =>
  new Date(moment).getTime() - Date.now();

interface Sample {
  seq: number;
  time: number;
  clock?: "unset";
}

/** What arrives of a node, in the order of its samples. */
const listen = async (thing: string) => {
  const watcher = await broker.plain.watch(`dt/fieldnode/${thing}/telemetry`);
  stops.push(() => watcher.stop());
  const samples = (): Sample[] =>
    watcher.messages
      .map(
        (message) =>
          JSON.parse(message.slice(message.indexOf(" "))) as Sample & {
            samples?: Sample[];
          },
      )
      .flatMap((one) => one.samples ?? [one])
      .sort((a, b) => a.seq - b.seq);
  return {
    samples,
    until: async (holds: (samples: Sample[]) => boolean) => {
      const deadline = Date.now() + 60_000;
      while (!holds(samples())) {
        if (Date.now() > deadline)
          throw new Error(JSON.stringify(samples().slice(-5)));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
};

describe("a node and its clock", { concurrency: true }, () => {
  test("whose time servers are blocked connects where its floor allows, and takes better time when it comes", async () => {
    await flash("blocked");
    const arrived = await listen("blocked");
    const node = await start("blocked", "lasting", {
      silentTime: true,
      timeScale: 10,
    });
    await node.prints("[time.no-answer]");
    await arrived.until((samples) => samples[0]?.clock === "unset");
    node.accessPoint.timeOffset = 0;
    await node.prints("by SNTP");
    await arrived.until((samples) => samples.at(-1)!.clock === undefined);
    await node.stop();
    const { time } = arrived.samples().at(-1)!;
    assert.ok(Math.abs(time - Date.now()) < day, String(new Date(time)));
  });

  test("that measures before it knows the time sends all with the right one", async () => {
    await flash("late");
    const arrived = await listen("late");
    const began = Date.now();
    const node = await start(
      "late",
      "lasting",
      { events: ["outage=0-40000"], timeScale: 10 },
      { interval: 2000 },
    );
    await node.prints("seq 3 stored");
    assert.ok(!node.lines.some((line) => line.includes("by SNTP")));
    await node.prints("by SNTP");
    await arrived.until((samples) => samples.length > 5);
    await node.stop();
    const samples = arrived.samples();
    assert.equal(samples[0].seq, 1);
    for (const [index, { seq, time, clock }] of samples.entries()) {
      assert.equal(clock, undefined, `seq ${seq}`);
      // The clock is set in whole seconds at first, and a slow machine is late with timers that run ten times as fast.
      const step = time - (samples[index - 1] ?? { time: began }).time;
      assert.ok(step > 0 && step < 300_000, `seq ${seq} after ${step} ms`);
    }
  });

  test("that knows how late it must be believes no certificate that had expired by then, whatever a time server says", async () => {
    await flash("floor");
    const first = await start(
      "floor",
      "lasting",
      { timeOffset: 10 * day },
      { count: 1 },
    );
    assert.equal(await first.ended, 0, first.lines.join("\n"));
    const blocked = await start("floor", "ends in five days", {
      silentTime: true,
    });
    await blocked.prints("[tls.server-expired]");
    await blocked.stop();
    const fooled = await start("floor", "ends in five days", {});
    await fooled.prints("not believed");
    await fooled.prints("[tls.server-expired]");
    await fooled.stop();
    await flash("young");
    const young = await start("young", "ends in five days", {}, { count: 1 });
    assert.equal(await young.ended, 0, young.lines.join("\n"));
  });

  test("whose time server falls back by a day goes on by what it knows, until the time is right again", async () => {
    await flash("back");
    const first = await start("back", "lasting", {}, { count: 1 });
    assert.equal(await first.ended, 0, first.lines.join("\n"));
    const known = Date.now();
    const arrived = await listen("back");
    const node = await start("back", "lasting", {
      timeOffset: -day,
      timeScale: 10,
    });
    await node.prints("not believed");
    await arrived.until((samples) => samples.at(-1)?.clock === "unset");
    node.accessPoint.timeOffset = 0;
    await node.prints("by SNTP");
    await arrived.until((samples) => samples.at(-1)!.clock === undefined);
    await node.stop();
    for (const { seq, time } of arrived.samples())
      assert.ok(time > known - 60_000, `seq ${seq}: ${time}`);
  });

  test("goes through the second in 2038 that 31 bits cannot count, and knows its time after it", async () => {
    const limit = 2 ** 31 * 1000;
    await flash("2038");
    const arrived = await listen("2038");
    const node = await start("2038", "lasting", {
      timeOffset: offsetTo(limit - 6000),
    });
    await arrived.until((samples) => (samples.at(-1)?.time ?? 0) > limit + 500);
    await node.stop();
    const samples = arrived.samples();
    for (const [index, { seq, time, clock }] of samples.entries()) {
      assert.equal(clock, undefined);
      const step = time - (samples[index - 1]?.time ?? limit - 6000);
      assert.ok(step >= 0 && step < 30_000, `seq ${seq} after ${step} ms`);
    }
    const later = await start(
      "2038",
      "lasting",
      { timeOffset: offsetTo("2040-02-29T12:00:00Z") },
      { count: 1 },
    );
    assert.equal(await later.ended, 0, later.lines.join("\n"));
    const blocked = await start(
      "2038",
      "lasting",
      { silentTime: true },
      { count: 1 },
    );
    assert.equal(await blocked.ended, 0, blocked.lines.join("\n"));
    await arrived.until((all) => all.at(-1)?.clock === "unset");
    const { time } = arrived.samples().at(-1)!;
    assert.match(new Date(time).toISOString(), /^2040-02-29T12:0/);
  });

  test("believes a certificate from, or up to, the last second of a leap day", async () => {
    for (const thing of ["leap", "leap-end", "leap-after"]) await flash(thing);
    const arrived = await listen("leap");
    const node = await start(
      "leap",
      "begins in the last second of a leap day",
      {
        timeOffset: offsetTo(lastOfLeapDay.getTime() - 10_000),
      },
    );
    await node.prints("[tls.server-not-yet-valid]");
    await arrived.until((samples) =>
      samples.some(({ time }) => time > lastOfLeapDay.getTime() + 1500),
    );
    await node.stop();
    const days = arrived
      .samples()
      .map(({ time }) => new Date(time).toISOString().slice(0, 10));
    assert.deepEqual([...new Set(days)], ["2028-02-29", "2028-03-01"]);

    const ends = "ends in the last second of a leap day";
    const end = await start(
      "leap-end",
      ends,
      { timeOffset: offsetTo(lastOfLeapDay.getTime() - 60_000) },
      { count: 1 },
    );
    assert.equal(await end.ended, 0, end.lines.join("\n"));
    const past = await start("leap-after", ends, {
      timeOffset: offsetTo(lastOfLeapDay.getTime() + 1000),
    });
    await past.prints("[tls.server-expired]");
    await past.stop();
  });
});
