/**
 * A program for `npm run bench -- node`: the whole node, with its modules loaded before it is put together, because on a
 * board they lie in ROM. `mc/config` holds the node's settings and, in `modules`, what to load. It prints one line of JSON
 * a second: the heap of an empty machine, what the modules added, the most that the node added since, what is alive of it,
 * and what mbedTLS and the natives hold and held at most.
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
  const before = Heap.native;
  let nativeMost = 0;
  Heap.takeNativePeak();
  await import("../../../main.js");
  Timer.repeat(() => {
    most = Math.max(most, size());
  }, 5);
  Timer.repeat(() => {
    Heap.collect();
    nativeMost = Math.max(nativeMost, Heap.takeNativePeak());
    const result = {
      empty,
      loaded: loaded - empty,
      most: most - loaded,
      alive: size() - loaded,
      nativeMost: nativeMost - before,
      nativeAlive: Heap.native - before,
    };
    trace(`${JSON.stringify(result)}\n`);
  }, 1000);
}

void main();
