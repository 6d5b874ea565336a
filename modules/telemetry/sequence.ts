/** Where the next sequence number is kept over restarts. */
export interface SequenceStore {
  read(): number | undefined;
  write(next: number): void;
}

/**
 * Numbers that grow by one, also over restarts.
 *
 * The successor is stored before a number is given out, so that none is ever given twice. That is one flash write of a
 * few bytes a sample: NVS puts some 120 of them into a 4 KB page before it erases one, so a sample a minute for ten
 * years erases each of three pages about 15,000 times of the 100,000 that flash endures.
 */
export class Sequence {
  readonly #store: SequenceStore;
  #next: number;

  constructor(store: SequenceStore) {
    this.#store = store;
    this.#next = store.read() ?? 1;
  }

  /** The next number. Throws what the store throws when it cannot be kept; the number is then not used up. */
  take(): number {
    const number = this.#next;
    this.#store.write(number + 1);
    this.#next = number + 1;
    return number;
  }
}
