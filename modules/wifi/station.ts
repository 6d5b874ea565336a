import Timer from "timer";
import { Backoff } from "../system/backoff.js";
import { Failure } from "../system/failure.js";
import { log } from "../system/log.js";

/** What a scan finds, as `embedded:network/interface/wifi` gives it. RSSI in dBm. */
interface AccessPoint {
  SSID: string;
  RSSI: number;
}

/** A Wi-Fi interface in the shape of `embedded:network/interface/wifi` (ECMA-419, network interface). */
export interface WiFiInterface {
  readonly connection: number;
  readonly address: string | undefined;
  readonly RSSI: number | undefined;
  connect(options: { SSID: string; password?: string }): void;
  disconnect(): void;
  scan(options: {
    onFound?: (found: AccessPoint) => void;
    onComplete?: () => void;
  }): void;
  close(): void;
}

/** What a station needs. */
export interface StationOptions {
  /** The interface's class. */
  io: new (options: { onChanged: (property: string) => void }) => WiFiInterface;
  SSID: string;
  password?: string;
  /** The node has an address. May be called again after each loss. RSSI in dBm. */
  onJoined: (link: { address: string; RSSI: number | undefined }) => void;
  /** The node is not, or no longer, on the network. It keeps trying by itself. */
  onFailed: (failure: Failure) => void;
  backoff?: Backoff;
  /** How long a scan may take, in ms; 10 000 when absent. */
  scanLimit?: number;
}

/** Values of `connection` (ECMA-419): linked is associated with the access point, online has an address as well. */
const off = 200;
const linked = 400;
const online = 500;

/** How long association and DHCP may take together, in ms. Slow access points need 10 s. */
const joinLimit = 20_000;

/** How long a scan may take, in ms: 13 channels take about 2 s. */
const defaultScanLimit = 10_000;

/**
 * Joins one Wi-Fi network and stays on it.
 *
 * The interface reports only that it is not connected, never why. What an owner needs to know is told apart here: a
 * network that a scan does not find, one that is there and refuses (the password), one that gives no address, and one
 * that was lost.
 */
export class Station {
  readonly #options: StationOptions;
  readonly #backoff: Backoff;
  readonly #interface: WiFiInterface;
  #state: "idle" | "joining" | "joined" | "asking-why" | "waiting" | "closed" =
    "idle";
  #reached = 0;
  #timer: Timer | undefined;

  constructor(options: StationOptions) {
    this.#options = options;
    this.#backoff =
      options.backoff ?? new Backoff({ base: 1000, limit: 60_000 });
    this.#interface = new options.io({ onChanged: () => this.#onChanged() });
    this.#join();
  }

  /** True while the node is on the network and has an address. */
  get joined(): boolean {
    return this.#state === "joined";
  }

  /** Signal strength in dBm while on the network. */
  get RSSI(): number | undefined {
    return this.#interface.RSSI;
  }

  /** Leaves the network for good. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    Timer.clear(this.#timer);
    this.#timer = undefined;
    this.#interface.close();
  }

  #join(): void {
    const { SSID, password } = this.#options;
    this.#state = "joining";
    this.#reached = 0;
    this.#wait(joinLimit, () => this.#explain());
    this.#order(() =>
      this.#interface.connect(
        password === undefined ? { SSID } : { SSID, password },
      ),
    );
  }

  /** Tells the interface to do something. One that throws, because it is busy, must not cost the node its network. */
  #order(order: () => void): void {
    try {
      order();
    } catch (error) {
      this.#failed(Failure.from(error, "wifi.failed"));
    }
  }

  #onChanged(): void {
    const connection = this.#interface.connection;
    if (this.#state === "joining") {
      if (connection >= online && this.#interface.address !== undefined)
        this.#joined();
      else if (connection <= off || connection < this.#reached) this.#explain();
      else this.#reached = connection;
    } else if (this.#state === "joined" && connection < online) {
      this.#failed(new Failure("wifi.lost", this.#options.SSID));
    }
  }

  #joined(): void {
    Timer.clear(this.#timer);
    this.#timer = undefined;
    this.#state = "joined";
    this.#backoff.reset();
    const { address, RSSI } = this.#interface;
    log(
      "wifi",
      `joined ${this.#options.SSID}, ${address!}, ${RSSI ?? "?"} dBm`,
    );
    this.#options.onJoined({ address: address!, RSSI });
  }

  /** Joining failed: says why as far as the interface lets us know, by how far it came and by what a scan finds. */
  #explain(): void {
    const { SSID } = this.#options;
    if (this.#reached >= linked) {
      this.#failed(new Failure("wifi.no-address", SSID));
      return;
    }
    this.#state = "asking-why";
    let strongest: number | undefined;
    const finish = () => {
      if (this.#state !== "asking-why") return;
      this.#failed(
        strongest === undefined
          ? new Failure("wifi.not-found", SSID)
          : new Failure("wifi.wrong-password", `${SSID}, ${strongest} dBm`),
      );
    };
    this.#wait(this.#options.scanLimit ?? defaultScanLimit, finish);
    this.#order(() => {
      this.#interface.disconnect();
      this.#interface.scan({
        onFound: (found) => {
          if (
            found.SSID === SSID &&
            (strongest === undefined || found.RSSI > strongest)
          )
            strongest = found.RSSI;
        },
        onComplete: finish,
      });
    });
  }

  #failed(failure: Failure): void {
    this.#state = "waiting";
    this.#wait(this.#backoff.next(), () => this.#join());
    this.#options.onFailed(failure);
  }

  #wait(milliseconds: number, then: () => void): void {
    Timer.clear(this.#timer);
    this.#timer = Timer.set(() => {
      this.#timer = undefined;
      then();
    }, milliseconds);
  }
}
