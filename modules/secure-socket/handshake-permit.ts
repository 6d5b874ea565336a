/** The head of the line holds the permit; undefined when nobody does. */
let first: HandshakePermit | undefined;
let last: HandshakePermit | undefined;

/**
 * Leave to make a TLS handshake, of which a node makes one at a time: it needs some 30 KB that an ESP32's heap has once,
 * but hardly twice. Who asks while another holds it waits in line.
 */
export class HandshakePermit {
  readonly #onGranted: () => void;
  #next: HandshakePermit | undefined;

  /**
   * Asks for it; `isHeld` tells whether it is granted at once.
   *
   * @param onGranted called when it is granted later, out of another's `release`: it should only note that
   */
  constructor(onGranted: () => void) {
    this.#onGranted = onGranted;
    HandshakePermit.#append(this);
  }

  static #append(permit: HandshakePermit): void {
    if (last) last.#next = permit;
    else first = permit;
    last = permit;
  }

  /** Whether the handshake may go on. */
  get isHeld(): boolean {
    return first === this;
  }

  /** Gives it to the next in line, or leaves the line. Doing so again does nothing. */
  release(): void {
    if (first === this) {
      first = this.#next;
      this.#next = undefined;
      if (first) first.#onGranted();
      else last = undefined;
      return;
    }
    for (let one = first; one; one = one.#next) {
      if (one.#next !== this) continue;
      one.#next = this.#next;
      if (last === this) last = one;
      this.#next = undefined;
      return;
    }
  }
}
