import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { TestCloud } from "./cloud-fixture.js";
import {
  ServiceClient,
  type Json,
  type ServiceMessage,
} from "./service-client.js";

const role = "arn:aws:iam::000000000000:role/streams";
/** A file whose blocks are all different: 5 blocks of 4096 bytes, the last one short. */
const file = Buffer.from(
  Array.from(
    { length: 4 * 4096 + 100 },
    (_, index) => (index * 7 + (index >> 8)) & 255,
  ),
);
let cloud: TestCloud;
let client: ServiceClient;
const base = "$aws/things/streams-device/streams/firmware";

before(async () => {
  cloud = await TestCloud.start({
    choices: { connectRate: 0, publishRate: 0 },
  });
  const folder = join(cloud.directory, "s3", "images");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "app.bin"), file);
  writeFileSync(join(folder, "large.bin"), Buffer.alloc(300_000, 1));
  cloud.cloud.services.streams.create({
    streamId: "firmware",
    description: "an image",
    files: [
      { fileId: 0, s3Location: { bucket: "images", key: "app.bin" } },
      { fileId: 3, s3Location: { bucket: "images", key: "large.bin" } },
    ],
    roleArn: role,
  });
  const device = await cloud.freeDevice("streams-device");
  client = await ServiceClient.connect(cloud, device, [
    "$aws/things/streams-device/streams/+/description/+",
    "$aws/things/streams-device/streams/+/data/+",
    "$aws/things/streams-device/streams/+/rejected/+",
  ]);
});
after(() => cloud.stop());

async function get(
  request: object | string,
  format = "json",
): Promise<ServiceMessage[]> {
  client.send(`${base}/get/${format}`, request);
  return client.rest();
}

const numbers = (messages: ServiceMessage[]) =>
  messages.map(({ body }) => body.i);

describe("streams (section 7)", () => {
  for (const format of ["json", "cbor"])
    test(`describe tells version, description and the files with their sizes, in ${format}`, async () => {
      const { topic, body } = await client.request(
        `${base}/describe/${format}`,
        { c: "token" },
      );
      assert.equal(topic, `${base}/description/${format}`);
      assert.deepEqual(body, {
        c: "token",
        s: 1,
        d: "an image",
        r: [
          { f: 0, z: file.length },
          { f: 3, z: 300_000 },
        ],
      });
    });

  test("12.26: one message for each block, the last one short; base64 in JSON", async () => {
    const messages = await get({ s: 1, f: 0, l: 4096, o: 0, n: 32, c: "x" });
    assert.deepEqual(numbers(messages), [0, 1, 2, 3, 4]);
    assert.deepEqual(
      messages.map(({ body }) => body.l),
      [4096, 4096, 4096, 4096, 100],
    );
    const bytes = messages.map(({ body }) =>
      Buffer.from(String(body.p as unknown), "base64"),
    );
    assert.deepEqual(Buffer.concat(bytes), file);
    assert.ok(messages.every(({ topic }) => topic === `${base}/data/json`));
    assert.equal(messages[0]?.body.c, "x");
  });

  test("12.26: blocks are byte strings in CBOR", async () => {
    const messages = await get({ f: 0, l: 1024, o: 2, n: 2 }, "cbor");
    assert.deepEqual(numbers(messages), [2, 3]);
    assert.ok((messages[0]?.body.p as unknown) instanceof Uint8Array);
    const bytes = messages.map(({ body }) => body.p as unknown as Uint8Array);
    assert.deepEqual(Buffer.concat(bytes), file.subarray(2048, 4096));
  });

  test("12.26: at most 128 KB are sent for one request", async () => {
    const messages = await get({ f: 3, l: 4096, n: 98_304 });
    assert.equal(messages.length, 32);
    assert.equal((await get({ f: 3, l: 4096, o: 64, n: 100 })).length, 10);
  });

  test("a bitmap picks blocks, least significant bit first, n limits their number", async () => {
    const picked = await get({ f: 3, l: 256, o: 20, b: "0x130080" });
    assert.deepEqual(numbers(picked), [20, 21, 24, 43]);
    const bytes = Buffer.from([0x13, 0x00, 0x80]);
    const limited = await get({ f: 3, l: 256, o: 20, n: 3, b: bytes }, "cbor");
    assert.deepEqual(numbers(limited), [20, 21, 24]);
  });

  test("FreeRTOS's client gets what it asks for with its dummy bitmap", async () => {
    const dummy = Buffer.from("MQ==");
    const one = await get(
      { c: "rdy", f: 0, l: 4096, o: 3, b: dummy, n: 1 },
      "cbor",
    );
    assert.deepEqual(numbers(one), [3]);
    const last = await get(
      { c: "rdy", f: 0, l: 4096, o: 4, b: dummy, n: 1 },
      "cbor",
    );
    assert.deepEqual(numbers(last), [4]);
    const none = await get({ f: 0, l: 4096, o: 4, b: "0x02", n: 1 });
    assert.deepEqual(numbers(none), [4], "no bit in range: n counts");
  });

  const cases: [string, object | string, string][] = [
    ["no JSON", "{", "InvalidJson"],
    ["no file", { l: 4096 }, "InvalidRequest"],
    ["token too long", { f: 0, l: 4096, c: "x".repeat(65) }, "InvalidRequest"],
    ["block too small", { f: 0, l: 255 }, "BlockSizeOutOfBounds"],
    ["block too large", { f: 0, l: 131_073 }, "BlockSizeOutOfBounds"],
    ["offset too large", { f: 0, l: 256, o: 98_305 }, "OffsetOutOfBounds"],
    ["offset behind the end", { f: 0, l: 4096, o: 5 }, "OffsetOutOfBounds"],
    ["count", { f: 0, l: 256, n: 98_305 }, "BlockCountLimitExceeded"],
    [
      "bitmap",
      { f: 0, l: 256, b: "00".repeat(12_289) },
      "BlockBitmapLimitExceeded",
    ],
    ["other file", { f: 1, l: 4096 }, "ResourceNotFound"],
    ["version", { s: 2, f: 0, l: 4096 }, "VersionMismatch"],
  ];
  for (const [name, request, code] of cases)
    test(`${code}: ${name}`, async () => {
      const [answer] = await get(request);
      assert.equal(answer.topic, `${base}/rejected/json`);
      assert.equal(answer.body.o, code);
      assert.equal(typeof answer.body.m, "string");
    });

  test("InvalidCbor, and ResourceNotFound for a stream that is none", async () => {
    const [broken] = await get("no CBOR", "cbor");
    assert.equal(broken.body.o, "InvalidCbor");
    const { topic, body } = await client.request(
      "$aws/things/streams-device/streams/none/describe/json",
      { c: "t" },
    );
    assert.equal(
      topic,
      "$aws/things/streams-device/streams/none/rejected/json",
    );
    assert.deepEqual([body.o, body.c], [
      "ResourceNotFound",
      "t",
    ] as unknown as Json[]);
  });

  test("an update is one more version", async () => {
    const { streams } = cloud.cloud.services;
    const s3Location = { bucket: "images", key: "app.bin" };
    const created = {
      streamId: "s2",
      files: [{ fileId: 7, s3Location }],
      roleArn: role,
    };
    assert.equal(streams.create(created).streamVersion, 1);
    assert.equal(streams.update("s2", { description: "two" }).streamVersion, 2);
    const { body } = await client.request(
      "$aws/things/streams-device/streams/s2/describe/json",
    );
    assert.deepEqual([body.s, body.d], [2, "two"] as unknown as Json[]);
    streams.delete("s2");
    assert.throws(() => streams.describe("s2"), {
      code: "ResourceNotFoundException",
    });
  });

  test("a file that is not there, or has no place to be, is refused with words", () => {
    const { streams } = cloud.cloud.services;
    for (const key of ["none.bin", "../../data.mdb", "a//b"])
      assert.throws(
        () =>
          streams.create({
            streamId: "bad",
            files: [{ fileId: 0, s3Location: { bucket: "images", key } }],
            roleArn: role,
          }),
        /none\.bin|no key of an object/,
      );
  });
});
