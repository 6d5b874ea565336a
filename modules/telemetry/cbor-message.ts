import type { Gap } from "./log-record.js";
import type { MessageFormat } from "./message-format.js";
import { quantities } from "./quantities.js";
import type { Reading } from "./reading.js";

/** Major types (RFC 8949, 3.1), in the place that they have in a first byte. */
const unsigned = 0x00;
const negative = 0x20;
const text = 0x60;
const array = 0x80;
const map = 0xa0;
const tag = 0xc0;

/** Tag 4: a decimal fraction, [exponent, mantissa] (RFC 8949, 3.4.4). It keeps 21.46 what it is. */
const decimalFraction = 4;

/** {"samples": [_ …]}: a map of one, and a list whose end is marked (RFC 8949, 3.2.2). */
const listKey = "samples";
const listStart = 1 + 1 + listKey.length + 1;

/** Samples in CBOR (RFC 8949): the same objects as in JSON, about a quarter smaller. */
export class CBORMessage implements MessageFormat {
  readonly #bytes: Uint8Array;
  #at = 0;
  count = 0;

  /** @param size most bytes of a payload */
  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  get payload(): Uint8Array {
    if (this.count === 1) return this.#bytes.subarray(listStart, this.#at);
    this.#bytes[this.#at] = 0xff;
    return this.#bytes.subarray(0, this.#at + 1);
  }

  begin(): void {
    this.#at = this.count = 0;
    this.#head(map, 1);
    this.#text(listKey);
    this.#bytes[this.#at++] = array | 31;
  }

  addReading(seq: number, sensor: string, reading: Reading): boolean {
    const start = this.#at;
    const faulty = reading.fault !== "none";
    let entries = 3 + (faulty ? 1 : 0) + (reading.isTimeUnset ? 1 : 0);
    for (let has = reading.has; has > 0; has &= has - 1) entries++;
    this.#head(map, entries);
    this.#entry("seq", seq);
    this.#entry("time", reading.time);
    if (reading.isTimeUnset) {
      this.#text("clock");
      this.#text("unset");
    }
    this.#text("sensor");
    this.#text(sensor);
    if (faulty) {
      this.#text("fault");
      this.#text(reading.fault);
    }
    for (let place = 0; place < quantities.length; place++) {
      if (!(reading.has & (1 << place))) continue;
      const { name, decimals } = quantities[place];
      this.#text(name);
      if (decimals > 0) {
        this.#head(tag, decimalFraction);
        this.#head(array, 2);
        this.#integer(-decimals);
      }
      this.#integer(reading.values[place]);
    }
    return this.#end(start);
  }

  addGap(gap: Gap): boolean {
    const start = this.#at;
    this.#head(map, 3);
    this.#entry("seq", gap.first);
    this.#entry("dropped", gap.count);
    this.#entry("last", gap.last);
    return this.#end(start);
  }

  #end(start: number): boolean {
    if (this.#at + 1 > this.#bytes.length) {
      this.#at = start;
      return false;
    }
    this.count++;
    return true;
  }

  #entry(key: string, value: number): void {
    this.#text(key);
    this.#integer(value);
  }

  #integer(value: number): void {
    if (value < 0) this.#head(negative, -1 - value);
    else this.#head(unsigned, value);
  }

  #text(value: string): void {
    this.#head(text, value.length);
    for (let index = 0; index < value.length; index++)
      this.#bytes[this.#at++] = value.charCodeAt(index);
  }

  /** A first byte and its argument in as few bytes as it takes (RFC 8949, 4.2.1). */
  #head(major: number, argument: number): void {
    if (argument < 24) {
      this.#bytes[this.#at++] = major | argument;
      return;
    }
    const length =
      argument < 0x100
        ? 1
        : argument < 0x1_0000
          ? 2
          : argument < 2 ** 32
            ? 4
            : 8;
    this.#bytes[this.#at++] = major | (23 + Math.log2(length) + 1);
    let rest = argument;
    for (let index = length - 1; index >= 0; index--) {
      this.#bytes[this.#at + index] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    this.#at += length;
  }
}
