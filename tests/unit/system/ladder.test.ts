import Timer from "timer";
import { Ladder } from "../../../modules/system/ladder.js";
import { deepEqual, equal } from "../assert.js";
import { test } from "../harness.js";

const ladderOf = ({ restarts = 0 } = {}) => {
  const events: string[] = [];
  const store = {
    count: restarts,
    read: () => store.count,
    write: (count: number) => {
      store.count = count;
    },
  };
  const rung = (name: string) => ({
    name,
    after: 4,
    climb: () => events.push(name),
  });
  const ladder = new Ladder({
    rungs: [rung("rejoin"), rung("rescan")],
    restart: () => events.push("restart"),
    restarts: store,
    restartAfter: 20,
  });
  return { ladder, events, store };
};

const later = (milliseconds: number) =>
  new Promise<void>((resolve) => Timer.set(() => resolve(), milliseconds));

const until = async (condition: () => boolean) => {
  while (!condition()) await later(2);
};

test("climbs from the mildest means to a restart, which is counted before it happens", async () => {
  const { ladder, events, store } = ladderOf();
  await until(() => events.includes("restart"));
  deepEqual(events, ["rejoin", "rescan", "restart"]);
  equal(store.count, 1);
  ladder.close();
});

test("comes down when the cloud is reached, and begins below at the next loss", async () => {
  const { ladder, events, store } = ladderOf({ restarts: 3 });
  await until(() => events.length === 1);
  ladder.reached();
  equal(store.count, 0);
  await later(30);
  deepEqual(events, ["rejoin"]);
  ladder.lost();
  await until(() => events.length === 2);
  deepEqual(events, ["rejoin", "rejoin"]);
  ladder.close();
});

test("does not begin anew for each failure of one loss", async () => {
  const { ladder, events } = ladderOf();
  for (let i = 0; i < 5; i++) {
    ladder.lost();
    await later(1);
  }
  await until(() => events.length > 0);
  equal(events[0], "rejoin");
  ladder.close();
});

test("waits twice as long for each restart that did not help", async () => {
  const { ladder, events } = ladderOf({ restarts: 10 });
  await until(() => events.length === 2);
  await later(60);
  deepEqual(events, ["rejoin", "rescan"]);
  ladder.close();
});
