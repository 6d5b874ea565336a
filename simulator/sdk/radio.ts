import config from "mc/config";
import type { AccessPointModel } from "../device/modules/radio.js";

interface Network {
  SSID: string;
  password?: string;
}

/**
 * Stands in for the simulator's radio under the SDK: a desktop is on a network already, so the access points that the
 * node is told to join are always there, and joins take no time. Losses are what `simulator/device` can play.
 */
export class Radio {
  /** From `connect` to an address, in ms. */
  readonly delay = 0;

  /** An access point for each network of `mc/config`. */
  get heard(): AccessPointModel[] {
    const networks = config.wifi as Network | Network[];
    return [networks].flat().map(({ SSID, password = "" }, index) => ({
      SSID,
      password,
      BSSID: `02:00:5e:00:53:${10 + index}`,
      channel: 6,
      RSSI: -50,
      delay: 0,
      kicks: 0,
      silentDHCP: false,
    }));
  }

  /** The way for packets is the desktop's, and stays open. */
  setLink(_link: boolean): void {}
}
