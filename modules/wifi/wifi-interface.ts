/** How much the station sleeps between the access point's beacons; the more, the later it hears what is sent to it. */
export type PowerSave = "none" | "minimum" | "maximum";

/** What a scan finds. RSSI in dBm. */
export interface AccessPoint {
  SSID: string;
  /** Six bytes in hexadecimal, with colons. */
  BSSID: string;
  RSSI: number;
  channel: number;
}

/** What to join. With `BSSID` and `channel` nothing is searched: that access point answers, or the attempt fails. */
export interface JoinOptions {
  SSID: string;
  password?: string;
  BSSID?: string;
  channel?: number;
}

/** Callbacks of an interface. */
export interface WiFiCallbacks {
  /** `connection` or `address` has another value. */
  onChanged: (property: string) => void;
  /**
   * An attempt to join failed, or the link was lost; not after `disconnect`.
   *
   * @param reason IEEE 802.11's reason code, or from 200 on ESP-IDF's own (`wifi_err_reason_t`); see disconnect-reasons.ts
   */
  onDisconnected: (reason: number) => void;
}

/**
 * The node's Wi-Fi: `embedded:network/interface/wifi` (ECMA-419, Wi-Fi network interface), and what a node in the field
 * needs beyond that: why a link ended, joining without a search, power save, a restart of the radio.
 * `embedded:x-fieldnode/network/interface/wifi` is such a class on each machine.
 */
export interface WiFiInterface {
  /** 200 disconnected, 300 connecting, 400 associated with the access point, 500 with an address. */
  readonly connection: number;
  readonly address: string | undefined;
  readonly RSSI: number | undefined;
  readonly BSSID: string | undefined;
  readonly channel: number | undefined;
  /** Begins to join. Throws while it is busy. */
  join(options: JoinOptions): void;
  disconnect(): void;
  /** Throws while it is busy. */
  scan(options: {
    onFound: (found: AccessPoint) => void;
    onComplete: () => void;
  }): void;
  setPowerSave(mode: PowerSave): void;
  /** Switches the radio off and on again. A link is lost without a word. */
  restart(): void;
  close(): void;
}
