import Timer from "timer";
import { Radio, type AccessPointModel } from "./radio.js";

/** Values of a network interface's `connection` (ECMA-419, network interface). */
export const disconnected = 200;
export const connecting = 300;
export const associated = 400;
export const online = 500;

/** What the station tells the instances of the interface that are bound to it. */
export type ChangeListener = (property: "connection" | "address") => void;

/** The address that the access point's DHCP server gives the node. */
const dynamicAddress = "192.168.4.2";

/**
 * The node's one Wi-Fi station and what it goes through with the access point of the model: association, then an address;
 * a network that is not heard, a wrong password, an outage.
 */
export class WiFiStation {
  readonly #listeners = new Set<ChangeListener>();
  readonly #radio = new Radio(() => this.#onOutage());
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

  /** The access point that is on the air now. */
  get heard(): AccessPointModel | undefined {
    return this.#radio.heard;
  }

  /** How long things take in this model, in ms; 0 when they take no time. */
  get delay(): number {
    return this.#radio.delay;
  }

  addListener(listener: ChangeListener): void {
    this.#listeners.add(listener);
  }

  removeListener(listener: ChangeListener): void {
    this.#listeners.delete(listener);
  }

  /** Begins to join. The outcome comes to the listeners: first the association, then the address, or the failure. */
  connect(isWanted: (found: AccessPointModel) => boolean): void {
    if (this.#connection === connecting)
      throw new Error("WiFi: already connecting");
    this.disconnect();
    this.#connection = connecting;
    const { delay } = this.#radio;
    // Most of the time goes into the scan and the handshake, the rest into DHCP.
    this.#wait(delay * 0.7, () => {
      const found = this.heard;
      if (found === undefined || !isWanted(found)) {
        this.#change(disconnected);
        return;
      }
      this.#accessPoint = found;
      this.#wait(delay * 0.3, () => this.#goOnline());
      this.#change(associated);
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

  #goOnline(): void {
    this.#radio.setLink(true);
    this.#change(online);
    this.#tell("address");
  }

  #onOutage(): void {
    if (this.#connection < associated) return;
    this.disconnect();
    this.#tell("connection");
  }

  #change(connection: number): void {
    this.#connection = connection;
    this.#tell("connection");
  }

  #tell(property: "connection" | "address"): void {
    for (const listener of [...this.#listeners]) listener(property);
  }

  #wait(milliseconds: number, then: () => void): void {
    Timer.clear(this.#timer);
    this.#timer = Timer.set(then, milliseconds);
  }
}
