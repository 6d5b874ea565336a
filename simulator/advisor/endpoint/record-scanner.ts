/** An alert that was sent in clear (RFC 8446 section 6). */
export interface Alert {
  readonly level: "warning" | "fatal";
  readonly description: number;
}

/** Record types (RFC 8446 section 5.1). */
const changeCipherSpec = 20;
const alert = 21;

/** Follows TLS records without reading what is encrypted: their sizes, and alerts that come before encryption begins. */
export class RecordScanner {
  /** Longest record so far: bytes behind its header. */
  longest = 0;
  readonly alerts: Alert[] = [];
  #header = Buffer.alloc(0);
  #body = Buffer.alloc(0);
  #left = 0;
  #encrypted = false;

  feed(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#left === 0) {
        const missing = 5 - this.#header.length;
        this.#header = Buffer.concat([this.#header, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (this.#header.length < 5) return;
        this.#left = this.#header.readUInt16BE(3);
        this.longest = Math.max(this.longest, this.#left);
        this.#body = Buffer.alloc(0);
        if (this.#left > 0) continue;
      } else {
        const part = rest.subarray(0, this.#left);
        rest = rest.subarray(part.length);
        this.#left -= part.length;
        if (this.#header[0] === alert)
          this.#body = Buffer.concat([this.#body, part]);
        if (this.#left > 0) return;
      }
      this.#finish();
    }
  }

  #finish(): void {
    const type = this.#header[0];
    this.#header = Buffer.alloc(0);
    if (type === changeCipherSpec) this.#encrypted = true;
    if (type === alert && !this.#encrypted && this.#body.length === 2)
      this.alerts.push({
        level: this.#body[0] === 1 ? "warning" : "fatal",
        description: this.#body[1],
      });
  }
}
