/**
 * A program for `npm run bench -- node`: the whole node, with its modules loaded before it is put together, because on a
 * board they lie in ROM. `mc/config` holds the node's settings and, in `modules`, what to load. It prints one line of JSON
 * a second: the heap when all was loaded, the most since, and what is alive.
 */
import config from "mc/config";
import Timer from "timer";
import Heap from "../../../simulator/device/modules/heap.js";

const { modules } = config as { modules: string[] };
const slotSize = 16;
const size = (): number => Heap.slots * slotSize + Heap.chunks;

async function main(): Promise<void> {
  Heap.collect();
  const empty = size();
  for (const one of modules) await import(one);
  Heap.collect();
  const loaded = size();
  let most = 0;
  await import("../../../main.js");
  Timer.repeat(() => {
    most = Math.max(most, size());
  }, 5);
  Timer.repeat(() => {
    Heap.collect();
    const result = {
      loaded: loaded - empty,
      most: most - loaded,
      alive: size() - loaded,
      slots: Heap.slots,
      chunks: Heap.chunks,
    };
    trace(`${JSON.stringify(result)}\n`);
  }, 1000);
}

void main();
