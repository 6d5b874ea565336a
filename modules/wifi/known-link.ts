import { tellFailure } from "../system/storage.js";
import type { TextStore } from "../system/stored-text.js";

/** An access point that the node was on. */
export interface Link {
  SSID: string;
  BSSID: string;
  channel: number;
}

/** How it is stored: channel, BSSID, SSID. */
const pattern = /^(\d+) ([0-9a-f:]{17}) (.+)$/;

/**
 * Which access point the node joined last, kept over restarts, so that the next start need not search all channels: on an
 * ESP32 that is most of a second. Written only when it is another one. Flash that fails costs that second, nothing more.
 */
export class KnownLink {
  readonly #store: TextStore;
  #text: string | undefined;

  constructor(store: TextStore) {
    this.#store = store;
    this.#text = tellFailure(() => store.read());
  }

  /** The access point, or undefined when there is none to be tried. */
  get link(): Link | undefined {
    const parts = pattern.exec(this.#text ?? "");
    return parts
      ? { channel: Number(parts[1]), BSSID: parts[2], SSID: parts[3] }
      : undefined;
  }

  /** The node is on this access point. */
  remember({ SSID, BSSID, channel }: Link): void {
    this.#keep(`${channel} ${BSSID} ${SSID}`);
  }

  /** That access point was not the right one: search again. */
  forget(): void {
    this.#keep("");
  }

  #keep(text: string): void {
    if (text === (this.#text ?? "")) return;
    this.#text = text;
    tellFailure(() => this.#store.write(text));
  }
}
