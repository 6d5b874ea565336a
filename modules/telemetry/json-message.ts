import type { Gap } from "./log-record.js";
import type { MessageFormat } from "./message-format.js";
import { quantities } from "./quantities.js";
import type { Reading } from "./reading.js";

const listStart = '{"samples":[';
const listEnd = "]}";

/**
 * Samples in JSON, in UTF-8: about 90 bytes each.
 *
 * `{"seq":7,"time":1800000000123,"sensor":"sht3x","temperature":21.46,"humidity":40.2}`; with a fault
 * `{"seq":8,"time":…,"sensor":"sht3x","fault":"no-answer"}`; for samples that were given up
 * `{"seq":17,"dropped":46,"last":62}`, from sequence number 17 to 62. A `"clock":"unset"` beside the time says that nobody
 * had told the node the time yet.
 */
export class JSONMessage implements MessageFormat {
  readonly #bytes: Uint8Array;
  #at = 0;
  count = 0;

  /** @param size most bytes of a payload */
  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  get payload(): Uint8Array {
    if (this.count === 1)
      return this.#bytes.subarray(listStart.length, this.#at);
    this.#text(listEnd);
    const payload = this.#bytes.subarray(0, this.#at);
    this.#at -= listEnd.length;
    return payload;
  }

  begin(): void {
    this.#at = this.count = 0;
    this.#text(listStart);
  }

  addReading(seq: number, sensor: string, reading: Reading): boolean {
    const start = this.#start(seq);
    this.#text(',"time":');
    this.#number(reading.time, 0);
    if (reading.isTimeUnset) this.#text(',"clock":"unset"');
    this.#text(',"sensor":"');
    this.#text(sensor);
    this.#byte(0x22);
    if (reading.fault !== "none") {
      this.#text(',"fault":"');
      this.#text(reading.fault);
      this.#byte(0x22);
    }
    for (let place = 0; place < quantities.length; place++) {
      if (!(reading.has & (1 << place))) continue;
      const { name, decimals } = quantities[place];
      this.#text(',"');
      this.#text(name);
      this.#text('":');
      this.#number(reading.values[place], decimals);
    }
    return this.#end(start);
  }

  addGap(gap: Gap): boolean {
    const start = this.#start(gap.first);
    this.#text(',"dropped":');
    this.#number(gap.count, 0);
    this.#text(',"last":');
    this.#number(gap.last, 0);
    return this.#end(start);
  }

  #start(seq: number): number {
    const start = this.#at;
    if (this.count > 0) this.#byte(0x2c);
    this.#text('{"seq":');
    this.#number(seq, 0);
    return start;
  }

  /** What did not fit was written nowhere, but counted. */
  #end(start: number): boolean {
    this.#byte(0x7d);
    if (this.#at + listEnd.length > this.#bytes.length) {
      this.#at = start;
      return false;
    }
    this.count++;
    return true;
  }

  #byte(byte: number): void {
    this.#bytes[this.#at++] = byte;
  }

  #text(text: string): void {
    for (let index = 0; index < text.length; index++)
      this.#bytes[this.#at++] = text.charCodeAt(index);
  }

  /** A whole number of the last decimal, without zeros at the end of the decimals. */
  #number(value: number, decimals: number): void {
    let rest = Math.abs(value);
    while (decimals > 0 && rest % 10 === 0) {
      rest /= 10;
      decimals--;
    }
    if (value < 0) this.#byte(0x2d);
    let digits = 1;
    for (let ten = 10; ten <= rest; ten *= 10) digits++;
    if (digits <= decimals) digits = decimals + 1;
    const point = decimals > 0 ? 1 : 0;
    let at = this.#at + digits + point;
    this.#at = at;
    for (let digit = 0; digit < digits; digit++) {
      if (point && digit === decimals) this.#bytes[--at] = 0x2e;
      this.#bytes[--at] = 0x30 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
  }
}
