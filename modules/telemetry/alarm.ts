import { Failure } from "../system/failure.js";
import type { SensorSettings } from "../system/telemetry-settings.js";
import { quantities, scaleOf } from "./quantities.js";
import type { Reading } from "./reading.js";

/** A limit that a reading may cross. */
export class Alarm {
  /** Number of the channel that is told. */
  readonly to: number;
  readonly #place: number;
  readonly #above: number;
  readonly #below: number;
  /** The last reading was beyond the limit. */
  beyond = false;

  /** Throws a Failure `config.invalid` for a quantity that nothing measures. */
  constructor({
    to,
    quantity,
    above,
    below,
  }: SensorSettings["alarms"][number]) {
    this.to = to;
    this.#place = quantities.findIndex(({ name }) => name === quantity);
    if (this.#place < 0)
      throw new Failure(
        "config.invalid",
        `there is no quantity "${quantity}"; there are ${quantities.map(({ name }) => name).join(", ")}`,
      );
    const scale = scaleOf(quantities[this.#place]);
    this.#above = above * scale;
    this.#below = below * scale;
  }

  /** True for the first reading beyond the limit: again only after one that is not. */
  isRaisedBy({ fault, has, values }: Reading): boolean {
    if (fault !== "none" || !(has & (1 << this.#place))) return false;
    const value = values[this.#place];
    const before = this.beyond;
    this.beyond = value > this.#above || value < this.#below;
    return this.beyond && !before;
  }
}
