/** An access point of the model, as an option --wifi describes it. */
export interface AccessPointModel {
  SSID: string;
  /** "" for an open network. */
  password: string;
  BSSID: string;
  channel: number;
  /** dBm */
  RSSI: number;
  /** From `connect` to an address, or to a refusal, in ms. */
  delay: number;
  /** How often it has put the station out until now. */
  kicks: number;
  /** Gives nobody an address. */
  silentDHCP: boolean;
}

/** The simulated node's radio: what is on the air, and whether the node's network stack has a link. */
export class Radio extends Native("xs_radio_destructor") {
  /** @param onEvent called when an access point goes off the air or puts the station out */
  constructor(onEvent: () => void) {
    super();
    this.#watch(onEvent);
  }

  #watch(onEvent: () => void): void {
    native<(onEvent: () => void) => void>("xs_radio_watch").call(this, onEvent);
  }

  /** The access points that can be heard now. */
  get heard(): AccessPointModel[] {
    const heard: AccessPointModel[] = [];
    for (let index = 0; index < this.#count(); index++) {
      const found = this.#hear(index);
      if (found) heard.push(found);
    }
    return heard;
  }

  /** How long the slowest access point takes from `connect` to an address, in ms; so long takes a vain search as well. */
  get delay(): number {
    return native<() => number>("xs_radio_get_delay").call(this);
  }

  /** Opens the way for the node's packets, or closes it, which cuts every socket. */
  setLink(link: boolean): void {
    native<(link: boolean) => void>("xs_radio_set_link").call(this, link);
  }

  #count(): number {
    return native<() => number>("xs_radio_get_count").call(this);
  }

  #hear(index: number): AccessPointModel | undefined {
    return native<(index: number) => AccessPointModel | undefined>(
      "xs_radio_hear",
    ).call(this, index);
  }
}
