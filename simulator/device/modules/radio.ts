/** The access point of the model, as the option --wifi describes it. */
export interface AccessPointModel {
  SSID: string;
  /** "" for an open network. */
  password: string;
  BSSID: string;
  channel: number;
  /** dBm */
  RSSI: number;
}

/** The simulated node's radio: what is on the air, and whether the node's network stack has a link. */
export class Radio extends Native("xs_radio_destructor") {
  /** @param onOutage called when the access point goes off the air */
  constructor(onOutage: () => void) {
    super();
    this.#watch(onOutage);
  }

  #watch(onOutage: () => void): void {
    native<(onOutage: () => void) => void>("xs_radio_watch").call(
      this,
      onOutage,
    );
  }

  /** The access point that can be heard now, if there is one. */
  get heard(): AccessPointModel | undefined {
    return native<() => AccessPointModel | undefined>(
      "xs_radio_get_heard",
    ).call(this);
  }

  /** How long it takes from `connect` to an address, or to find that there is none, in ms. */
  get delay(): number {
    return native<() => number>("xs_radio_get_delay").call(this);
  }

  /** Opens the way for the node's packets, or closes it, which cuts every socket. */
  setLink(link: boolean): void {
    native<(link: boolean) => void>("xs_radio_set_link").call(this, link);
  }
}
