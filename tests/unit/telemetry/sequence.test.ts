import { Sequence } from "../../../modules/telemetry/sequence.js";
import { equal, throws } from "../assert.js";
import { test } from "../harness.js";

const memory = (stored?: number) => ({
  stored,
  read() {
    return this.stored;
  },
  write(next: number) {
    this.stored = next;
  },
});

test("numbers start at 1 and grow by one", () => {
  const sequence = new Sequence(memory());
  equal(sequence.take(), 1);
  equal(sequence.take(), 2);
});

test("a restart goes on where the numbers ended", () => {
  const store = memory();
  new Sequence(store).take();
  equal(new Sequence(store).take(), 2);
});

test("a number that cannot be kept is not given out", () => {
  const store = memory(7);
  const sequence = new Sequence({
    read: () => store.read(),
    write: () => {
      throw new Error("flash is full");
    },
  });
  throws(() => sequence.take());
  equal(new Sequence(store).take(), 7);
});
