import config from "mc/config";
import type { AccessPointModel } from "../device/modules/radio.js";

/**
 * Stands in for the simulator's radio under the SDK: a desktop is on a network already, so the access point that the
 * node is told to join is always there, and joins take no time. Losses are what `simulator/device` can play.
 */
export class Radio {
  /** From `connect` to an address, in ms. */
  readonly delay = 0;

  /** The access point of `mc/config`. */
  get heard(): AccessPointModel | undefined {
    const { SSID, password = "" } = config.wifi as {
      SSID: string;
      password?: string;
    };
    return {
      SSID,
      password,
      BSSID: "02:00:5e:00:53:01",
      channel: 6,
      RSSI: -50,
    };
  }

  /** The way for packets is the desktop's, and stays open. */
  setLink(_link: boolean): void {}
}
