import { execFile } from "node:child_process";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ExpectedError } from "../../simulator/commands/expected-error.js";
import { root } from "../../simulator/commands/project.js";
import { measureBackOnline } from "./back-online.js";

const device = join(root, "build", "device", "release", "fieldnode");
const modules = join(root, "build", "device", "js", "modules", "mqtt");
const topic = "dt/fieldnode/fence-post-1/telemetry";
/** Bytes of a telemetry message's payload: `{"seq":1,"time":…,"temperature":…,"humidity":…}`. */
const telemetrySize = 67;
/** Bytes of XS's slots. */
const slotSize = { desktop: 32, board: 16 };

/** What `tests/unit/mqtt/subject-bench.ts` is told, and what it prints. */
interface Script {
  work: "publish" | "receive" | "nothing";
  QoS: number;
  size: number;
  count: number;
  aliases: number;
}
interface Heap {
  slots: number;
  chunks: number;
}
interface Result extends Heap {
  done: number;
  wire: number;
  loaded: Heap;
  idle: Heap;
}

/**
 * Prints what a message costs on XS in steady state, what a telemetry message weighs on the wire, and what the client holds.
 *
 * Instructions are counted by callgrind as the difference of two runs, garbage collection included, without TLS and
 * network: the socket is an object in memory.
 */
export async function measureMqtt(): Promise<void> {
  console.log(`MQTT 5, session and client, topic of ${topic.length} bytes\n`);
  console.log(
    row("one message", "instructions", "slots", "chunks", "on a board"),
  );
  for (const work of ["publish", "receive"] as const)
    for (const QoS of [0, 1])
      for (const size of [100, 1024]) {
        const script = { work, QoS, size, aliases: 10 };
        const few = await run({ ...script, count: 500 }, true);
        const many = await run({ ...script, count: 2500 }, true);
        const { slots, chunks } = many.result;
        console.log(
          row(
            `${work} QoS ${QoS}, ${size} B`,
            Math.round((many.instructions - few.instructions) / 2000),
            slots,
            `${chunks} B`,
            `${slots * slotSize.board + chunks} B`,
          ),
        );
      }

  const telemetry: Script = {
    ...{ work: "publish", QoS: 1, size: telemetrySize },
    ...{ count: 100, aliases: 10 },
  };
  const short = await run(telemetry);
  const long = await run({ ...telemetry, aliases: 0 });
  console.log(
    `\nOn the wire, a telemetry message of ${telemetrySize} B: ${short.result.wire} B with topic alias, ${long.result.wire} B without`,
  );

  const idle = await run({ ...telemetry, work: "nothing" });
  console.log(`\nModules as JavaScript: ${javaScriptSize()} B`);
  console.log(`Loaded: ${held(idle.result.loaded)}; a board keeps them in ROM`);
  console.log(`Idle session and client: ${held(idle.result.idle)}`);
  await measureBackOnline();
}

function held({ slots, chunks }: Heap): string {
  const bytes = (size: number): string =>
    (slots * size + chunks).toLocaleString("en");
  return `${slots} slots and ${chunks} B of chunks: ${bytes(slotSize.desktop)} B here, ${bytes(slotSize.board)} B with a board's slots`;
}

function row(name: string, ...cells: (string | number)[]): string {
  return (
    name.padEnd(24) + cells.map((cell) => String(cell).padStart(14)).join("")
  );
}

function javaScriptSize(): number {
  return readdirSync(modules)
    .filter((name) => name.endsWith(".js"))
    .map((name) => statSync(join(modules, name)).size)
    .reduce((sum, size) => sum + size, 0);
}

/** Runs the program, under callgrind when instructions are wanted. */
async function run(
  script: Script,
  counted = false,
): Promise<{ result: Result; instructions: number }> {
  const folder = mkdtempSync(join(tmpdir(), "fieldnode-bench-"));
  const profile = join(folder, "callgrind");
  writeFileSync(
    join(folder, "config.json"),
    JSON.stringify({ ...script, topic }),
  );
  const command = [
    ...(counted
      ? ["valgrind", "--tool=callgrind", `--callgrind-out-file=${profile}`]
      : []),
    ...[device, "--flash", folder, "--config", join(folder, "config.json")],
    "tests/unit/mqtt/subject-bench",
  ];
  try {
    const { stdout } = await promisify(execFile)(command[0], command.slice(1));
    const line = stdout.split("\n").find((text) => text.startsWith("{"));
    const result = JSON.parse(line ?? "{}") as Result;
    if (script.work !== "nothing" && result.done !== script.count)
      throw new ExpectedError(
        `${result.done} of ${script.count} messages went through.`,
      );
    return { result, instructions: counted ? total(profile) : 0 };
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT")
      throw new ExpectedError(
        "valgrind is not installed: apt-get install valgrind.",
      );
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The instructions in callgrind's file. */
function total(profile: string): number {
  const found = /^(?:totals|summary): (\d+)/m.exec(
    readFileSync(profile, "utf8"),
  );
  return Number(found?.[1]);
}
