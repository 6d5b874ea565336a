import { Failure } from "../../../modules/system/failure.js";
import { StoredNumber } from "../../../modules/system/stored-number.js";
import { FlashFile } from "../../../simulator/device/modules/flash-file.js";
import { equal, throws } from "../assert.js";
import { test } from "../harness.js";

const codeOf = (action: () => unknown): string =>
  (throws(action, Failure) as Failure).code;

test("a number is there for the next start, and undefined before it was ever stored", () => {
  equal(new StoredNumber("numbers", "n").read(), undefined);
  new StoredNumber("numbers", "n").write(4_294_967_295);
  equal(new StoredNumber("numbers", "n").read(), 4_294_967_295);
});

test("flash that is damaged is a failure with words, and is left as it is", () => {
  const file = new FlashFile("damaged.kv");
  const content = Uint8Array.of(1, 2, 3);
  file.write(content);
  const number = new StoredNumber("damaged", "n");
  equal(
    codeOf(() => number.read()),
    "flash.unreadable",
  );
  equal(
    codeOf(() => number.write(1)),
    "flash.write-failed",
  );
  equal(file.read()?.byteLength, content.length);
});
