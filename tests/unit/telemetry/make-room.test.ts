import { FlashLog } from "../../../modules/telemetry/flash-log.js";
import { LogCursor } from "../../../modules/telemetry/log-cursor.js";
import { Gap, LogRecord } from "../../../modules/telemetry/log-record.js";
import {
  MakeRoom,
  type Retention,
} from "../../../modules/telemetry/make-room.js";
import { deepEqual, equal, ok } from "../assert.js";
import { test } from "../harness.js";
import { ModelFlash } from "./model-flash.js";

const open = (flash: ModelFlash, retentions: Retention[]) => {
  const room = new MakeRoom(retentions);
  return {
    room,
    log: new FlashLog(
      () => flash,
      (log) => room.make(log),
    ),
  };
};

function append(log: FlashLog, channel: number, count: number): void {
  const record = new LogRecord();
  for (let index = 0; index < count; index++) {
    record.gap = false;
    record.channel = channel;
    record.length = 12;
    log.append(record);
  }
}

/** The numbers that a channel still holds in the log's order, and of how many it tells that they were given up. */
function contentOf(log: FlashLog, channel: number) {
  const cursor = new LogCursor();
  const record = new LogRecord();
  const gap = new Gap();
  const seqs: number[] = [];
  let given = 0;
  let upTo = 0;
  while (log.advance(cursor, 1 << channel, record))
    if (record.gap) {
      gap.decode(record);
      given += gap.count;
      upTo = Math.max(upTo, gap.last);
    } else seqs.push(record.seq);
  return { seqs, given, upTo };
}

const isAscending = (seqs: number[]) =>
  seqs.every((seq, index) => index === 0 || seq > seqs[index - 1]);

test("keep all: the oldest go when there is no room, and are counted", () => {
  const { log } = open(new ModelFlash(8, 512), [
    { policy: "all", priority: 0 },
  ]);
  append(log, 0, 1000);
  const { seqs, given, upTo } = contentOf(log, 0);
  equal(seqs.at(-1), 1000);
  equal(given + seqs.length, 1000);
  equal(upTo, seqs[0] - 1);
  ok(isAscending(seqs));
  ok(seqs.length > 90, `${seqs.length} of some 130 that fit`);
});

test("thin out: the whole time is covered, the more sparsely the longer ago", () => {
  const { log } = open(new ModelFlash(32, 512), [
    { policy: "thin", priority: 0 },
  ]);
  append(log, 0, 2500);
  const { seqs, given } = contentOf(log, 0);
  equal(given + seqs.length, 2500);
  ok(isAscending(seqs));
  const within = (from: number, to: number) =>
    seqs.filter((seq) => seq > from && seq <= to).length;
  ok(within(0, 500) > 10, `${within(0, 500)} of the first 500`);
  ok(within(0, 500) < within(1000, 1500));
  equal(within(2440, 2500), 60, "the newest are all there");
  const steps = seqs.map((seq, index) => seq - (seqs[index - 1] ?? 0));
  ok(Math.max(...steps) <= 128, `${Math.max(...steps)} in a row are missing`);
});

test("keep latest: older ones go without being counted as a loss", () => {
  const { log } = open(new ModelFlash(8, 512), [
    { policy: "latest", priority: 0 },
  ]);
  append(log, 0, 1000);
  const { seqs, given } = contentOf(log, 0);
  equal(seqs.at(-1), 1000);
  equal(given, 0);
});

test("the channel of lower priority gives way first", () => {
  const { log } = open(new ModelFlash(8, 512), [
    { policy: "all", priority: 0 },
    { policy: "all", priority: 9 },
  ]);
  for (let turn = 0; turn < 40; turn++) {
    append(log, 0, 20);
    append(log, 1, 1);
  }
  const alarms = contentOf(log, 1);
  deepEqual(
    alarms.seqs,
    Array.from({ length: 40 }, (_, index) => index + 1),
  );
  equal(alarms.given, 0);
  const data = contentOf(log, 0);
  equal(data.given + data.seqs.length, 800);
});

test("records that are too old go first", () => {
  const { log } = open(new ModelFlash(8, 512), [
    { policy: "all", priority: 0, isExpired: () => false },
    { policy: "all", priority: 9, isExpired: ({ seq }) => seq <= 30 },
  ]);
  append(log, 1, 40);
  append(log, 0, 110);
  const old = contentOf(log, 1);
  deepEqual({ first: old.seqs[0], given: old.given }, { first: 31, given: 30 });
  equal(contentOf(log, 0).given, 0);
});

test("a channel that is not known any more makes room for the others", () => {
  const flash = new ModelFlash(8, 512);
  const before = open(flash, [
    { policy: "all", priority: 0 },
    { policy: "all", priority: 9 },
  ]);
  append(before.log, 1, 100);
  const { log } = open(flash.restart(), [{ policy: "all", priority: 0 }]);
  append(log, 0, 100);
  deepEqual(contentOf(log, 0).given, 0);
  equal(contentOf(log, 0).seqs.length, 100);
});

test("what is given up is counted right whenever the power goes", () => {
  const retentions: Retention[] = [
    { policy: "all", priority: 0 },
    { policy: "thin", priority: 1 },
  ];
  const flash = new ModelFlash(6, 512);
  const { log } = open(flash, retentions);
  append(log, 0, 60);
  append(log, 1, 60);
  flash.journal = [];
  const start = flash.copy();
  append(log, 0, 60);
  flash.journal.forEach(({ at, byte }, done) => {
    start.bytes[at] = byte;
    if (done % 41 !== 0) return;
    const after = open(start.copy(), retentions).log;
    for (const channel of [0, 1]) {
      const { seqs, given, upTo } = contentOf(after, channel);
      const last = Math.max(seqs.at(-1)!, upTo);
      equal(seqs.length + given, last, `channel ${channel}, at ${done}`);
      ok(isAscending(seqs));
    }
  });
});

test("when no spare block is left, the oldest block goes, and it is known what was in it", () => {
  const flash = new ModelFlash(6, 512);
  const { log, room } = open(flash, [{ policy: "all", priority: 0 }]);
  append(log, 0, 40);
  // Whichever block is begun next does not hold what is written.
  for (let block = 0; block < 6; block++)
    if (log.blocks.order[block] === 0) flash.broken.add(block);
  append(log, 0, 40);
  const { seqs, given } = contentOf(log, 0);
  const owed = room.owed[0]?.count ?? 0;
  ok(owed > 0);
  equal(seqs.length + given + owed, 80);
});
