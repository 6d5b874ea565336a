/** The packet identifier after this one: 1 to 65,535, then 1 again; 0 is none (MQTT 5, 2.2.1). */
export function nextPacketId(id: number): number {
  return id === 65_535 ? 1 : id + 1;
}

/** A queue of packet identifiers of fixed capacity, in one array that is allocated once. */
export class PacketIdQueue {
  readonly #ids: Uint16Array;
  #first = 0;
  #length = 0;

  constructor(capacity: number) {
    this.#ids = new Uint16Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  get full(): boolean {
    return this.#length === this.#ids.length;
  }

  /** Puts one at the end; the queue must not be full. */
  push(id: number): void {
    this.#ids[(this.#first + this.#length++) % this.#ids.length] = id;
  }

  /** Takes the first one; the queue must not be empty. */
  shift(): number {
    const id = this.#ids[this.#first];
    this.#first = (this.#first + 1) % this.#ids.length;
    this.#length--;
    return id;
  }
}
