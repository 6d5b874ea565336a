import type { LogRecord } from "./log-record.js";
import { quantities } from "./quantities.js";
import { faults, type Reading } from "./reading.js";

/** Bytes before the values: time, sensor and fault, quantities. */
const valuesAt = 10;

const high = 0x1_0000_0000;

/** Beside the sensor's number: the node did not know the time. */
const unset = 0x80;

/**
 * A reading as the log holds it, 13 to 19 bytes for two or three values: the time (48 bits), the sensor, the fault, which
 * quantities follow (16 bits), and their values, seven bits a byte, the lowest first, the sign in the lowest bit.
 */
export function storeReading(reading: Reading, record: LogRecord): void {
  const { content } = record;
  setUint32(content, 0, reading.time % high);
  content[4] = reading.time / high;
  content[5] = Math.floor(reading.time / high) >> 8;
  content[6] = reading.sensor | (reading.isTimeUnset ? unset : 0);
  content[7] = faults.indexOf(reading.fault);
  content[8] = reading.has;
  content[9] = reading.has >> 8;
  let at = valuesAt;
  for (let place = 0; place < quantities.length; place++) {
    if (!(reading.has & (1 << place))) continue;
    const value = reading.values[place];
    let rest = ((value << 1) ^ (value >> 31)) >>> 0;
    for (; rest > 127; rest >>>= 7) content[at++] = (rest & 127) | 128;
    content[at++] = rest;
  }
  record.gap = false;
  record.length = at;
}

/** When a stored reading was taken, in ms since 1970. */
export function storedTime({ content }: LogRecord): number {
  const low =
    (content[0] |
      (content[1] << 8) |
      (content[2] << 16) |
      (content[3] << 24)) >>>
    0;
  return (content[4] | (content[5] << 8)) * high + low;
}

/** The node did not know the time when it took a stored reading. */
export function isTimeUnset({ content }: LogRecord): boolean {
  return (content[6] & unset) !== 0;
}

/** Takes a reading out of a record. */
export function loadReading(record: LogRecord, reading: Reading): void {
  const { content, length } = record;
  reading.begin(content[6] & ~unset, storedTime(record));
  reading.isTimeUnset = isTimeUnset(record);
  reading.fault = faults[content[7]] ?? "reported";
  const has = content[8] | (content[9] << 8);
  let at = valuesAt;
  for (let place = 0; place < quantities.length && at < length; place++) {
    if (!(has & (1 << place))) continue;
    let rest = 0;
    let shift = 0;
    do {
      rest |= (content[at] & 127) << shift;
      shift += 7;
    } while (content[at++] > 127 && at < length);
    reading.set(place, (rest >>> 1) ^ -(rest & 1));
  }
}

function setUint32(content: Uint8Array, at: number, value: number): void {
  content[at] = value;
  content[at + 1] = value / 0x100;
  content[at + 2] = value / 0x1_0000;
  content[at + 3] = value / 0x100_0000;
}
