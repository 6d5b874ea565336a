import Timer from "timer";

/** What an ECMA-419 TCP class is constructed with, as far as a wire uses it. */
interface WireOptions {
  host: string;
  port: number;
  onReadable(count: number): void;
  onWritable(count: number): void;
  onError(error?: unknown): void;
}

/**
 * A TCP socket in memory, in ECMA-419's shape, whose other end is the test.
 *
 * It is as strict as the SDK's: reading more than there is and writing more than there is room for throw.
 */
export class Wire {
  /** The wire that was opened last. */
  static last: Wire;
  /** How many were opened. */
  static count = 0;

  readonly options: WireOptions;
  /** Bytes that may be written before `drain`. */
  room = 4096;
  closed = false;
  /** Sizes of the writes, as TLS would make records of them: those with `more` count with the one that follows. */
  records: number[] = [];
  #held = 0;
  #input: number[] = [];
  #output: number[] = [];

  constructor(options: WireOptions) {
    this.options = options;
    Wire.last = this;
    Wire.count++;
  }

  read(buffer: Uint8Array): number {
    if (buffer.length > this.#input.length) throw new Error("invalid");
    buffer.set(this.#input.splice(0, buffer.length));
    return buffer.length;
  }

  write(buffer: Uint8Array, options?: { more: boolean }): number {
    if (this.closed) throw new Error("closed");
    if (buffer.length > this.room) throw new Error("would block");
    for (const byte of buffer) this.#output.push(byte);
    this.room -= buffer.length;
    this.#held += buffer.length;
    if (!options?.more) {
      this.records.push(this.#held);
      this.#held = 0;
    }
    return this.room;
  }

  close(): void {
    this.closed = true;
  }

  /** The socket is connected, with this much room. */
  open(room = 4096): void {
    this.drain(room);
  }

  /** The socket has room again. */
  drain(room = 4096): void {
    this.room = room;
    this.options.onWritable(room);
  }

  /** Bytes, in hex with spaces or as an array, come in, in pieces of the given size. */
  receive(bytes: string | number[], size = Infinity): void {
    const all = typeof bytes === "string" ? fromHex(bytes) : bytes;
    for (let at = 0; at < all.length && !this.closed; at += size) {
      this.#input.push(...all.slice(at, at + size));
      this.options.onReadable(this.#input.length);
    }
  }

  /** The other side is gone. */
  cut(error?: unknown): void {
    this.options.onError(error);
  }

  /** Takes what was written, one string of hex for each packet. A packet that is not complete yet stays. */
  take(): string[] {
    const packets: string[] = [];
    for (;;) {
      const output = this.#output;
      let at = 1;
      let length = 0;
      while ((output[at] ?? 0) > 127) at++;
      for (let digit = at; digit > 0; digit--)
        length = length * 128 + ((output[digit] ?? 0) & 127);
      const end = at + 1 + length;
      if (output.length < 2 || output.length < end) return packets;
      packets.push(toHex(output.splice(0, end)));
    }
  }

  /** Of what was written and not taken, only the first bytes arrive. */
  lose(arriving: number): void {
    this.#output.splice(arriving);
  }

  /** Bytes written and not taken. */
  get pending(): number {
    return this.#output.length;
  }
}

/** "10 0a ff" as bytes. */
export function fromHex(text: string): number[] {
  return text
    .split(" ")
    .filter((byte) => byte !== "")
    .map((byte) => parseInt(byte, 16));
}

/** Bytes as "10 0a ff". */
export function toHex(bytes: ArrayLike<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(
    " ",
  );
}

/** A text's UTF-8 bytes with their length before them, in hex. */
export function text(value: string): string {
  const bytes = new Uint8Array(ArrayBuffer.fromString(value));
  return toHex([bytes.length >> 8, bytes.length & 255, ...bytes]);
}

/** A text's UTF-8 bytes in hex. */
export function raw(value: string): string {
  return toHex(new Uint8Array(ArrayBuffer.fromString(value)));
}

/** A packet: the first byte and the content in hex. The length is put between them. */
export function packet(first: string, content: string): string {
  let length = fromHex(content).length;
  const digits: number[] = [];
  do {
    digits.push((length & 127) | (length > 127 ? 128 : 0));
    length >>= 7;
  } while (length > 0);
  return `${first} ${toHex(digits)} ${content}`.trim();
}

/** Resolves after so many milliseconds. */
export function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    Timer.set(() => resolve(), milliseconds);
  });
}
