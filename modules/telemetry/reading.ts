import { quantities } from "./quantities.js";

/** Why a sensor has no value that could be believed. Flash holds places in this table: only ever add at its end. */
export const faults = [
  "none",
  "no-answer",
  "incomplete",
  "stuck",
  "out-of-range",
  "reported",
] as const;

export type Fault = (typeof faults)[number];

/**
 * What a sensor said at a moment: values, or a fault, which is a reading of its own kind. It is used for one reading after
 * another.
 */
export class Reading {
  /** The sensor's place in the settings. */
  sensor = 0;
  /** When it was asked, in ms since 1970. */
  time = 0;
  /** Nobody had told the node the time yet: it is later than `time`, and in step with its neighbours. */
  isTimeUnset = false;
  fault: Fault = "none";
  /** Which quantities it has: bit 0 for the first of the table and so on. */
  has = 0;
  /** Values as whole numbers of the quantity's last decimal, by place in the table. */
  readonly values = new Int32Array(quantities.length);

  /** Makes it a reading without values. */
  begin(sensor: number, time: number): void {
    this.sensor = sensor;
    this.time = time;
    this.isTimeUnset = false;
    this.fault = "none";
    this.has = 0;
  }

  /** Adds a value. */
  set(place: number, value: number): void {
    this.has |= 1 << place;
    this.values[place] = value;
  }

  /** A line for people: `20.18 Cel, 51.93 %RH`, or the fault. */
  toString(): string {
    const texts = quantities
      .map(({ unit, decimals }, place) =>
        this.has & (1 << place)
          ? `${(this.values[place] / 10 ** decimals).toFixed(decimals)} ${unit}`
          : "",
      )
      .filter((text) => text !== "");
    return [...(this.fault === "none" ? [] : [this.fault]), ...texts].join(
      ", ",
    );
  }
}
