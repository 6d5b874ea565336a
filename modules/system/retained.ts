import type { Power } from "./power.js";

/**
 * Small values that outlive sleep and every reset but a loss of power, each under a name: the chip's retained text, as
 * JSON. A text that is none of ours counts as empty.
 */
export class Retained {
  readonly #power: Power;
  readonly #values: Record<string, unknown>;

  constructor(power: Power) {
    this.#power = power;
    this.#values = parse(power.retained);
  }

  /** The value of that name, or undefined. */
  get(name: string): unknown {
    return this.#values[name];
  }

  /** Keeps a value; undefined removes it. Throws a RangeError when all of them together are longer than `retainedLimit`. */
  set(name: string, value: unknown): void {
    this.#values[name] = value;
    this.#power.retained = JSON.stringify(this.#values);
  }
}

function parse(text: string | undefined): Record<string, unknown> {
  try {
    const values: unknown = JSON.parse(text ?? "{}");
    return typeof values === "object" && values !== null
      ? (values as Record<string, unknown>)
      : {};
  } catch {
    return {};
  }
}
