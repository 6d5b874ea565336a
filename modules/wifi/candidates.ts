import { weakSignal } from "./disconnect-reasons.js";
import type { AccessPoint } from "./wifi-interface.js";

/** A network that the node may join. */
export interface Network {
  /** 1 to 32 bytes. */
  SSID: string;
  /** 8 to 63 characters; absent for an open network. */
  password?: string;
  /** The network does not tell its name: it is tried though no scan finds it. */
  hidden?: boolean;
}

/** A way to join a network: by an access point that was heard, or by the name alone. */
export interface Candidate {
  network: Network;
  BSSID?: string;
  channel?: number;
  /** As it was heard, in dBm. */
  RSSI?: number;
}

/**
 * What a scan has found of the networks that the node knows: the strongest access point of each.
 */
export class Candidates {
  readonly #networks: Network[];
  readonly #strongest: (AccessPoint | undefined)[];
  #heard = 0;

  /** @param networks the preferred one first */
  constructor(networks: Network[]) {
    this.#networks = networks;
    this.#strongest = networks.map(() => undefined);
  }

  /** How many access points were heard, of whatever network. */
  get heard(): number {
    return this.#heard;
  }

  add(found: AccessPoint): void {
    this.#heard++;
    const index = this.#networks.findIndex(({ SSID }) => SSID === found.SSID);
    if (index < 0) return;
    const strongest = this.#strongest[index];
    if (strongest === undefined || found.RSSI > strongest.RSSI)
      this.#strongest[index] = found;
  }

  /**
   * In the order in which to try them: those heard well, the preferred network first; then those that hide; then those
   * heard weakly, the strongest first.
   */
  inOrder(): Candidate[] {
    const good: Candidate[] = [];
    const hidden: Candidate[] = [];
    const weak: (Candidate & { RSSI: number })[] = [];
    this.#networks.forEach((network, index) => {
      const found = this.#strongest[index];
      if (found === undefined) {
        if (network.hidden) hidden.push({ network });
        return;
      }
      const { BSSID, channel, RSSI } = found;
      const candidate = { network, BSSID, channel, RSSI };
      if (RSSI < weakSignal) weak.push(candidate);
      else good.push(candidate);
    });
    weak.sort((a, b) => b.RSSI - a.RSSI);
    return [...good, ...hidden, ...weak];
  }
}
