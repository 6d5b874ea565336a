import Timer from "timer";
import type { AccessPointModel } from "./radio.js";
import { station, type StationListener } from "./wifi-station.js";

export type WiFiChangedProperty = "connection" | "address";

export interface WiFiConstructorOptions {
  /** There is one interface; ignored. */
  port?: number;
  onChanged?: (this: WiFi, property: WiFiChangedProperty) => void;
}

/** An access point that a scan found. RSSI in dBm. */
export interface WiFiScanResult {
  SSID: string;
  BSSID: string;
  RSSI: number;
  channel: number;
  security: string;
}

export interface WiFiScanOptions {
  onFound?: (this: WiFi, result: WiFiScanResult) => void;
  onComplete?: (this: WiFi) => void;
  /** Only this channel. */
  channel?: number;
}

export interface WiFiConnectOptions {
  SSID: string;
  /** Absent for an open network. */
  password?: string;
}

export interface WiFiStaticAddress {
  address: string;
  mask: string;
  gateway: string;
}

export interface WiFiConfigureOptions {
  hostname?: string;
  /** False for the address that the access point gives. */
  static?: WiFiStaticAddress | false;
}

/** How long a scan of all channels takes, in ms; 120 ms a channel is ESP-IDF's default. */
const scanTime = 13 * 120;

let scanning = false;

/**
 * The SDK's `embedded:network/interface/wifi` (ECMA-419, Wi-Fi network interface) with the access points of the options
 * --wifi. All instances are bound to the node's one interface; closing one leaves the connection as it is.
 */
export default class WiFi {
  readonly #onChanged:
    ((this: WiFi, property: WiFiChangedProperty) => void) | undefined;
  readonly #listener: StationListener = {
    onChanged: (property) => this.#onChanged?.(property),
  };
  #open = true;

  constructor({ onChanged }: WiFiConstructorOptions) {
    this.#onChanged = onChanged;
    station.addListener(this.#listener);
  }

  /** Unbinds from the interface: no callback comes any more. Closing again does nothing. */
  close(): void {
    this.#open = false;
    station.removeListener(this.#listener);
  }

  /** Begins to join a network; `onChanged` tells how it goes. Throws while an attempt is under way. */
  connect({ SSID, password = "" }: WiFiConnectOptions): void {
    this.#check();
    if (typeof SSID !== "string") throw new TypeError("WiFi: SSID required");
    station.connect((found) => found.SSID === SSID, password);
  }

  /** Leaves the network, or stops joining it. Not reported by `onChanged`. */
  disconnect(): void {
    this.#check();
    station.disconnect();
  }

  /** Looks for access points. Throws while another scan is under way. */
  scan({ onFound, onComplete, channel }: WiFiScanOptions): void {
    this.#check();
    if (scanning) throw new Error("WiFi: already scanning");
    if (!onFound) throw new TypeError("WiFi: onFound required");
    scanning = true;
    // A model without delays scans without one.
    const time = station.delay === 0 ? 0 : scanTime;
    Timer.set(() => {
      scanning = false;
      for (const found of station.heard)
        if (this.#open && (channel === undefined || channel === found.channel))
          onFound.call(this, describe(found));
      if (this.#open) onComplete?.call(this);
    }, time);
  }

  configure(options: WiFiConfigureOptions): void {
    this.#check();
    if (options.static !== undefined)
      station.setStaticAddress(
        options.static === false ? undefined : options.static.address,
      );
  }

  /** 200 disconnected, 300 connecting, 400 associated with the access point, 500 with an address. */
  get connection(): number {
    return station.connection;
  }

  get address(): string | undefined {
    return station.address;
  }

  get MAC(): string | undefined {
    return "02:00:5e:00:53:02";
  }

  get SSID(): string | undefined {
    return station.accessPoint?.SSID;
  }

  get BSSID(): string | undefined {
    return station.accessPoint?.BSSID;
  }

  /** Signal strength in dBm. */
  get RSSI(): number | undefined {
    const accessPoint = station.accessPoint;
    return accessPoint && wavering(accessPoint.RSSI);
  }

  get channel(): number | undefined {
    return station.accessPoint?.channel;
  }

  #check(): void {
    if (!this.#open) throw new Error("WiFi: closed");
  }
}

/** A signal is never quite steady: up to 2 dB more or less. */
const wavering = (RSSI: number): number =>
  RSSI + Math.floor(Math.random() * 5) - 2;

function describe(found: AccessPointModel): WiFiScanResult {
  const { SSID, BSSID, RSSI, channel, password } = found;
  return {
    SSID,
    BSSID,
    RSSI: wavering(RSSI),
    channel,
    security: password === "" ? "none" : "wpa2_psk",
  };
}
