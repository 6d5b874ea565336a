import Time from "time";
import Timer from "timer";
import MQTTClient from "../mqtt/client.js";
import type { SocketOptions } from "../mqtt/client-options.js";
import type { Session } from "../mqtt/session.js";
import { SecureSocket } from "../secure-socket/secure-socket.js";
import type { TlsPeer } from "../secure-socket/tls-session.js";
import { Failure } from "../system/failure.js";
import { log } from "../system/log.js";
import type { ConnectionOptions } from "./connection-options.js";
import type { ConnectionRecord } from "./connection-record.js";
import { explain } from "./explain.js";
import type { Ports } from "./ports.js";
import { Resolution } from "./resolution.js";

/** From the beginning to the broker's answer, in ms. A slow ESP32 on a slow link needs some 20 s. */
const openingLimit = 60_000;

/** How long TCP may take where something else can be tried, in ms: lwIP sends SYN at 0, 3 and 9 s. */
const tcpLimit = 12_000;

/** How long the broker may take to answer CONNECT, in ms: with TCP and TLS done, the network is known to work. */
const connackLimit = 10_000;

/** How long the broker keeps the session of a node that is offline, in seconds: IoT Core's default. */
const sessionExpiryInterval = 3600;

/** Questions for the endpoint's address in one attempt. The resolver gives one of several, and the next one when asked again. */
const mostAddresses = 4;

/** What becomes of a link. */
export interface LinkCallbacks {
  /** CONNECT is on its way. */
  onConnectSent: () => void;
  /** The broker has accepted the node. */
  onOnline: () => void;
  /** The link could not be made, or is lost. Called once, unless it is closed before. */
  onEnded: (failure: Failure) => void;
}

/**
 * One connection to IoT Core from the question for its address to its end: name, TCP, TLS, MQTT.
 *
 * Until TLS is there, every failure of the network has it try the endpoint's other port and then another of its addresses.
 * What happens, and when, goes into a record.
 */
export class Link {
  readonly #options: ConnectionOptions;
  readonly #session: Session;
  readonly #ports: Ports;
  readonly #record: ConnectionRecord;
  readonly #callbacks: LinkCallbacks;
  /** Addresses that were tried. */
  readonly #tried: string[] = [];
  /** Ports that were not tried on the current address. */
  #portsLeft = 0;
  /** When the current step began, and when the current address was first tried. */
  #stepTicks = Time.ticks;
  #openTicks = 0;
  #secured = false;
  #ended = false;
  /** Why the attempts so far failed. */
  #reason: Failure | undefined;
  #resolution: Resolution | undefined;
  #limit: Timer | undefined;
  #tcpLimit: Timer | undefined;

  constructor(
    options: ConnectionOptions,
    session: Session,
    ports: Ports,
    record: ConnectionRecord,
    callbacks: LinkCallbacks,
  ) {
    this.#options = options;
    this.#session = session;
    this.#ports = ports;
    this.#record = record;
    this.#callbacks = callbacks;
    this.#limit = Timer.set(
      () => this.#end(new Failure("tcp.timed-out", options.host)),
      openingLimit,
    );
    this.#resolve();
  }

  /** Nobody wants it any more, or it is over. What the session has open is for the connection to end. */
  close(): void {
    this.#ended = true;
    Timer.clear(this.#limit);
    Timer.clear(this.#tcpLimit);
    this.#limit = this.#tcpLimit = undefined;
    this.#resolution?.close();
    this.#resolution = undefined;
  }

  #resolve(): void {
    const { host, io } = this.#options;
    this.#step();
    this.#resolution = new Resolution(host, io.dns, {
      onResolved: (address) => {
        if (this.#tried.includes(address)) this.#giveUp();
        else {
          const took = (this.#record.dns = this.#step());
          log("dns", `${host} is ${address}, ${took} ms`);
          this.#tried.push(address);
          this.#portsLeft = this.#ports.count;
          this.#open(address);
        }
      },
      onError: (failure) => {
        if (this.#reason) this.#giveUp();
        else this.#end(failure);
      },
    });
  }

  /** Tries one port of one address. */
  #open(address: string): void {
    const { host, clientId, protocol, will, keepAlive, io } = this.#options;
    const port = this.#ports.current;
    this.#portsLeft--;
    Object.assign(this.#record, { address, port });
    // Of the port before it.
    delete this.#record.tcp;
    const reason = this.#reason;
    if (reason)
      log(reason.stage, `${reason.message}; trying ${address}:${port}`);
    this.#openTicks = Time.ticks;
    this.#step();
    if (this.#hasAlternative(address))
      this.#tcpLimit = Timer.set(() => {
        this.#session.abort();
        this.#failed(
          address,
          new Failure("tcp.timed-out", `${address}:${port}`),
        );
      }, tcpLimit);
    this.#session.connect({
      io: io.MQTT ?? MQTTClient,
      host,
      port,
      id: clientId,
      protocol,
      keepAlive: keepAlive ?? 60_000,
      timeout: connackLimit,
      ...(protocol === "5" && { properties: { sessionExpiryInterval } }),
      ...(will && { will }),
      socket: io.socket
        ? { ...this.#socket(address, port), io: io.socket }
        : this.#socket(address, port),
      onSocketConnected: () => {
        Timer.clear(this.#tcpLimit);
        this.#tcpLimit = undefined;
        this.#record.tls = this.#step();
        this.#secured = true;
        this.#callbacks.onConnectSent();
      },
      onConnected: ({ sessionPresent }) => this.#online(sessionPresent),
      onClosed: (failure, suspect) => {
        // After `Connection.close`, which has sent DISCONNECT.
        if (failure === undefined || this.#ended) {
          this.#session.close();
          return;
        }
        const { clock } = this.#options;
        this.#failed(
          address,
          explain(failure, { clientId, clockIsSet: clock.isSet, suspect }),
        );
      },
    });
  }

  #socket(address: string, port: number): SocketOptions {
    const { host, trust, identity, clock, io } = this.#options;
    const { alpn } = this.#ports;
    const start = this.#openTicks;
    return {
      io: SecureSocket,
      address,
      TCP: { io: io.TCP },
      secure: {
        serverName: host,
        trust,
        identity,
        now: () => clock.now,
        ...(alpn && { alpn }),
        onConnected: () => {
          Timer.clear(this.#tcpLimit);
          this.#tcpLimit = undefined;
          this.#record.tcp = this.#step();
          log("tcp", `${address}:${port}, ${this.#record.tcp} ms`);
        },
        onSecured: (peer: TlsPeer) => {
          clock.confirm(peer.notBefore);
          log(
            "tls",
            `TLS ${peer.version}, ${peer.cipherSuite}, ${peer.subject}, ${Time.delta(start)} ms`,
          );
        },
      },
    };
  }

  #online(sessionPresent: boolean): void {
    const { clientId, protocol } = this.#options;
    Timer.clear(this.#limit);
    this.#limit = undefined;
    this.#record.connack = this.#step();
    log(
      "mqtt",
      `connected as ${clientId}, MQTT ${protocol}, session ${sessionPresent ? "kept" : "new"}, ${Time.delta(this.#openTicks)} ms`,
    );
    this.#ports.worked();
    this.#callbacks.onOnline();
  }

  /** The address and port do not lead to the broker; what else does? */
  #failed(address: string, failure: Failure): void {
    Timer.clear(this.#tcpLimit);
    this.#tcpLimit = undefined;
    const ofNetwork = failure.stage === "tcp" || failure.stage === "tls";
    if (this.#secured || !ofNetwork) {
      this.#end(failure);
      return;
    }
    // What does not heal by itself is what somebody has to know.
    if (this.#reason?.heals !== false) this.#reason = failure;
    this.#ports.next();
    if (!this.#hasAlternative(address)) this.#giveUp();
    else if (this.#portsLeft > 0) this.#open(address);
    else this.#resolve();
  }

  /** There is another port, or there may be another address. */
  #hasAlternative(address: string): boolean {
    return (
      this.#portsLeft > 0 ||
      (address !== this.#options.host && this.#tried.length < mostAddresses)
    );
  }

  #giveUp(): void {
    this.#end(this.#reason!);
  }

  #end(failure: Failure): void {
    if (this.#ended) return;
    this.close();
    this.#callbacks.onEnded(failure);
  }

  /** Ends a step: milliseconds since the last one ended. */
  #step(): number {
    const took = Time.delta(this.#stepTicks);
    this.#stepTicks = Time.ticks;
    return took;
  }
}
