import { FlashLog } from "../../../modules/telemetry/flash-log.js";
import { LogCursor } from "../../../modules/telemetry/log-cursor.js";
import { Gap, LogRecord } from "../../../modules/telemetry/log-record.js";
import {
  MakeRoom,
  type Retention,
} from "../../../modules/telemetry/make-room.js";
import { deepEqual, equal, ok, throws } from "../assert.js";
import { test } from "../harness.js";
import { ModelFlash } from "./model-flash.js";

const keepAll: Retention[] = [{ policy: "all", priority: 0 }];

const open = (flash: ModelFlash, retentions = keepAll): FlashLog => {
  const room = new MakeRoom(retentions);
  return new FlashLog(
    () => flash,
    (log) => room.make(log),
  );
};

const record = new LogRecord();

/** Stores a record whose content can be told from its number, and returns the number. */
function append(log: FlashLog, channel = 0, length = 12): number {
  const one = new LogRecord();
  one.channel = channel;
  one.length = length;
  one.content.fill(log.next(channel) & 0xff, 0, length);
  log.append(one);
  return one.seq;
}

interface Found {
  seqs: number[];
  gaps: string[];
}

/** What a channel still holds. Fails when a record is not as it was stored. */
function contentOf(log: FlashLog, channel = 0): Found {
  const cursor = new LogCursor();
  const found: Found = { seqs: [], gaps: [] };
  const gap = new Gap();
  while (log.advance(cursor, 1 << channel, record)) {
    equal(record.channel, channel);
    if (record.gap) {
      gap.decode(record);
      found.gaps.push(`${gap.count} from ${gap.first} to ${gap.last}`);
      continue;
    }
    for (let index = 0; index < record.length; index++)
      equal(record.content[index], record.seq & 0xff, "content");
    found.seqs.push(record.seq);
  }
  return found;
}

const seqsOf = (log: FlashLog, channel = 0): number[] =>
  contentOf(log, channel).seqs;

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** Releases the records of a channel up to a number. */
function release(log: FlashLog, upTo: number, channel = 0): void {
  const cursor = new LogCursor();
  while (log.advance(cursor, 1 << channel, record) && record.seq <= upTo)
    ok(log.release(record.at, channel, record.seq));
}

test("what was stored is found again after a restart, in order, and numbers go on", () => {
  const flash = new ModelFlash(8, 512);
  const log = open(flash);
  for (let index = 0; index < 50; index++) append(log);
  const again = open(flash.restart());
  deepEqual(seqsOf(again), range(1, 50));
  equal(append(again), 51);
});

test("what was released is gone, also after a restart", () => {
  const flash = new ModelFlash(8, 512);
  const log = open(flash);
  for (let index = 0; index < 50; index++) append(log);
  release(log, 30);
  deepEqual(seqsOf(log), range(31, 50));
  deepEqual(seqsOf(open(flash.restart())), range(31, 50));
});

test("numbers go on when everything was released", () => {
  const flash = new ModelFlash(8, 512);
  const log = open(flash);
  for (let index = 0; index < 200; index++) release(log, append(log));
  const again = open(flash.restart());
  deepEqual(seqsOf(again), []);
  equal(append(again), 201);
});

test("what was stored before a restart outlives what is stored in the same block after it", () => {
  const flash = new ModelFlash(8, 512);
  const log = open(flash);
  for (let index = 0; index < 10; index++) append(log);
  const again = open(flash.restart());
  append(again);
  // They fill the block, and are released at once.
  for (let seq = 12; seq <= 19; seq++) {
    const at = again.end;
    append(again);
    ok(again.release(at, 0, seq));
  }
  for (let index = 0; index < 40; index++) append(again);
  deepEqual(seqsOf(again), [...range(1, 11), ...range(20, 59)]);
});

test("channels have their own numbers and are read apart", () => {
  const log = open(new ModelFlash(8, 512), [
    { policy: "all", priority: 0 },
    { policy: "all", priority: 1 },
  ]);
  for (let index = 0; index < 20; index++) {
    append(log);
    append(log, 1, 40);
  }
  deepEqual(seqsOf(log), range(1, 20));
  deepEqual(seqsOf(log, 1), range(1, 20));
});

test("the newest record is found first, then the one before it", () => {
  const log = open(new ModelFlash(8, 512));
  for (let index = 0; index < 60; index++) append(log);
  for (const seq of [60, 59, 58]) {
    ok(log.newest(1, record, () => false));
    equal(record.seq, seq);
    log.release(record.at, 0, record.seq);
  }
  ok(log.newest(1, record, ({ seq }) => seq > 40));
  equal(record.seq, 40);
});

test("a record that moved or is gone is not released in the place of another", () => {
  const log = open(new ModelFlash(8, 512));
  append(log);
  const at = 64;
  equal(log.release(at, 0, 2), false);
  equal(log.release(at, 1, 1), false);
  ok(log.release(at, 0, 1));
  equal(log.release(at, 0, 1), false, "twice");
});

test("blocks wear alike", () => {
  const flash = new ModelFlash(8, 512);
  const log = open(flash);
  for (let index = 0; index < 2000; index++) release(log, append(log));
  const least = Math.min(...flash.erasures);
  const most = Math.max(...flash.erasures);
  ok(least > 5 && most - least <= 1, String(flash.erasures));
  ok(Math.abs(log.blocks.turns - least) <= 1, String(log.blocks.turns));
});

test("blocks wear alike also while old records stay", () => {
  const flash = new ModelFlash(8, 512);
  const log = open(flash);
  for (let index = 0; index < 20; index++) append(log);
  for (let index = 0; index < 2000; index++) {
    const seq = append(log);
    const cursor = new LogCursor();
    while (log.advance(cursor, 1, record))
      if (record.seq === seq) log.release(record.at, 0, seq);
  }
  deepEqual(seqsOf(log), range(1, 20));
  const turning = flash.erasures.filter((count) => count > 1);
  ok(turning.length >= 6);
  ok(Math.max(...turning) - Math.min(...turning) <= 1, String(flash.erasures));
});

test("a partition that is too small or cannot be read is told", () => {
  throws(() => open(new ModelFlash(3, 512)), /flash\.unreadable/);
  const flash = new ModelFlash(8, 512);
  flash.read = () => {
    throw new Error("read failed");
  };
  throws(() => open(flash), /read failed.*flash\.unreadable/);
});

test("a log that holds something else starts empty, without a format", () => {
  const flash = new ModelFlash(8, 512);
  for (let at = 0; at < flash.bytes.length; at++)
    flash.bytes[at] = (at * 7919) >> 3;
  const log = open(flash);
  deepEqual(seqsOf(log), []);
  for (let index = 0; index < 100; index++) append(log);
  deepEqual(seqsOf(open(flash.restart())), range(1, 100));
});

test("a power cut at any byte loses nothing that was stored, and makes nothing up", () => {
  const flash = new ModelFlash(5, 256);
  flash.journal = [];
  const log = open(flash);
  const stored = [0];
  const gone = [0];
  for (let index = 0; index < 60; index++) {
    append(log, 0, 5 + (index % 30));
    stored[index + 1] = flash.journal.length;
    if (index % 3 !== 2) continue;
    gone.push(flash.journal.length);
    release(log, gone.length - 1);
  }
  ok(flash.journal.length > 5000, `${flash.journal.length} bytes`);

  const cut = new ModelFlash(5, 256);
  flash.journal.forEach(({ at, byte }, done) => {
    cut.bytes[at] = byte;
    // Coprime to the lengths of what is written: every byte of a record, a mark or a header is met.
    if (done % 13 !== 0) return;
    const after = open(cut.copy());
    const { seqs, gaps } = contentOf(after);
    const last = stored.filter((length) => length <= done + 1).length - 1;
    const released = gone.filter((length) => length <= done).length - 1;
    const dropped = gaps.map((text) => Number(/\d+$/.exec(text)![0]));
    deepEqual(
      range(released + 1, last).filter(
        (seq) => !seqs.includes(seq) && !dropped.some((upTo) => seq <= upTo),
      ),
      [],
      `lost at ${done}`,
    );
    // The one that was being stored may be there.
    ok(
      seqs.every((seq) => seq <= last + 1),
      `made up at ${done}: ${String(seqs)}`,
    );
    const next = append(after);
    ok(next === last + 1 || next === last + 2, `number ${next} at ${done}`);
    equal(seqsOf(after).at(-1), next);
  });
});

test("a second cut while the first one's leftovers are there loses nothing either", () => {
  for (let cut = 0; cut < 600; cut += 11) {
    let flash = new ModelFlash(5, 256);
    const stored: number[] = [];
    for (const until of [cut, 70 + ((cut * 7) % 90), 40 + ((cut * 3) % 60)]) {
      flash.untilCut = until;
      throws(() => {
        const log = open(flash);
        for (;;) stored.push(append(log, 0, 9));
      });
      ok(flash.untilCut < 0);
      flash = flash.restart();
    }
    const { seqs } = contentOf(open(flash));
    deepEqual(
      stored.filter((seq) => !seqs.includes(seq)),
      [],
      `at ${cut}`,
    );
  }
});

for (const kind of ["broken", "leaking"] as const)
  test(`single ${kind} blocks cost room and no record that was stored`, () => {
    for (let block = 0; block < 8; block++) {
      const flash = new ModelFlash(8, 512);
      const log = open(flash);
      const stored: number[] = [];
      for (let index = 0; index < 100; index++) {
        if (index === 37) flash[kind].add(block).add((block + 3) % 8);
        stored.push(append(log));
        if (index > 20) release(log, index - 20);
      }
      // A release may not have stayed: then a record is sent once more.
      for (const one of [log, open(flash.restart())])
        deepEqual(
          seqsOf(one).filter((seq) => seq > 79),
          stored.slice(79),
          `block ${block}`,
        );
    }
  });

test("a bit that flips costs its record and no other", () => {
  const flash = new ModelFlash(8, 512);
  const log = open(flash);
  for (let index = 0; index < 50; index++) append(log);
  for (let at = 64; at < 512; at++) {
    flash.bytes[at] ^= 0x10;
    const { length } = seqsOf(open(flash.restart()));
    ok(length >= 49, `byte ${at}: ${length} records`);
    flash.bytes[at] ^= 0x10;
  }
});

test("a bit that flips where nothing was written yet costs no record that is stored after it", () => {
  for (let at = 64 + 5 * 23; at < 512; at++) {
    const flash = new ModelFlash(8, 512);
    const log = open(flash);
    for (let index = 0; index < 5; index++) append(log);
    flash.bytes[at] ^= 0x10;
    const again = open(flash.restart());
    for (let index = 0; index < 20; index++) append(again);
    deepEqual(seqsOf(again), range(1, 25), `byte ${at}`);
    deepEqual(seqsOf(open(flash.restart())), range(1, 25), `byte ${at}`);
  }
});

test("a record is released once also where its mark does not stay", () => {
  const flash = new ModelFlash(8, 512);
  const log = open(flash);
  append(log);
  const second = log.end;
  append(log);
  flash.broken.add(log.blocks.head);
  for (let index = 0; index < 3; index++)
    equal(log.release(second, 0, 2), index === 0);
  // The block is full, and is left for another one.
  for (let index = 0; index < 30; index++) append(log);
  deepEqual(seqsOf(log), [1, ...range(3, 32)]);
  equal(log.newest(1, record, ({ seq }) => seq > 1) && record.seq, 1);
});

for (const [what, records, upTo] of [
  ["the newest block, with records", 45, 0],
  ["the newest block, whose records are all released", 45, 45],
  ["the newest block, before it has a record", 38, 38],
  ["the only block", 12, 5],
] as const)
  test(`a bit that flips in the header of ${what} costs nothing and repeats no number`, () => {
    const flash = new ModelFlash(8, 512);
    const log = open(flash);
    for (let index = 0; index < records; index++) append(log);
    release(log, upTo);
    // One record more begins the block, and is cut off.
    if (records === 38) {
      flash.untilCut = 512 + 64;
      throws(() => append(log));
    }
    const head = open(flash.restart()).blocks.head * 512;
    for (let at = head; at < head + 64; at++) {
      const rotten = flash.copy();
      rotten.bytes[at] ^= 0x10;
      const after = open(rotten);
      deepEqual(seqsOf(after), range(upTo + 1, records), `byte ${at}`);
      equal(append(after), records + 1, `byte ${at}`);
      const later = open(rotten.restart());
      deepEqual(seqsOf(later), range(upTo + 1, records + 1), `byte ${at}`);
      equal(append(later), records + 2);
    }
  });

test("a flash of which nothing holds what is written says so, and uses up no number", () => {
  const flash = new ModelFlash(4, 512);
  const log = open(flash);
  append(log);
  for (let block = 0; block < 4; block++) flash.broken.add(block);
  throws(() => append(log), /flash\.write-failed/);
  flash.broken.clear();
  equal(append(open(flash.restart())), 2);
});
