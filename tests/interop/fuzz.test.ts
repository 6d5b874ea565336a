import assert from "node:assert/strict";
import { test } from "node:test";
import { canFuzz, fuzz, makeSeeds, replay, type Target } from "../fuzz/fuzz.js";

const options = {
  skip: canFuzz() ? false : "the fuzz targets could not be built",
};
const long = process.env.FIELDNODE_LONG !== undefined;

async function findNothing(target: Target, seconds: number): Promise<void> {
  let words = "";
  const quiet = await fuzz(target, seconds, (text) => (words += text));
  assert.ok(quiet, words);
  assert.match(words, /DONE/);
}

test(
  "keeps its promises whatever a server sends, from the first byte to beyond an open session",
  options,
  async () => {
    for (const name of await makeSeeds("tls"))
      // Only from answers that lead through whole sessions does a fuzzer get beyond the first message.
      assert.match(await replay("tls", name), /ended with tls\.closed/, name);
    await findNothing("tls", long ? 300 : 30);
  },
);

test(
  "keeps its promises whatever lies in flash as key, certificate or root, or is to be stored there",
  options,
  async () => {
    await makeSeeds("identity");
    await findNothing("identity", long ? 300 : 10);
  },
);

test(
  "keeps its promises whatever the files of the identity's flash hold, and can replace any of them",
  options,
  async () => {
    await makeSeeds("flash");
    await findNothing("flash", long ? 300 : 5);
  },
);
