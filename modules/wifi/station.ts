import Timer from "timer";
import { Backoff } from "../system/backoff.js";
import { Failure } from "../system/failure.js";
import type { FailureCode } from "../system/failures.js";
import { log } from "../system/log.js";
import { Candidates, type Candidate, type Network } from "./candidates.js";
import { meaningOf } from "./disconnect-reasons.js";
import type { KnownLink } from "./known-link.js";
import type {
  PowerSave,
  WiFiCallbacks,
  WiFiInterface,
} from "./wifi-interface.js";

/** What a station needs. */
export interface StationOptions {
  /** The interface's class. */
  io: new (callbacks: WiFiCallbacks) => WiFiInterface;
  /** The networks that the node may join, the preferred one first. */
  networks: Network[];
  /** The access point of the last time, tried first. */
  known: KnownLink;
  /** "minimum" when absent: the station hears every beacon. */
  powerSave?: PowerSave;
  /** The node has an address. May be called again after each loss. RSSI in dBm. */
  onJoined: (link: { address: string; RSSI: number | undefined }) => void;
  /** The node is not, or no longer, on the network. It keeps trying by itself. */
  onFailed: (failure: Failure) => void;
  backoff?: Backoff;
  /** How long a scan may take, in ms; 10 000 when absent. */
  scanLimit?: number;
}

/** Values of `connection` (ECMA-419): linked is associated with the access point, online has an address as well. */
const linked = 400;
const online = 500;

/** How long association and DHCP may take together, in ms. Slow access points need 10 s. */
const joinLimit = 20_000;

/** As long for an access point that is only thought to be there. */
const knownLimit = 5000;

/** How long a scan may take, in ms: 13 channels take about 2 s. */
const defaultScanLimit = 10_000;

/**
 * Joins one of several Wi-Fi networks and stays on it.
 *
 * The access point of the last time is tried first, without a search. Where that fails, a scan tells what is there, and of
 * the networks that the node knows the preferred one is tried, by its strongest access point, then the next. Each failure
 * is told with its reason; the scan is repeated with growing waits.
 */
export class Station {
  readonly #options: StationOptions;
  readonly #backoff: Backoff;
  #opened: WiFiInterface | undefined;
  #state:
    | "off"
    | "trying-known"
    | "scanning"
    | "joining"
    | "joined"
    | "waiting"
    | "closed" = "off";
  #candidates: Candidate[] = [];
  /** What is being joined, or was. */
  #current: Candidate | undefined;
  #timer: Timer | undefined;

  constructor(options: StationOptions) {
    this.#options = options;
    this.#backoff =
      options.backoff ?? new Backoff({ base: 1000, limit: 60_000 });
  }

  /** Switches the radio on and begins to join. Starting again does nothing. */
  start(): void {
    if (this.#state === "off") this.#begin();
  }

  /** True while the node is on the network and has an address. */
  get joined(): boolean {
    return this.#state === "joined";
  }

  /** Signal strength in dBm while on the network. */
  get RSSI(): number | undefined {
    return this.#opened?.RSSI;
  }

  /** Leaves the network and joins it again, at the same access point if it answers. */
  rejoin(): void {
    if (this.#state === "closed" || this.#state === "off") return;
    this.#leave();
    this.#begin();
  }

  /** Leaves the network and looks anew at what is there. */
  rescan(): void {
    this.#options.known.forget();
    this.rejoin();
  }

  /** Switches the radio off and on again, and looks anew at what is there. */
  restartRadio(): void {
    if (this.#state === "closed" || this.#state === "off") return;
    this.#order(() => this.#interface.restart());
    this.rescan();
  }

  /** Leaves the network for good. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    Timer.clear(this.#timer);
    this.#timer = undefined;
    this.#opened?.close();
  }

  /** The interface, which is the radio switched on. */
  get #interface(): WiFiInterface {
    return (this.#opened ??= this.#open());
  }

  #open(): WiFiInterface {
    const { io, powerSave } = this.#options;
    const opened = new io({
      onChanged: () => this.#onChanged(),
      onDisconnected: (reason) => this.#onDisconnected(reason),
    });
    opened.setPowerSave(powerSave ?? "minimum");
    return opened;
  }

  #begin(): void {
    const { known, networks } = this.#options;
    const { link } = known;
    const network = networks.find(({ SSID }) => SSID === link?.SSID);
    if (link === undefined || network === undefined) {
      this.#scan();
      return;
    }
    this.#state = "trying-known";
    const { BSSID, channel } = link;
    this.#join({ network, BSSID, channel }, knownLimit);
  }

  #scan(): void {
    this.#state = "scanning";
    const found = new Candidates(this.#options.networks);
    const finish = () => {
      if (this.#state === "scanning") this.#tryAll(found);
    };
    this.#wait(this.#options.scanLimit ?? defaultScanLimit, finish);
    this.#order(() =>
      this.#interface.scan({
        onFound: (accessPoint) => found.add(accessPoint),
        onComplete: finish,
      }),
    );
  }

  #tryAll(found: Candidates): void {
    this.#candidates = found.inOrder();
    this.#state = "joining";
    if (this.#candidates.length > 0) this.#tryNext();
    else {
      const names = this.#options.networks.map(({ SSID }) => SSID).join(", ");
      this.#fail("wifi.not-found", `${names}; heard ${found.heard} others`);
    }
  }

  #tryNext(): void {
    const next = this.#candidates.shift();
    if (next === undefined) this.#pause();
    else this.#join(next, joinLimit);
  }

  #join(candidate: Candidate, limit: number): void {
    this.#current = candidate;
    const { network, BSSID, channel } = candidate;
    const { SSID, password } = network;
    this.#wait(limit, () => {
      const hasLink = this.#interface.connection >= linked;
      this.#attemptFailed(hasLink ? "wifi.no-address" : "wifi.failed");
    });
    this.#order(() =>
      this.#interface.join({
        SSID,
        ...(password === undefined ? {} : { password }),
        ...(BSSID === undefined ? {} : { BSSID }),
        ...(channel === undefined ? {} : { channel }),
      }),
    );
  }

  #onChanged(): void {
    if (this.#state !== "joining" && this.#state !== "trying-known") return;
    const { connection, address } = this.#interface;
    if (connection >= online && address !== undefined) this.#joined(address);
  }

  #joined(address: string): void {
    Timer.clear(this.#timer);
    this.#timer = undefined;
    this.#state = "joined";
    this.#backoff.reset();
    const { RSSI, BSSID, channel } = this.#interface;
    const { SSID } = this.#current!.network;
    this.#current!.RSSI = RSSI;
    if (BSSID !== undefined && channel !== undefined)
      this.#options.known.remember({ SSID, BSSID, channel });
    log("wifi", `joined ${SSID}, ${address}, ${RSSI ?? "?"} dBm`);
    this.#options.onJoined({ address, RSSI });
  }

  #onDisconnected(reason: number): void {
    const code = meaningOf(reason, this.#current?.RSSI);
    if (this.#state === "joined") {
      // Whatever ended a link that stood: it was lost, unless the reason knows better.
      const known = code === "wifi.kicked" || code === "wifi.too-weak";
      this.#candidates = [];
      this.#fail(known ? code : "wifi.lost", this.#describe(reason));
    } else if (this.#state === "joining" || this.#state === "trying-known") {
      this.#attemptFailed(code, reason);
    }
  }

  #attemptFailed(code: FailureCode, reason?: number): void {
    this.#interface.disconnect();
    if (this.#state === "trying-known") {
      log("wifi", `${this.#describe(reason)} is not where it was; searching`);
      this.#options.known.forget();
      this.#scan();
    } else this.#fail(code, this.#describe(reason));
  }

  #describe(reason?: number): string {
    const { network, RSSI } = this.#current!;
    return [
      network.SSID,
      ...(RSSI === undefined ? [] : [`${RSSI} dBm`]),
      ...(reason === undefined ? [] : [`reason ${reason}`]),
    ].join(", ");
  }

  /** Tells the interface to do something. One that throws, because it is busy, must not cost the node its network. */
  #order(order: () => void): void {
    try {
      order();
    } catch (error) {
      this.#candidates = [];
      const { code, detail } = Failure.from(error, "wifi.failed");
      this.#fail(code, detail);
    }
  }

  /** Tells of it; then the next candidate is tried, or after a wait everything again. */
  #fail(code: FailureCode, detail: string): void {
    this.#state = "waiting";
    Timer.clear(this.#timer);
    this.#timer = undefined;
    this.#options.onFailed(new Failure(code, detail));
    if (!this.#isIdle()) return;
    this.#state = "joining";
    this.#tryNext();
  }

  /** The application may have closed the station, or told it to join again, when it heard of the failure. */
  #isIdle(): boolean {
    return this.#state === "waiting" && this.#timer === undefined;
  }

  #pause(): void {
    this.#state = "waiting";
    this.#wait(this.#backoff.next(), () => this.#begin());
  }

  #leave(): void {
    this.#state = "waiting";
    this.#candidates = [];
    this.#interface.disconnect();
  }

  #wait(milliseconds: number, then: () => void): void {
    Timer.clear(this.#timer);
    this.#timer = Timer.set(() => {
      this.#timer = undefined;
      then();
    }, milliseconds);
  }
}
