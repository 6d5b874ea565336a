import { tellFailure } from "../system/storage.js";
import type { NumberStore } from "../system/stored-number.js";

/** IoT Core takes X.509 certificates on 8883, and on 443 from a client that asks for this by ALPN (developer guide, protocols). */
const standard = [8883, 443];
const alpnOf443: readonly string[] = ["x-amzn-mqtt-ca"];

/**
 * The ports of the endpoint: 8883, and 443 for networks whose firewall lets nothing else out. The one that worked last is
 * tried first, also after a restart.
 */
export class Ports {
  readonly #ports: readonly number[];
  readonly #store: NumberStore | undefined;
  #index = 0;
  #stored: number | undefined;

  /**
   * @param only the one port there is; without it, both of IoT Core's are tried
   * @param store where the port that worked is kept
   */
  constructor(only?: number, store?: NumberStore) {
    this.#ports = only === undefined ? standard : [only];
    this.#store = only === undefined ? store : undefined;
    this.#stored = tellFailure(() => this.#store?.read());
    this.#index = Math.max(0, this.#ports.indexOf(this.#stored ?? 0));
  }

  /** How many there are. */
  get count(): number {
    return this.#ports.length;
  }

  /** The one to try. */
  get current(): number {
    return this.#ports[this.#index];
  }

  /** What to ask for by ALPN there. */
  get alpn(): readonly string[] | undefined {
    return this.current === 443 ? alpnOf443 : undefined;
  }

  /** Nobody answered there: the other one is next. */
  next(): void {
    this.#index = (this.#index + 1) % this.#ports.length;
  }

  /** The broker answered there: remembers it. */
  worked(): void {
    const { current } = this;
    if (current === this.#stored) return;
    this.#stored = current;
    tellFailure(() => this.#store?.write(current));
  }
}
