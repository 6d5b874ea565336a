import { FlashLog } from "../../../modules/telemetry/flash-log.js";
import { LogCursor } from "../../../modules/telemetry/log-cursor.js";
import { LogRecord } from "../../../modules/telemetry/log-record.js";
import { MakeRoom } from "../../../modules/telemetry/make-room.js";
import { equal, ok } from "../assert.js";
import { test } from "../harness.js";
import { seeded } from "../seeded.js";
import { ModelFlash } from "./model-flash.js";

const cases = 150;
const blocks = 12;
const blockLength = 256;

/** So few are kept unacknowledged that nothing has to be given up, also with the blocks that go bad. */
const mostKept = 24;
const mostBad = 4;

/** A log over a flash that fails, and what has to be in it. */
class Case {
  readonly #random: (below: number) => number;
  readonly #kind: "broken" | "leaking";
  readonly #record = new LogRecord();
  /** Stored and not acknowledged: sequence number and length. */
  readonly #kept = new Map<number, number>();
  /** Records that were read, and may be acknowledged later: number and place. */
  readonly #read = new Map<number, number>();
  #flash = new ModelFlash(blocks, blockLength);
  #log = this.#open();
  #next = 1;

  constructor(seed: number, kind: "broken" | "leaking") {
    this.#random = seeded(seed);
    this.#kind = kind;
  }

  run(): void {
    for (let step = 0; step < 120; step++) {
      const choice = this.#random(20);
      if (choice < 9) this.#append();
      else if (choice < 15) this.#acknowledge();
      else if (choice < 17) this.#goBad();
      else if (choice < 18) this.#restart();
      else this.#cut();
      if (step % 4 === 0) this.#check();
    }
    // The last life is on a flash that works.
    this.#flash.broken.clear();
    this.#flash.leaking.clear();
    this.#restart();
    this.#check();
  }

  #open(): FlashLog {
    const room = new MakeRoom([{ policy: "all", priority: 0 }]);
    return new FlashLog(
      () => this.#flash,
      (log) => room.make(log),
    );
  }

  #append(): void {
    if (this.#kept.size >= mostKept) return;
    const record = this.#record;
    record.gap = false;
    record.channel = 0;
    record.length = 4 + this.#random(24);
    record.content.fill(this.#next & 0xff, 0, record.length);
    const { length } = record;
    this.#log.append(record);
    equal(record.seq, this.#next++, "number");
    this.#kept.set(record.seq, length);
    this.#read.set(record.seq, record.at);
  }

  /** One of the records that were read is acknowledged, and again where the mark did not stay. */
  #acknowledge(): void {
    const places = [...this.#read];
    if (places.length === 0) return;
    const [seq, at] = places[this.#random(Math.min(4, places.length))];
    this.#log.release(at, 0, seq);
    this.#kept.delete(seq);
    if (this.#random(2) === 0) this.#read.delete(seq);
  }

  #goBad(): void {
    const bad = this.#flash[this.#kind];
    if (bad.size < mostBad) bad.add(this.#random(blocks));
  }

  #restart(): void {
    this.#flash = this.#flash.restart();
    this.#log = this.#open();
    this.#read.clear();
  }

  /** The power goes while something is stored: it may be there afterwards. */
  #cut(): void {
    this.#flash.untilCut = 1 + this.#random(2) * 320 + this.#random(40);
    try {
      for (;;) {
        if (this.#kept.size >= mostKept) break;
        this.#append();
      }
    } catch {
      // That was it.
    }
    this.#restart();
    this.#next = this.#log.next(0);
  }

  /** Everything that has to be there is read, as it was stored, and nothing is made up. */
  #check(): void {
    const record = this.#record;
    const cursor = new LogCursor();
    const found = new Set<number>();
    while (this.#log.advance(cursor, 1, record)) {
      const { seq, length } = record;
      ok(!record.gap, "nothing is given up");
      ok(seq < this.#next, `${seq} was never stored`);
      for (let index = 0; index < length; index++)
        equal(record.content[index], seq & 0xff, "content");
      found.add(seq);
      this.#read.set(seq, record.at);
    }
    for (const [seq, length] of this.#kept)
      ok(found.has(seq), `${seq} of ${length} bytes is lost`);
  }
}

for (const kind of ["broken", "leaking"] as const)
  test(`with ${kind} blocks, cuts and restarts at random, every record is there until it is acknowledged`, () => {
    for (let seed = 1; seed <= cases; seed++)
      try {
        new Case(seed, kind).run();
      } catch (error) {
        throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
      }
  });
