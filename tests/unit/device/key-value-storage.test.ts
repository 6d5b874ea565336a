import KeyValueStorage from "embedded:storage/key-value";
import { FlashFile } from "../../../simulator/device/modules/flash-file.js";
import { deepEqual, equal, ok, throws } from "../assert.js";
import { test } from "../harness.js";

type Format = ReturnType<typeof KeyValueStorage.open>["format"];

const open = (path: string, format: Format = "buffer") =>
  KeyValueStorage.open({ path, format });

test("keeps a value of every format, and its type", () => {
  const values: [Format, number | bigint | string][] = [
    ["string", "Grüße, 1 €"],
    ["string", ""],
    ["uint8", 255],
    ["int8", -128],
    ["uint16", 65535],
    ["int16", -32768],
    ["uint32", 4294967295],
    ["int32", -2147483648],
    ["uint64", 18446744073709551615n],
    ["int64", -9223372036854775808n],
  ];
  for (const [format, value] of values) {
    open("values", format).write("it", value);
    equal(open("values", format).read("it"), value, format);
  }
  open("values").write("it", Uint8Array.of(1, 2, 3).subarray(1));
  deepEqual(open("values").read("it"), Uint8Array.of(2, 3).buffer);
});

test("refuses a number that the format cannot hold, and keeps what was there", () => {
  const storage = open("numbers", "int8");
  storage.write("it", 7);
  for (const wrong of [128, -129, 1.5, NaN, "7"])
    throws(() => storage.write("it", wrong), TypeError);
  equal(storage.read("it"), 7);
});

test("a value is read in the format it was written in, or not at all", () => {
  const storage = open("formats", "uint8");
  storage.write("it", 7);
  storage.format = "int8";
  throws(() => storage.read("it"), TypeError);
  throws(() => (storage.format = "float" as never), RangeError);
  equal(storage.format, "int8");
});

test("a key that is not there is undefined, and can be deleted", () => {
  const storage = open("absent");
  equal(storage.read("nothing"), undefined);
  storage.delete("nothing");
});

test("lists its keys, and forgets a deleted one", () => {
  const storage = open("keys", "uint8");
  for (const key of ["one", "two", "three"]) storage.write(key, 1);
  storage.delete("two");
  deepEqual([...storage], ["one", "three"]);
  equal(storage.read("two"), undefined);
});

test("reads into a buffer that is large enough", () => {
  const storage = open("buffers");
  storage.write("it", Uint8Array.of(1, 2, 3));
  const into = new Uint8Array(4);
  equal(storage.read("it", into), 3);
  deepEqual(into, Uint8Array.of(1, 2, 3, 0));
  throws(() => storage.read("it", new Uint8Array(2)), RangeError);
});

test("namespaces do not see each other, and another instance sees what was written", () => {
  open("left", "uint8").write("it", 1);
  const right = open("right", "uint8");
  equal(right.read("it"), undefined);
  open("right", "uint8").write("it", 2);
  equal(right.read("it"), 2);
  equal(open("left", "uint8").read("it"), 1);
});

test("names are as short as NVS wants them", () => {
  open("fifteen-letters", "uint8").write("fifteen letters", 1);
  throws(() => open("sixteen--letters"), RangeError);
  throws(() => open(""), RangeError);
  throws(() => open("../outside"), RangeError);
  throws(() => open("names").read("sixteen  letters"), RangeError);
  throws(() => open("names").write("", new ArrayBuffer(1)), RangeError);
});

test("read-only means it, and closed too", () => {
  open("locked", "uint8").write("it", 1);
  const storage = KeyValueStorage.open({
    path: "locked",
    mode: "r",
    format: "uint8",
  });
  equal(storage.read("it"), 1);
  throws(() => storage.write("it", 2), /read-only/);
  throws(() => storage.delete("it"), /read-only/);
  storage.close();
  storage.close();
  throws(() => storage.read("it"), /closed/);
});

test("a damaged file is an error that names it, and is left as it is", () => {
  const storage = open("damaged", "uint8");
  storage.write("it", 1);
  const file = new FlashFile("damaged.kv");
  const bytes = new Uint8Array(file.read()!);
  const damages: ((bytes: Uint8Array) => Uint8Array)[] = [
    (bytes) => bytes.subarray(0, bytes.length - 1),
    (bytes) => bytes.subarray(0, 5),
    (bytes) =>
      bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte)),
    () => new Uint8Array(0),
  ];
  for (const damage of damages) {
    const damaged = damage(bytes);
    file.write(damaged);
    const error = throws(() => storage.read("it"), /damaged/);
    ok(String(error).includes(file.path), String(error));
    throws(() => storage.write("it", 2), /damaged/);
    deepEqual(new Uint8Array(file.read()!), damaged);
  }
});
