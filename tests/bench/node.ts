import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { root } from "../../simulator/commands/project.js";
import { AccessPoint } from "../../simulator/device/access-point/access-point.js";
import { Field } from "../system/field.js";
import { countInstructions } from "./callgrind.js";
import { measureWake } from "./wake.js";

const builds = join(root, "build", "device");
const device = join(builds, "release", "fieldnode");
/** With a board's words and mbedTLS. */
const board = join(builds, "board", "fieldnode");
const targetHeap = 16 * 1024;
/** Erasures that a block of NOR flash endures, as makers of ESP32 modules' flash give it. */
const endurance = 100_000;
const blocks = 128;
const minutesAYear = 525_600;

/** What `tests/unit/telemetry/subject-bench.ts` prints. */
interface Work {
  writes: number;
  written: number;
  erased: number;
  bytes: number;
}

/** What `tests/unit/telemetry/subject-node.ts` prints, in bytes with a board's slots. */
interface Heap {
  empty: number;
  loaded: number;
  most: number;
  alive: number;
  nativeMost: number;
  nativeAlive: number;
}

/** Prints what a sample costs from the sensor to the acknowledgement, what wear it is, and what the whole node holds. */
export async function measureNode(): Promise<void> {
  await printSamples();
  await printHeap();
  await measureWake(board);
}

async function printSamples(): Promise<void> {
  const few = 200;
  const many = 600;
  console.log(
    `A sample of two values; the outbox in 512 KB of flash; flash and cloud are models in memory\n`,
  );
  const perSample = async (script: object): Promise<number> => {
    const [less, more] = [
      await work({ ...script, count: few }, true),
      await work({ ...script, count: many }, true),
    ];
    return (more.instructions - less.instructions) / (many - few);
  };
  const stored = await perSample({ isSent: false, together: false });
  const alone = await perSample({ isSent: true, together: false });
  const batched = await perSample({ isSent: true, together: true });
  const print = (what: string, value: number, unit: string): void =>
    console.log(
      `${what.padEnd(48)}${Math.round(value).toLocaleString("en").padStart(10)} ${unit}`,
    );
  print("stored (written, read back)", stored, "instructions");
  print("sent alone and released, beyond that", alone - stored, "instructions");
  print("sent in twelves, beyond that", batched - stored, "instructions");

  const long = { isSent: true, together: false, count: 20_000 };
  const { result } = await work(long);
  const thousand = 1000 / long.count;
  const years =
    (endurance * blocks) / ((result.erased / long.count) * minutesAYear);
  console.log(`\nFlash, for 1,000 samples stored, sent and released:`);
  print("writes", result.writes * thousand, "");
  print("bytes written", result.written * thousand, "B");
  console.log(
    `${"blocks of 4 KB erased".padEnd(48)}${(result.erased * thousand).toFixed(1).padStart(10)}`,
  );
  console.log(
    `At a sample a minute and ${endurance.toLocaleString("en")} erasures of each of ${blocks} blocks: ${Math.round(years).toLocaleString("en")} years`,
  );
  const short = await work({ isSent: true, together: true, count: few });
  console.log(
    `\nPayload of a sample: ${(result.bytes / long.count).toFixed(0)} B alone, ${(short.result.bytes / few).toFixed(0)} B in twelves, in JSON`,
  );
}

async function printHeap(): Promise<void> {
  const { empty, loaded, most, alive, nativeMost, nativeAlive } =
    await heapOfNode();
  const bytes = (value: number): string => value.toLocaleString("en");
  const missed =
    alive > targetHeap ? `, missed by ${bytes(alive - targetHeap)} B` : "";
  console.log(
    `\nMemory of the whole node in bytes, 32 bit, with a board's mbedTLS; modules are loaded before it starts:\n` +
      `XS's heap, over an empty machine with all modules:\n` +
      `  idle, connected, alive     ${bytes(alive)} (target ${bytes(targetHeap)}${missed})\n` +
      `  most while connecting      ${bytes(most)}, garbage included\n` +
      `  beside it in ROM, where the SDK preloads: the modules ${bytes(loaded)}, XS itself ${bytes(empty)}\n` +
      `Native heap (mbedTLS and the natives; without the system's own for Wi-Fi and TCP):\n` +
      `  idle, connected            ${bytes(nativeAlive)}\n` +
      `  most while connecting      ${bytes(nativeMost)}\n` +
      `Together: idle ${bytes(alive + nativeAlive)}, at most ${bytes(most + nativeMost)}`,
  );
}

/** Runs the program of the samples, under callgrind when instructions are wanted. */
async function work(
  script: object,
  counted = false,
): Promise<{ result: Work; instructions: number }> {
  const folder = mkdtempSync(join(tmpdir(), "fieldnode-bench-"));
  const file = join(folder, "config.json");
  writeFileSync(file, JSON.stringify(script));
  const command = [
    ...[device, "--flash", folder, "--config", file],
    "tests/unit/telemetry/subject-bench",
  ];
  try {
    const { stdout } = await promisify(execFile)(command[0], command.slice(1));
    const line = stdout.split("\n").find((text) => text.startsWith("{"));
    return {
      result: JSON.parse(line ?? "{}") as Work,
      instructions: counted ? (await countInstructions(command)).total : 0,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the whole node against a cloud until it has been idle for some seconds. */
async function heapOfNode(): Promise<Heap> {
  const text = (name: string): string => readFileSync(join(root, name), "utf8");
  const { preload } = JSON.parse(text("manifest.json")) as {
    preload: string[];
  };
  const { compilerOptions } = JSON.parse(text("tsconfig.json")) as {
    compilerOptions: { paths: Record<string, string[]> };
  };
  const field = new Field();
  try {
    await field.startCloud();
    await field.provision();
    const accessPoint = await new AccessPoint().open();
    const flash = field.flashOf("node-1");
    const file = join(flash, "config.json");
    writeFileSync(
      file,
      JSON.stringify({
        endpoint: `${field.cloud.endpoint}:${field.cloud.port}`,
        thing: "node-1",
        interval: 60_000,
        ...accessPoint.settings,
        modules: [...Object.keys(compilerOptions.paths), ...preload].filter(
          (name) => !name.includes("/esp32/"),
        ),
      }),
    );
    const node = spawn(
      board,
      [
        ...["--flash", flash, "--config", file, ...accessPoint.deviceOptions],
        "tests/unit/telemetry/subject-node",
      ],
      { env: { ...process.env, FIELDNODE_FAIL_ALLOCATION: "0" } },
    );
    let result: Heap | undefined;
    let seconds = 0;
    for await (const line of createInterface(node.stdout)) {
      if (!line.startsWith("{")) continue;
      result = JSON.parse(line) as Heap;
      if (++seconds === 5) break;
    }
    node.kill("SIGKILL");
    accessPoint.close();
    if (!result) throw new Error("The node told nothing of its heap.");
    return result;
  } finally {
    await field.close();
  }
}
