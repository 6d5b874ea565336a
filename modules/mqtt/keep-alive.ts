import Timer from "timer";

/** What a keep-alive needs. */
export interface KeepAliveOptions {
  /** Milliseconds without a packet from this client after which the broker may hang up. */
  interval: number;
  /** Sends PINGREQ as soon as possible. */
  sender: { ping(): void };
  /** Tells whether a message is being received, so that PINGRESP can only come after it. */
  inlet: { readonly busy: boolean };
  /** Nothing proves any more that the broker is there. */
  dead: () => void;
}

/**
 * Keeps the connection alive and notices when it is not (MQTT 5, 3.1.2.10).
 *
 * It is what was received that proves the broker alive: a node that publishes all the time can be long cut off without
 * noticing if it goes by what it sends. So a PINGREQ goes out when one of the two directions was silent for five to six
 * eighths of the interval, and when no PINGRESP came within four eighths after it, the connection is dead: after ten
 * eighths at the latest. The broker's own limit is 12; what is between allows for ticks that come late on a busy node.
 * It counts eighths by a timer, so it needs no clock.
 */
export class KeepAlive {
  readonly #options: KeepAliveOptions;
  readonly #timer: Timer;
  #quietIn = 0;
  #quietOut = 0;
  /** Eighths since PINGREQ; 0 when no PINGRESP is missing. */
  #waiting = 0;

  constructor(options: KeepAliveOptions) {
    this.#options = options;
    this.#timer = Timer.repeat(
      () => this.#eighth(),
      Math.max(1, options.interval / 8),
    );
  }

  /** Bytes came in. */
  received(): void {
    this.#quietIn = 0;
    // PINGRESP stands behind the message that is coming in: as long as that flows, the broker lives.
    if (this.#waiting > 0 && this.#options.inlet.busy) this.#waiting = 1;
  }

  /** The socket took bytes of a message behind which PINGREQ still waits: the other end takes them, so it lives. */
  progressed(): void {
    if (this.#waiting > 0) this.#waiting = 1;
  }

  /** A packet went out. */
  sent(): void {
    this.#quietOut = 0;
  }

  /** PINGRESP came in. */
  answered(): void {
    this.#waiting = 0;
  }

  /** Stops. */
  close(): void {
    Timer.clear(this.#timer);
  }

  #eighth(): void {
    this.#quietIn++;
    this.#quietOut++;
    if (this.#waiting > 0) {
      if (++this.#waiting > 4) this.#options.dead();
    } else if (this.#quietIn > 5 || this.#quietOut > 5) {
      this.#waiting = 1;
      this.#options.sender.ping();
    }
  }
}
