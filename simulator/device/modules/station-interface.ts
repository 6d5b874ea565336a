import WiFi from "embedded:network/interface/wifi";
import {
  station,
  type StationListener,
} from "embedded:network/interface/wifi-station";
import type {
  JoinOptions,
  PowerSave,
  WiFiCallbacks,
  WiFiInterface,
} from "../../../modules/wifi/wifi-interface.js";

/** `embedded:x-fieldnode/network/interface/wifi` over the model: see WiFiInterface. */
export default class StationInterface extends WiFi implements WiFiInterface {
  readonly #listener: StationListener;

  constructor({ onChanged, onDisconnected }: WiFiCallbacks) {
    super({ onChanged });
    this.#listener = { onChanged: () => {}, onDisconnected };
    station.addListener(this.#listener);
  }

  override close(): void {
    station.removeListener(this.#listener);
    super.close();
  }

  join({ SSID, password = "", BSSID, channel }: JoinOptions): void {
    station.connect(
      (found) =>
        found.SSID === SSID &&
        (BSSID === undefined || found.BSSID === BSSID) &&
        (channel === undefined || found.channel === channel),
      password,
      BSSID !== undefined && channel !== undefined,
    );
  }

  /** The model's radio costs nothing and hears everything at once. */
  setPowerSave(_mode: PowerSave): void {}

  restart(): void {
    station.disconnect();
  }
}
