import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ExpectedError } from "../../simulator/commands/expected-error.js";

/** Instructions of a run or of a stretch of it. */
export interface Instructions {
  total: number;
  /** Each function's own, by its name. */
  functions: Map<string, number>;
  /** Who called whom, and what that took with all that was called from there. */
  calls: { caller: string; callee: string; cost: number }[];
  /** The function before whose call the stretch ends; undefined at the end of the run. */
  end: string | undefined;
}

/** What the functions of those names took themselves. */
export const ownOf = ({ functions }: Instructions, names: RegExp): number =>
  [...functions].reduce(
    (total, [name, count]) => total + (names.test(name) ? count : 0),
    0,
  );

/**
 * Runs a command under valgrind's callgrind.
 *
 * @param until name of a function at whose first call the count ends; else it is the whole run's
 */
export async function countInstructions(
  command: string[],
  until?: string,
): Promise<Instructions> {
  const [profile] = await profiles(
    command,
    until === undefined ? [] : [`--dump-before=${until}`],
  );
  return read(profile);
}

/**
 * Instructions of a run in parts, each up to a call of one of the functions. What follows the last call is not among them:
 * the run may end by replacing itself.
 */
export async function countParts(
  command: string[],
  functions: string[],
  life?: Record<string, string>,
): Promise<Instructions[]> {
  const found = await profiles(
    command,
    functions.map((name) => `--dump-before=${name}`),
    life,
  );
  return found.slice(0, -1).map(read);
}

/** Instructions between one wait for the network or a timer and the next, in their order. */
export async function countStretches(command: string[]): Promise<number[]> {
  // What poll() is called in libc's table of symbols depends on its version.
  const found = await profiles(command, [
    "--dump-before=poll",
    "--dump-before=ppoll",
  ]);
  return found.map(totalOf);
}

/**
 * Callgrind's files of a run; the one of the end comes last.
 *
 * @param life environment of a node's life that ends with sleep: the program then replaces itself, which valgrind does not
 * follow and calls a failure
 */
async function profiles(
  command: string[],
  options: string[],
  life?: Record<string, string>,
): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "fieldnode-callgrind-"));
  try {
    const file = `--callgrind-out-file=${join(folder, "out")}`;
    await promisify(execFile)(
      "valgrind",
      [...["--tool=callgrind", file, ...options], ...command],
      { env: { ...process.env, ...life } },
    ).catch((error: unknown) => {
      const { code } = error as { code?: unknown };
      if (life === undefined || typeof code === "string") throw error;
    });
    // out, out.1, out.2 …: the one without a number is the last.
    const order = (name: string): number =>
      name === "out" ? Infinity : Number(name.slice("out.".length));
    return readdirSync(folder)
      .sort((a, b) => order(a) - order(b))
      .map((name) => readFileSync(join(folder, name), "utf8"));
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

const totalOf = (profile: string): number =>
  Number(/^totals: (\d+)/m.exec(profile)?.[1]);

/** Sums the lines of each function; a line after `calls=` is what the called one took, and counted there. */
function read(profile: string): Instructions {
  const names = new Map<string, string>();
  const functions = new Map<string, number>();
  const calls: Instructions["calls"] = [];
  let caller = "";
  let callee = "";
  let isCall = false;
  for (const line of profile.split("\n")) {
    const [, kind, id, name] = /^(c?fn)=\((\d+)\)(?: (.*))?$/.exec(line) ?? [];
    if (kind) {
      if (name) names.set(id, name);
      if (kind === "fn") caller = names.get(id) ?? "";
      else callee = names.get(id) ?? "";
    } else if (line.startsWith("calls=")) isCall = true;
    else if (/^[\d+*-]/.test(line)) {
      const cost = Number(line.split(" ")[1]);
      if (isCall) calls.push({ caller, callee, cost });
      else functions.set(caller, (functions.get(caller) ?? 0) + cost);
      isCall = false;
    }
  }
  const end = /^desc: Trigger: --dump-before=(.*)$/m.exec(profile)?.[1];
  return { total: totalOf(profile), functions, calls, end };
}
