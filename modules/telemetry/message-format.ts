import type { Gap } from "./log-record.js";
import type { Reading } from "./reading.js";

/**
 * Writes samples as the payload of a message, into a buffer that is there. One sample is an object of its own; several are
 * a list: `{"samples":[…]}`.
 */
export interface MessageFormat {
  /** The payload of the samples since `begin`: a view of the buffer. */
  readonly payload: Uint8Array;
  /** Samples in it. */
  readonly count: number;
  /** Starts a payload. */
  begin(): void;
  /** Adds a reading. False when there is no room for it: it is then not in it. */
  addReading(seq: number, sensor: string, reading: Reading): boolean;
  /** Adds what was given up. */
  addGap(gap: Gap): boolean;
}
