import { parseArgs } from "node:util";
import { ExpectedError } from "./expected-error.js";

/** A flag that is wrong, missing or misspelt: one line that says which, exit code 2. */
export class UsageError extends ExpectedError {
  constructor(message: string) {
    super(message, 2);
  }
}

/** One flag of a command. */
export interface Flag {
  /** `number` is a whole number from 0; `boolean` has no value. */
  readonly type: "string" | "number" | "boolean";
  /** What its value stands for in the usage line: `DIR`. */
  readonly value?: string;
  /** One line of help. */
  readonly help: string;
  readonly required?: true;
}

/** The flags of a command by name, without their dashes. */
export type Flags = Readonly<Record<string, Flag>>;

type Value<F extends Flag> = F["type"] extends "boolean"
  ? boolean
  : F["type"] extends "number"
    ? number
    : string;

/** The values of a command's flags: all that are required, and those of the others that were given. */
export type FlagValues<S extends Flags> = {
  readonly [K in keyof S]: S[K]["required"] extends true
    ? Value<S[K]>
    : Value<S[K]> | undefined;
};

/**
 * Reads a command's flags (`--name VALUE` or `--name=VALUE`).
 * @throws UsageError for a flag that is unknown ("did you mean --state?"), missing, given twice or without a good value
 */
export function parseFlags<const S extends Flags>(
  argv: readonly string[],
  flags: S,
): FlagValues<S> {
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      Object.entries(flags).map(([name, { type }]) => [
        name,
        { type: type === "boolean" ? "boolean" : "string" } as const,
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values: Record<string, string | number | boolean> = {};
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional")
      throw new UsageError(
        `"${token.value}" belongs to no flag. ${known(flags)}`,
      );
    const flag = Object.hasOwn(flags, token.name)
      ? flags[token.name]
      : undefined;
    if (!flag || !token.rawName.startsWith("--"))
      throw new UsageError(
        `Unknown flag ${token.rawName}${suggestion(token.name, flags)}`,
      );
    if (Object.hasOwn(values, token.name))
      throw new UsageError(`--${token.name} is given twice.`);
    values[token.name] = valueOf(token.name, flag, token.value);
  }
  for (const [name, flag] of Object.entries(flags))
    if (flag.required && !Object.hasOwn(values, name))
      throw new UsageError(
        `--${name} ${flag.value ?? ""} is missing: ${flag.help}.`,
      );
  return values as FlagValues<S>;
}

/** The help of a command: how it is called, and a line for each flag. */
export function usage(command: string, what: string, flags: Flags): string {
  const named = Object.entries(flags).map(
    ([name, { value, type, help, required }]) => ({
      call: `--${name}${type === "boolean" ? "" : ` ${value ?? "VALUE"}`}`,
      help: required ? `${help} (required)` : help,
    }),
  );
  const width = Math.max(...named.map(({ call }) => call.length));
  const lines = named.map(
    ({ call, help }) => `  ${call.padEnd(width)}  ${help}`,
  );
  return [what, `npm run ${command} -- [flags]`, ...lines].join("\n");
}

function valueOf(
  name: string,
  flag: Flag,
  text: string | undefined,
): string | number | boolean {
  if (flag.type === "boolean") {
    if (text !== undefined)
      throw new UsageError(`--${name} takes no value ("${text}").`);
    return true;
  }
  if (text === undefined || text === "" || text.startsWith("--"))
    throw new UsageError(`--${name} needs a value: ${flag.help}.`);
  if (flag.type === "string") return text;
  if (!/^\d{1,10}$/.test(text))
    throw new UsageError(`--${name} needs a whole number, not "${text}".`);
  return Number(text);
}

function known(flags: Flags): string {
  const names = Object.keys(flags).map((name) => `--${name}`);
  return `The flags are ${names.join(", ")}.`;
}

/** The flag that was probably meant, or all that there are. */
function suggestion(name: string, flags: Flags): string {
  const nearest = Object.keys(flags)
    .map((flag) => ({ flag, distance: editDistance(name, flag) }))
    .sort((a, b) => a.distance - b.distance)
    .at(0);
  return nearest && nearest.distance <= Math.max(2, nearest.flag.length / 3)
    ? `: did you mean --${nearest.flag}?`
    : `. ${known(flags)}`;
}

/** Letters to insert, remove or replace to turn one word into the other (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min(
          next[j - 1] + 1,
          row[j] + 1,
          row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    row = next;
  }
  return row[b.length];
}
