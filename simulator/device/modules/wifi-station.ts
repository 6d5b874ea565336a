import Timer from "timer";
import { Radio, type AccessPointModel } from "./radio.js";

/** Values of a network interface's `connection` (ECMA-419, network interface). */
export const disconnected = 200;
export const connecting = 300;
export const associated = 400;
export const online = 500;

/** Why an attempt or a link ended, as ESP-IDF numbers it (esp_wifi_types_generic.h, `wifi_err_reason_t`). */
export const reasons = {
  authExpire: 2,
  authLeave: 3,
  handshakeTimeout: 15,
  beaconTimeout: 200,
  noAccessPoint: 201,
} as const;

/** Weaker access points are heard, but not reached. dBm */
const reach = -90;

/** What the station tells the instances of the interface that are bound to it. */
export interface StationListener {
  onChanged: (property: "connection" | "address") => void;
  /** An attempt failed or a link was lost, for this reason; not after `disconnect`. */
  onDisconnected?: (reason: number) => void;
}

/** The address that an access point's DHCP server gives the node. */
const dynamicAddress = "192.168.4.2";

/**
 * The node's one Wi-Fi station and what it goes through with the access points of the model: association, then an address;
 * a network that is not heard or too far, a wrong password, a DHCP server that is silent, an outage, being put out.
 */
export class WiFiStation {
  readonly #listeners = new Set<StationListener>();
  readonly #radio = new Radio(() => this.#onEvent());
  #connection = disconnected;
  #accessPoint: AccessPointModel | undefined;
  #staticAddress: string | undefined;
  #timer: Timer | undefined;

  get connection(): number {
    return this.#connection;
  }

  get address(): string | undefined {
    if (this.#connection < online) return undefined;
    return this.#staticAddress ?? dynamicAddress;
  }

  /** The access point the station is associated with. */
  get accessPoint(): AccessPointModel | undefined {
    return this.#connection >= associated ? this.#accessPoint : undefined;
  }

  /** The access points that are on the air now. */
  get heard(): AccessPointModel[] {
    return this.#radio.heard;
  }

  /** How long things take in this model, in ms; 0 when they take no time. */
  get delay(): number {
    return this.#radio.delay;
  }

  addListener(listener: StationListener): void {
    this.#listeners.add(listener);
  }

  removeListener(listener: StationListener): void {
    this.#listeners.delete(listener);
  }

  /**
   * Begins to join the strongest access point that `isWanted`. The outcome comes to the listeners: first the association,
   * then the address, or the failure.
   *
   * @param isKnown the access point was told by its address and channel, so that nothing has to be searched
   */
  connect(
    isWanted: (found: AccessPointModel) => boolean,
    password: string,
    isKnown = false,
  ): void {
    if (this.#connection === connecting)
      throw new Error("WiFi: already connecting");
    this.disconnect();
    this.#connection = connecting;
    const { delay } = this.#radio;
    // Most of the time goes into the search and the handshake, the rest into DHCP.
    this.#wait(delay * (isKnown ? 0.2 : 0.7), () => {
      const found = strongest(this.heard.filter(isWanted));
      if (found === undefined) this.#fail(reasons.noAccessPoint);
      else if (found.RSSI < reach) this.#fail(reasons.authExpire);
      else if (found.password !== password)
        this.#fail(reasons.handshakeTimeout);
      else this.#associate(found, delay * 0.3);
    });
  }

  /** Leaves the network at once; nobody is told, as on an ESP32. */
  disconnect(): void {
    Timer.clear(this.#timer);
    this.#connection = disconnected;
    this.#radio.setLink(false);
  }

  /** Uses a fixed address, or again the one that the access point gives. */
  setStaticAddress(address: string | undefined): void {
    this.#staticAddress = address;
    if (this.#connection === online) this.#tell("address");
  }

  #associate(accessPoint: AccessPointModel, delay: number): void {
    this.#accessPoint = accessPoint;
    if (!accessPoint.silentDHCP || this.#staticAddress !== undefined)
      this.#wait(delay, () => this.#goOnline());
    this.#change(associated);
  }

  #goOnline(): void {
    this.#radio.setLink(true);
    this.#change(online);
    this.#tell("address");
  }

  #onEvent(): void {
    const joined = this.accessPoint;
    if (joined === undefined) return;
    const now = this.heard.find(({ BSSID }) => BSSID === joined.BSSID);
    if (now === undefined) this.#fail(reasons.beaconTimeout);
    else if (now.kicks > joined.kicks) this.#fail(reasons.authLeave);
  }

  #fail(reason: number): void {
    this.disconnect();
    this.#tell("connection");
    for (const listener of [...this.#listeners])
      listener.onDisconnected?.(reason);
  }

  #change(connection: number): void {
    this.#connection = connection;
    this.#tell("connection");
  }

  #tell(property: "connection" | "address"): void {
    for (const listener of [...this.#listeners]) listener.onChanged(property);
  }

  #wait(milliseconds: number, then: () => void): void {
    Timer.clear(this.#timer);
    this.#timer = Timer.set(then, milliseconds);
  }
}

const strongest = (found: AccessPointModel[]): AccessPointModel | undefined =>
  found.sort((a, b) => b.RSSI - a.RSSI).at(0);

/** The node's station: there is one, whatever number of interfaces is bound to it. */
export const station = new WiFiStation();
