import type UDP from "embedded:io/socket/udp";
import type Resolver from "embedded:network/dns/resolver/udp";
import Time from "time";
import Timer from "timer";
import { decodeAnswer, encodeRequest, UnusablePacket } from "./ntp-packet.js";

/** Options of a client. */
export interface NTPOptions {
  /** Names or IPv4 addresses of time servers, the preferred one first. */
  servers: string[];
  socket: { io: typeof UDP };
  /** The resolver's class and its options. */
  dns: { io: typeof Resolver; servers: string[]; socket: { io: typeof UDP } };
  target?: unknown;
}

/** The time in ms since 1970, or why there is none. */
export type NTPCallback = (error: Error | null, time?: number) => void;

/** How often a server is asked before the next one is, and how long for each time, in ms. */
const attempts = 3;
const patience = 1000;

/** How long a server's name may take, in ms; the resolver itself would try longer. */
const nameLimit = 4000;

const port = 123;

/**
 * The SDK's `embedded:network/ntp/client`: asks time servers one after another by SNTP (RFC 4330) until one gives an answer
 * that passes its checks. The time it gives is that of the moment it calls back, in whole ms, with half of the round trip
 * added.
 */
export default class NTP {
  /** As given to the constructor. */
  target: unknown;
  readonly #servers: string[];
  readonly #socket: UDP;
  readonly #resolver: Resolver;
  readonly #nonce = new Uint8Array(8);
  #callback: NTPCallback | undefined;
  #server = -1;
  #address: string | undefined;
  #attempt = 0;
  #sent = 0;
  #timer: Timer | undefined;
  #problem = "no answer";
  #open = true;

  constructor(options: NTPOptions) {
    if (options.servers.length === 0)
      throw new RangeError("NTP: a time server is required");
    if ("target" in options) this.target = options.target;
    this.#servers = options.servers;
    this.#resolver = new options.dns.io(options.dns);
    this.#socket = new options.socket.io({
      onReadable: () => this.#receive(),
    });
  }

  /** Gives up; no callback comes any more. Closing again does nothing. */
  close(): void {
    this.#open = false;
    this.#callback = undefined;
    Timer.clear(this.#timer);
    this.#resolver.close();
    this.#socket.close();
  }

  /** Asks for the time. One question at a time: throws while one is under way. */
  getTime(callback: NTPCallback): void {
    if (!this.#open) throw new Error("NTP: closed");
    if (this.#callback) throw new Error("NTP: in use");
    this.#callback = callback;
    this.#server = -1;
    this.#problem = "no answer";
    this.#timer = Timer.set(() => this.#nextServer());
  }

  #nextServer(): void {
    Timer.clear(this.#timer);
    this.#address = undefined;
    if (++this.#server === this.#servers.length) {
      this.#finish(new Error(`NTP: ${this.#problem}`));
      return;
    }
    const server = this.#server;
    const host = this.#servers[server];
    const stillWanted = () => this.#callback && this.#server === server;
    this.#timer = Timer.set(() => this.#nextServer(), nameLimit);
    this.#resolver.resolve({
      host,
      onResolved: (_, address) => {
        if (!stillWanted()) return;
        this.#address = address;
        this.#attempt = 0;
        this.#ask();
      },
      onError: () => {
        if (!stillWanted()) return;
        this.#problem = `${host} has no address`;
        this.#nextServer();
      },
    });
  }

  #ask(): void {
    Timer.clear(this.#timer);
    if (this.#attempt++ === attempts) {
      this.#nextServer();
      return;
    }
    for (let i = 0; i < this.#nonce.length; i++)
      this.#nonce[i] = Math.floor(Math.random() * 256);
    this.#timer = Timer.set(() => this.#ask(), patience);
    this.#sent = Time.ticks;
    try {
      this.#socket.write(encodeRequest(this.#nonce), this.#address!, port);
    } catch (error) {
      this.#problem = (error as Error).message;
    }
  }

  #receive(): void {
    while (this.#open) {
      const packet = this.#socket.read();
      if (packet === undefined) return;
      if (packet.address === this.#address && packet.port === port)
        this.#take(packet);
    }
  }

  #take(packet: ArrayBuffer): void {
    const roundTrip = Time.delta(this.#sent);
    try {
      const { received, sent } = decodeAnswer(packet, this.#nonce);
      const onTheWay = Math.max(0, roundTrip - (sent - received));
      this.#finish(null, Math.round(sent + onTheWay / 2));
    } catch (error) {
      if (!(error instanceof UnusablePacket)) throw error;
      this.#problem = `an answer ${error.message}`;
      if (error.goAway) this.#nextServer();
    }
  }

  #finish(error: Error | null, time?: number): void {
    const callback = this.#callback;
    this.#callback = undefined;
    this.#address = undefined;
    Timer.clear(this.#timer);
    if (error) callback?.(error);
    else callback?.(null, time);
  }
}
