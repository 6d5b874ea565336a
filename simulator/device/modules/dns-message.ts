/** DNS messages (RFC 1035, section 4) as far as a device needs them: a question for an IPv4 address, its answer. */

/** A damaged or unsuitable message. */
export class MalformedMessage extends Error {}

/** What an answer says. */
export interface Answer {
  id: number;
  /** RCODE: 0 no error, 2 server failure, 3 no such name, 5 refused. */
  code: number;
  /** The answer was cut to fit a packet. */
  truncated: boolean;
  /** The name that was asked for, in lower case. */
  question: string;
  /** IPv4 addresses by name. */
  addresses: Map<string, string>;
  /** Canonical names by alias. */
  aliases: Map<string, string>;
}

const typeA = 1;
const typeCNAME = 5;
const classIN = 1;
const headerLength = 12;

/** True for what can be asked for: labels of 1 to 63 bytes, 253 characters in all. */
export function isName(name: string): boolean {
  return (
    name.length <= 253 &&
    name.split(".").every((label) => /^[\w-]{1,63}$/.test(label))
  );
}

/** A recursive question for the IPv4 addresses of a name. */
export function encodeQuestion(id: number, name: string): Uint8Array {
  const message = new Uint8Array(headerLength + name.length + 2 + 4);
  const view = new DataView(message.buffer);
  view.setUint16(0, id);
  view.setUint16(2, 0x0100); // recursion desired
  view.setUint16(4, 1); // one question
  let at = headerLength;
  for (const label of name.split(".")) {
    message[at++] = label.length;
    message.set(new Uint8Array(ArrayBuffer.fromString(label)), at);
    at += label.length;
  }
  view.setUint16(at + 1, typeA);
  view.setUint16(at + 3, classIN);
  return message;
}

/** Reads an answer to one question for an IPv4 address. Throws MalformedMessage for anything else. */
export function decodeAnswer(buffer: ArrayBuffer): Answer {
  try {
    return new Decoder(buffer).answer();
  } catch (error) {
    // Reading beyond the end is a RangeError of DataView.
    if (error instanceof RangeError) throw new MalformedMessage("cut short");
    throw error;
  }
}

class Decoder {
  readonly #view: DataView;
  #at = headerLength;

  constructor(buffer: ArrayBuffer) {
    this.#view = new DataView(buffer);
  }

  answer(): Answer {
    const flags = this.#view.getUint16(2);
    if ((flags & 0x8000) === 0) throw new MalformedMessage("not an answer");
    if (this.#view.getUint16(4) !== 1)
      throw new MalformedMessage("not one question");
    const answer: Answer = {
      id: this.#view.getUint16(0),
      code: flags & 15,
      truncated: (flags & 0x0200) !== 0,
      question: this.#name(),
      addresses: new Map(),
      aliases: new Map(),
    };
    if (this.#number() !== typeA || this.#number() !== classIN)
      throw new MalformedMessage("not the address of a name");
    for (let left = this.#view.getUint16(6); left > 0; left--)
      this.#record(answer);
    return answer;
  }

  #record({ addresses, aliases }: Answer): void {
    const name = this.#name();
    const type = this.#number();
    const internet = this.#number() === classIN;
    this.#at += 4; // time to live
    const length = this.#number();
    const end = this.#at + length;
    if (internet && type === typeA && length === 4 && !addresses.has(name)) {
      const bytes = [0, 1, 2, 3].map((i) => this.#view.getUint8(this.#at + i));
      addresses.set(name, bytes.join("."));
    } else if (internet && type === typeCNAME) {
      aliases.set(name, this.#name());
    }
    this.#at = end;
  }

  #number(): number {
    const value = this.#view.getUint16(this.#at);
    this.#at += 2;
    return value;
  }

  /** A name in lower case. Pointers (4.1.4) only lead backwards, so that no name is endless. */
  #name(): string {
    const labels: string[] = [];
    let at = this.#at;
    let after: number | undefined;
    for (;;) {
      const length = this.#view.getUint8(at);
      if (length === 0) break;
      if (length >= 0xc0) {
        const target = this.#view.getUint16(at) & 0x3fff;
        if (target >= at) throw new MalformedMessage("a pointer leads forward");
        after ??= at + 2;
        at = target;
      } else if (length < 64) {
        labels.push(this.#label(at + 1, length));
        at += 1 + length;
      } else throw new MalformedMessage("a label of an unknown kind");
      if (labels.length > 127) throw new MalformedMessage("an endless name");
    }
    this.#at = after ?? at + 1;
    return labels.join(".").toLowerCase();
  }

  #label(at: number, length: number): string {
    let label = "";
    for (let i = 0; i < length; i++)
      label += String.fromCharCode(this.#view.getUint8(at + i));
    return label;
  }
}
