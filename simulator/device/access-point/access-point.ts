import { DNSServer } from "./dns-server.js";
import { NTPServer } from "./ntp-server.js";

/** How an access point is set up. */
export interface AccessPointOptions {
  /** Name of the network. */
  SSID?: string;
  password?: string;
  /** How long joining takes, in ms. */
  delay?: number;
  /** Signal strength at the node, in dBm. */
  RSSI?: number;
  /** What befalls it, as the device program's option --wifi has it: `restart=1000/200`, `dhcp=silent` … */
  events?: string[];
  /** Further names that its name server knows, with their IPv4 addresses. */
  names?: Record<string, string>;
  /** Milliseconds by which its time server is wrong. */
  timeOffset?: number;
  /** Its time server does not answer, until `timeOffset` is set. */
  silentTime?: boolean;
  /** So many seconds pass for the node, its Wi-Fi and its time server in one of the desktop's: a whole number. */
  timeScale?: number;
}

/** The access point's own address in its network, as a node sees it. */
const gateway = "192.168.4.1";
const timeServer = "time.lan";

/**
 * The Wi-Fi access point that a simulated node joins: its network's name server and time server, which really answer over
 * UDP, and the settings that tell the node of them.
 */
export class AccessPoint {
  readonly #options: Required<AccessPointOptions>;
  readonly #dns: DNSServer;
  readonly #ntp: NTPServer;
  #routes: string[] = [];
  /** Milliseconds by which its time server is wrong; undefined while that does not answer. */
  timeOffset: number | undefined;

  constructor(options: AccessPointOptions = {}) {
    this.#options = {
      SSID: "fieldnode",
      password: "over the fence",
      delay: 0,
      RSSI: -58,
      events: [],
      names: {},
      timeOffset: 0,
      silentTime: false,
      timeScale: 1,
      ...options,
    };
    this.#dns = new DNSServer(
      new Map([[timeServer, gateway], ...Object.entries(this.#options.names)]),
    );
    const { timeScale } = this.#options;
    if (!this.#options.silentTime) this.timeOffset = this.#options.timeOffset;
    const start = Date.now();
    this.#ntp = new NTPServer(() =>
      this.timeOffset === undefined
        ? undefined
        : start + (Date.now() - start) * timeScale + this.timeOffset,
    );
  }

  /** Starts its servers. */
  async open(): Promise<this> {
    const dns = await this.#dns.listen();
    const ntp = await this.#ntp.listen();
    this.#routes = [
      ...["--route", `udp:${gateway}:53=${dns.address}:${dns.port}`],
      ...["--route", `udp:${gateway}:123=${ntp.address}:${ntp.port}`],
    ];
    return this;
  }

  close(): void {
    this.#dns.close();
    this.#ntp.close();
  }

  /** What a node's settings say of this network. */
  get settings(): Record<string, unknown> {
    const { SSID, password } = this.#options;
    return { wifi: { SSID, password }, dns: [gateway], ntp: [timeServer] };
  }

  /** The device program's options: where its packets go, and the model of the Wi-Fi. */
  get deviceOptions(): string[] {
    const { SSID, password, delay, RSSI, events, timeScale } = this.#options;
    return [
      ...this.#routes,
      ...(timeScale === 1 ? [] : ["--time-scale", `${timeScale}`]),
      "--wifi",
      [
        `ssid=${SSID},password=${password},delay=${delay},rssi=${RSSI}`,
        ...events,
      ].join(),
    ];
  }
}
