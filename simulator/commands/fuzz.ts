import { parseArgs } from "node:util";
import {
  canFuzz,
  fuzz,
  makeSeeds,
  targets,
  type Target,
} from "../../tests/fuzz/fuzz.js";
import { UsageError } from "./command-line.js";
import { ExpectedError } from "./expected-error.js";

/**
 * `npm run fuzz -- [TARGET] [--seconds N]`: fuzzes one target, or all one after another, each for so many seconds (300). What
 * was found stays in `build/fuzz`.
 */
export async function main(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    options: { seconds: { type: "string", default: "300" } },
    allowPositionals: true,
  });
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 1)
    throw new UsageError(
      `--seconds must be a whole number from 1 on, not "${values.seconds}".`,
    );
  const wanted = positionals.length > 0 ? positionals : targets;
  for (const name of wanted)
    if (!targets.includes(name as Target))
      throw new UsageError(
        `There is no target "${name}". Targets: ${targets.join(", ")}.`,
      );
  if (!canFuzz())
    throw new ExpectedError(
      "The fuzz targets could not be built; the reason stands above.",
    );
  let found = false;
  for (const target of wanted as Target[]) {
    await makeSeeds(target);
    const quiet = await fuzz(target, seconds, (text) =>
      process.stdout.write(text),
    );
    found ||= !quiet;
  }
  return found ? 1 : 0;
}
