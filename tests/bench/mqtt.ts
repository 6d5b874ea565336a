import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ExpectedError } from "../../simulator/commands/expected-error.js";
import { root } from "../../simulator/commands/project.js";
import { makeSdkModules, moddable, sdkClient } from "../interop/sdk-modules.js";
import { measureBackOnline } from "./back-online.js";

const device = join(root, "build", "device", "release", "fieldnode");
const topic = "dt/fieldnode/fence-post-1/telemetry";
/** Bytes of a telemetry message's payload: `{"seq":1,"time":…,"temperature":…,"humidity":…}`. */
const telemetrySize = 67;
/** Bytes of XS's slots. */
const slotSize = { desktop: 32, board: 16 };

/** What `tests/unit/mqtt/subject-bench.ts` is told, and what it prints. */
interface Script {
  subject: string;
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
 * network: the socket is an object in memory. With MODDABLE set, the SDK's client does the same.
 */
export async function measureMqtt(): Promise<void> {
  console.log(`MQTT 5, session and client, topic of ${topic.length} bytes\n`);
  await measureMessages("session");
  const telemetry: Script = {
    ...{ subject: "session", work: "publish", QoS: 1, size: telemetrySize },
    ...{ count: 100, aliases: 10 },
  };
  const short = await run(telemetry);
  const long = await run({ ...telemetry, aliases: 0 });
  console.log(
    `\nOn the wire, a telemetry message of ${telemetrySize} B: ${short.result.wire} B with topic alias, ${long.result.wire} B without`,
  );

  const idle = await run({ ...telemetry, work: "nothing" });
  console.log(`\nModules: ${await moduleSizes(telemetry)}`);
  console.log(`Loaded: ${held(idle.result.loaded)}; a board keeps them in ROM`);
  console.log(`Idle session and client: ${held(idle.result.idle)}`);
  await measureBackOnline();
  await measureBeside();
}

/** Our client and the SDK's, each alone, doing the same. */
async function measureBeside(): Promise<void> {
  if (moddable === undefined) {
    console.log(
      "\nThe SDK's MQTT client is not measured: MODDABLE, the SDK's folder, is not set.",
    );
    return;
  }
  for (const [name, subject] of [
    ["our client", "client"],
    ["the SDK's client", sdkClient],
  ] as const) {
    console.log(`\nMQTT 3.1.1, ${name} alone, without a session\n`);
    await measureMessages(subject);
    const { idle } = (
      await run({
        ...{ subject, work: "nothing", QoS: 0, size: 0, count: 1, aliases: 0 },
      })
    ).result;
    console.log(`Idle client: ${held(idle)}`);
  }
}

/** Prints what messages cost, beyond a turn of the event loop in which nothing is done. */
async function measureMessages(subject: string): Promise<void> {
  console.log(
    row("one message", "instructions", "slots", "chunks", "on a board"),
  );
  const cost = async (script: Omit<Script, "count">) => {
    const [few, many] = await Promise.all(
      [200, 1000].map((count) => run({ ...script, count }, true)),
    );
    return {
      instructions: (many.instructions - few.instructions) / 800,
      ...{ slots: many.result.slots, chunks: many.result.chunks },
    };
  };
  const settings = { subject, aliases: 10 };
  const turn = await cost({ ...settings, work: "nothing", QoS: 0, size: 0 });
  for (const work of ["publish", "receive"] as const)
    for (const QoS of [0, 1])
      for (const size of [100, 1024]) {
        const one = await cost({ ...settings, work, QoS, size });
        // What the measuring itself takes is spread over a sample, so it leaves fractions.
        const slots = Math.round(one.slots - turn.slots);
        const chunks = Math.round(one.chunks - turn.chunks);
        console.log(
          row(
            `${work} QoS ${QoS}, ${size} B`,
            Math.round(one.instructions - turn.instructions),
            slots,
            `${chunks} B`,
            `${slots * slotSize.board + chunks} B`,
          ),
        );
      }
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

/** What the compiled modules of `modules/mqtt` weigh that a session and its client load, as XS has them. */
async function moduleSizes(script: Script): Promise<string> {
  const { lines } = await run({ ...script, work: "nothing" }, false, [
    "--sizes",
  ]);
  const sizes = lines
    .map((line) => /^size modules\/mqtt\/\S+ (\d+) (\d+)$/.exec(line))
    .filter((match) => match !== null);
  const sum = (column: number): string =>
    sizes
      .reduce((total, match) => total + Number(match[column]), 0)
      .toLocaleString("en");
  return `${sizes.length}, with ${sum(1)} B of byte code and ${sum(2)} B of names, which a board keeps once for all modules`;
}

/** Runs the program, under callgrind when instructions are wanted. */
async function run(
  script: Script,
  counted = false,
  options: string[] = [],
): Promise<{ result: Result; instructions: number; lines: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), "fieldnode-bench-"));
  const profile = join(folder, "callgrind");
  writeFileSync(
    join(folder, "config.json"),
    JSON.stringify({ ...script, topic }),
  );
  const js = script.subject === sdkClient ? makeSdkModules(folder) : undefined;
  const command = [
    ...(counted
      ? ["valgrind", "--tool=callgrind", `--callgrind-out-file=${profile}`]
      : []),
    device,
    ...(js ? ["--js", js] : []),
    ...options,
    ...["--flash", folder, "--config", join(folder, "config.json")],
    "tests/unit/mqtt/subject-bench",
  ];
  try {
    const { stdout } = await promisify(execFile)(command[0], command.slice(1));
    const lines = stdout.split("\n");
    const line = lines.find((text) => text.startsWith("{"));
    const result = JSON.parse(line ?? "{}") as Result;
    if (script.work !== "nothing" && result.done !== script.count)
      throw new ExpectedError(
        `${result.done} of ${script.count} messages went through.`,
      );
    return { result, instructions: counted ? total(profile) : 0, lines };
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
