import { FlightRecorder } from "../../../modules/system/flight-recorder.js";
import { FlashFile } from "../../../simulator/device/modules/flash-file.js";
import { deepEqual } from "../assert.js";
import { test } from "../harness.js";

test("keeps the last records over a reset, and rewrites the current one", () => {
  const before = new FlightRecorder("ring", 4);
  for (let number = 1; number <= 5; number++) {
    before.begin();
    before.write({ number });
    before.write({ number, end: "lost" });
  }
  const after = new FlightRecorder("ring", 4);
  after.write({ number: 6 });
  deepEqual(after.read(), [
    '{"number":3,"end":"lost"}',
    '{"number":4,"end":"lost"}',
    '{"number":5,"end":"lost"}',
    '{"number":6}',
  ]);
});

test("flash that fails costs the records, and nothing else", () => {
  new FlashFile("broken.kv").write(Uint8Array.of(1, 2, 3));
  const recorder = new FlightRecorder("broken");
  recorder.begin();
  recorder.write({ number: 1 });
  deepEqual(recorder.read(), []);
});
