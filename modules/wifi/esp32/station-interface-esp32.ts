import WiFi from "embedded:network/interface/wifi";
import type {
  JoinOptions,
  PowerSave,
  WiFiCallbacks,
  WiFiInterface,
} from "../wifi-interface.js";

/**
 * `embedded:x-fieldnode/network/interface/wifi` on an ESP32 (see WiFiInterface): the SDK's interface, and beside it
 * ESP-IDF's for what that one leaves out. There is one station on a chip, and the natives keep one record for it: of
 * several instances the last one hears of disconnections.
 */
export default class StationInterface extends WiFi implements WiFiInterface {
  constructor({ onChanged, onDisconnected }: WiFiCallbacks) {
    super({ onChanged });
    this.#listen(onDisconnected);
  }

  override close(): void {
    this.#silence();
    super.close();
  }

  join({ SSID, password = "", BSSID = "", channel = 0 }: JoinOptions): void {
    this.#join(SSID, password, BSSID, channel);
  }

  setPowerSave(mode: PowerSave): void {
    this.#setPowerSave(["none", "minimum", "maximum"].indexOf(mode));
  }

  restart(): void {
    native<() => void>("xs_station_restart").call(this);
  }

  #listen(onDisconnected: (reason: number) => void): void {
    native<(onDisconnected: (reason: number) => void) => void>(
      "xs_station_listen",
    ).call(this, onDisconnected);
  }

  #silence(): void {
    native<() => void>("xs_station_silence").call(this);
  }

  #join(SSID: string, password: string, BSSID: string, channel: number): void {
    native<
      (SSID: string, password: string, BSSID: string, channel: number) => void
    >("xs_station_join").call(this, SSID, password, BSSID, channel);
  }

  #setPowerSave(mode: number): void {
    native<(mode: number) => void>("xs_station_set_power_save").call(
      this,
      mode,
    );
  }
}
