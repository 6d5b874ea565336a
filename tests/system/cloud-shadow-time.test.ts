import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { defaultChoices } from "../../simulator/cloud/choices.js";
import { ShadowError } from "../../simulator/cloud/shadow/shadow-error.js";
import { Shadows } from "../../simulator/cloud/shadow/shadows.js";
import { Store } from "../../simulator/cloud/store.js";
import { temporaryFolder } from "./cloud-fixture.js";

describe("shadows: what time does to them (sections 4.3 and 4.5)", () => {
  test("4.3.9, 12.13: deleting does not reset the version: it goes on for 48 hours and then starts over", () => {
    let now = 1_700_000_000_000;
    const store = new Store(temporaryFolder());
    const shadows = new Shadows(store, defaultChoices, () => now);
    const id = { thingName: "t" };
    const step = () =>
      shadows.update(id, { state: { reported: { now } } }).accepted.version;
    assert.deepEqual([step(), step()], [1, 2]);
    shadows.delete(id, {});
    assert.throws(() => shadows.get(id, {}), { code: 404 });
    assert.throws(() => shadows.delete(id, {}), { code: 404 });
    now += 47 * 3_600_000;
    assert.equal(step(), 3);
    shadows.delete(id, {});
    now += 48 * 3_600_000;
    assert.equal(step(), 1);
  });

  test("4.3.11: metadata is stamped for each attribute; untouched ones keep theirs", () => {
    let now = 1_700_000_000_000;
    const store = new Store(temporaryFolder());
    const shadows = new Shadows(store, defaultChoices, () => now);
    const id = { thingName: "t" };
    shadows.update(id, { state: { reported: { a: 1, b: { c: 1, d: 1 } } } });
    now += 5_000;
    shadows.update(id, { state: { reported: { b: { c: 2 } } } });
    assert.deepEqual(shadows.get(id, {}).metadata, {
      reported: {
        a: { timestamp: 1_700_000_000 },
        b: {
          c: { timestamp: 1_700_000_005 },
          d: { timestamp: 1_700_000_000 },
        },
      },
    });
  });

  test("429 for more than 20 requests a second for one shadow", () => {
    const store = new Store(temporaryFolder());
    const shadows = new Shadows(store, defaultChoices);
    const id = { thingName: "busy" };
    assert.throws(
      () => {
        for (let count = 0; count < 1000; count++)
          shadows.update(id, { state: { reported: { count } } });
      },
      (error) => error instanceof ShadowError && error.code === 429,
    );
    const { version } = shadows.update(
      { thingName: "calm" },
      { state: { reported: { a: 1 } } },
    ).accepted;
    assert.equal(version, 1);
  });
});
