import { Failure } from "./failure.js";

/** A part of the settings, as it was given. */
export type Section = Record<string, unknown>;

/**
 * Takes settings out of what was given, and collects what is wrong with them: all of it, so that it can be put right in one
 * go. A setting that is wrong reads as a value of its kind.
 */
export class SettingsReader {
  readonly #wrong: string[] = [];
  readonly #missing: string[] = [];

  /** A text of at least one character. Without `otherwise` it must be given. */
  text(name: string, value: unknown, otherwise?: string): string {
    if (typeof value === "string" && (value.length > 0 || otherwise === ""))
      return value;
    if (value !== undefined) this.wrong(`${name} must be a text`);
    else if (otherwise === undefined) this.#missing.push(name);
    return otherwise ?? "";
  }

  /** Checks how many bytes a text has; what is no text is somebody else's to tell. */
  length(name: string, value: unknown, least: number, most: number): void {
    if (typeof value !== "string" || value === "") return;
    const { byteLength } = ArrayBuffer.fromString(value);
    if (byteLength < least || byteLength > most)
      this.wrong(`${name} must have ${least} to ${most} bytes`);
  }

  /** A whole number. */
  whole(
    name: string,
    value: unknown,
    least: number,
    otherwise: number,
    most = Infinity,
  ): number {
    if (value === undefined) return otherwise;
    if (
      typeof value === "number" &&
      Number.isInteger(value) &&
      value >= least &&
      value <= most
    )
      return value;
    this.wrong(
      `${name} must be a whole number from ${least}${most === Infinity ? "" : ` to ${most}`}`,
    );
    return otherwise;
  }

  /** Milliseconds that a timer can count, up to 24 days; more would wrap around to no wait at all. */
  wait(name: string, value: unknown, least: number, otherwise: number): number {
    return this.whole(name, value, least, otherwise, 0x7fff_ffff);
  }

  /** A number. */
  number(name: string, value: unknown, otherwise: number): number {
    if (value === undefined) return otherwise;
    if (typeof value === "number" && !Number.isNaN(value)) return value;
    this.wrong(`${name} must be a number`);
    return otherwise;
  }

  /** True or false. */
  flag(name: string, value: unknown, otherwise: boolean): boolean {
    if (value === undefined || typeof value === "boolean")
      return value ?? otherwise;
    this.wrong(`${name} must be true or false`);
    return otherwise;
  }

  /** One of some words. The first one when none is given. */
  choice<T extends string>(
    name: string,
    value: unknown,
    words: readonly [T, ...T[]],
  ): T {
    if (value === undefined) return words[0];
    const found = words.find((word) => word === value);
    if (found === undefined)
      this.wrong(
        `${name} must be ${words.map((word) => `"${word}"`).join(" or ")}`,
      );
    return found ?? words[0];
  }

  /** A list of texts, not empty. */
  texts(name: string, value: unknown): string[] {
    if (value === undefined) this.#missing.push(name);
    else if (
      !Array.isArray(value) ||
      value.length === 0 ||
      !value.every((one) => typeof one === "string")
    )
      this.wrong(`${name} must be a list of texts`);
    else return value;
    return [];
  }

  /** A part with settings of its own. */
  section(name: string, value: unknown, otherwise?: Section): Section {
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Section;
    if (value !== undefined) this.wrong(`${name} must be an object`);
    else if (otherwise === undefined) this.#missing.push(name);
    return otherwise ?? {};
  }

  /** A list of parts, each of which `read` takes. */
  list<T>(
    name: string,
    value: unknown,
    read: (name: string, section: Section) => T,
    otherwise: Section[],
  ): T[] {
    let given = otherwise;
    if (Array.isArray(value)) given = value as Section[];
    else if (value !== undefined) this.wrong(`${name} must be a list`);
    return given.map((one, index) =>
      read(`${name}[${index}]`, this.section(`${name}[${index}]`, one)),
    );
  }

  /** Settings that nobody knows are misspelt ones. */
  unknown(name: string, section: Section, known: readonly string[]): void {
    for (const key of Object.keys(section))
      if (!known.includes(key))
        this.wrong(
          `${name}.${key} is no setting; there are ${known.join(", ")}`,
        );
  }

  /** Adds to what is wrong. */
  wrong(words: string): void {
    this.#wrong.push(words);
  }

  /** Throws a Failure `config.missing` or `config.invalid` that tells everything that is wrong, if anything is. */
  finish(): void {
    const missing = this.#missing.join(", ");
    if (this.#wrong.length > 0)
      throw new Failure(
        "config.invalid",
        [
          ...this.#wrong,
          ...(missing === "" ? [] : [`missing: ${missing}`]),
        ].join("; "),
      );
    if (missing !== "") throw new Failure("config.missing", missing);
  }
}
