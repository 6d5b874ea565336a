import type {
  AccessPoint,
  JoinOptions,
  PowerSave,
  WiFiCallbacks,
  WiFiInterface,
} from "../../../modules/wifi/wifi-interface.js";

/** An interface that does what a test tells it. */
export class ScriptedInterface implements WiFiInterface {
  static latest: ScriptedInterface;
  /** What a scan finds. */
  static nearby: AccessPoint[] = [];
  /** Throws when it is told anything. */
  busy = false;
  /** Never says that a scan is complete. */
  deaf = false;

  connection = 200;
  address: string | undefined;
  RSSI: number | undefined = -60;
  BSSID: string | undefined;
  channel: number | undefined;
  /** What it was told to join, one after another: SSID, and BSSID where one was given. */
  readonly joins: string[] = [];
  scans = 0;
  restarts = 0;
  powerSave: PowerSave | undefined;
  closed = false;
  readonly #callbacks: WiFiCallbacks;

  constructor(callbacks: WiFiCallbacks) {
    this.#callbacks = callbacks;
    ScriptedInterface.latest = this;
  }

  join({ SSID, BSSID, channel }: JoinOptions): void {
    if (this.busy) throw new Error("already connecting");
    this.joins.push(BSSID === undefined ? SSID : `${SSID} ${BSSID}`);
    this.BSSID = BSSID;
    this.channel = channel;
  }
  disconnect(): void {
    this.connection = 200;
  }
  scan({
    onFound,
    onComplete,
  }: {
    onFound: (found: AccessPoint) => void;
    onComplete: () => void;
  }): void {
    if (this.busy) throw new Error("already scanning");
    this.scans++;
    for (const found of ScriptedInterface.nearby) onFound(found);
    if (!this.deaf) onComplete();
  }
  setPowerSave(mode: PowerSave): void {
    this.powerSave = mode;
  }
  restart(): void {
    this.restarts++;
  }
  close(): void {
    this.closed = true;
  }

  /** Goes on with joining. */
  becomes(connection: number, address?: string): void {
    this.connection = connection;
    this.address = address;
    this.#callbacks.onChanged("connection");
  }

  /** Joining fails, or the link is lost. */
  drops(reason: number): void {
    this.becomes(200);
    this.#callbacks.onDisconnected(reason);
  }
}
