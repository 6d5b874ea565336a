const noneTaken = (): boolean => false;

/** Packet identifiers (MQTT 5, 2.2.1): 1 to 65,535, one after another and then from 1 again, without those in use. */
export class PacketIds {
  #last: number;

  /** @param last the identifier before the first one that is given */
  constructor(last = 0) {
    this.#last = last;
  }

  /** The next one that is free. At least one must be; when nothing tells what is taken, all are. */
  next(isTaken: (id: number) => boolean = noneTaken): number {
    do this.#last = this.#last === 65_535 ? 1 : this.#last + 1;
    while (isTaken(this.#last));
    return this.#last;
  }
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
