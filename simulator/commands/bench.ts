import { measureCloud } from "../../tests/bench/cloud.js";
import { measureMqtt } from "../../tests/bench/mqtt.js";
import { measureNode } from "../../tests/bench/node.js";
import { measureTls } from "../../tests/bench/tls.js";
import { UsageError } from "./command-line.js";

/** What can be measured, by name. */
const benches = new Map<string, () => Promise<void>>([
  ["mqtt", measureMqtt],
  ["node", measureNode],
  ["tls", measureTls],
  ["cloud", measureCloud],
]);

/** `npm run bench -- NAME …`: prints figures; all benches without a name. A benchmark asserts nothing. */
export async function main(argv: string[]): Promise<number> {
  const names = argv.length > 0 ? argv : [...benches.keys()];
  for (const name of names)
    if (!benches.has(name))
      throw new UsageError(
        `There is no bench "${name}". Benches: ${[...benches.keys()].join(", ")}.`,
      );
  for (const name of names) await benches.get(name)?.();
  return 0;
}
