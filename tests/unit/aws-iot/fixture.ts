import Timer from "timer";
import { Connection } from "../../../modules/aws-iot/connection.js";
import type { ConnectionOptions } from "../../../modules/aws-iot/connection-options.js";
import type { ConnectionRecord } from "../../../modules/aws-iot/connection-record.js";
import { TrustAnchors } from "../../../modules/identity/trust-anchors.js";
import { Backoff } from "../../../modules/system/backoff.js";
import { Clock } from "../../../modules/system/clock.js";
import { packet, Wire } from "../mqtt/wire.js";

/** A resolver that knows some addresses and gives the next one each time, as name servers do. */
export class Rotating {
  static addresses: string[] = [];
  static questions = 0;
  resolve({
    host,
    onResolved,
  }: {
    host: string;
    onResolved: (host: string, address: string) => void;
  }): void {
    const { addresses } = Rotating;
    const address = addresses[Rotating.questions++ % addresses.length];
    Timer.set(() => onResolved(host, address));
  }
  close(): void {}
}

/** What a Wire was made with, in the shape of a SecureSocket's options. */
export interface Opened {
  address: string;
  port: number;
  secure: { serverName: string; alpn?: string[] };
}

const nothingKept = { read: () => undefined, write: () => undefined };

/** A connection over wires whose other end is the test, and what it told. */
export class Fixture {
  readonly connection: Connection;
  readonly failures: string[] = [];
  readonly records: ConnectionRecord[] = [];
  online = 0;

  /** Waits between attempts are as short as can be, unless a backoff is given. */
  constructor(options: Partial<ConnectionOptions> = {}) {
    Rotating.addresses = ["192.0.2.1"];
    Rotating.questions = 0;
    this.connection = new Connection({
      host: "endpoint.example",
      port: 8883,
      protocol: "5",
      clientId: "node-1",
      identity: undefined as never,
      trust: TrustAnchors.amazon(),
      clock: new Clock({ time: nothingKept, drift: nothingKept }),
      io: {
        TCP: undefined as never,
        dns: { io: Rotating, servers: [], socket: { io: undefined } },
        socket: Wire,
      },
      backoff: new Backoff({ random: () => 0 }),
      recorder: {
        begin: () => this.records.push({ time: 0 }),
        write: (record) => (this.records[this.records.length - 1] = record),
      },
      onOnline: () => this.online++,
      onOffline: ({ code, detail }) =>
        this.failures.push(`${code} ${detail}`.trim()),
      ...options,
    });
  }

  get wire(): Wire {
    return Wire.last;
  }

  get opened(): Opened {
    return Wire.last.options as unknown as Opened;
  }

  /** Waits until another socket is opened. */
  async nextWire(action: () => void): Promise<Wire> {
    const { count } = Wire;
    action();
    while (Wire.count === count) await turn();
    return Wire.last;
  }

  /**
   * Opens the socket and has the broker accept; CONNECT is returned.
   *
   * @param answer CONNACK without its first byte and length; a new session of MQTT 5 when left out
   */
  accept(answer = "00 00 00"): string {
    this.wire.open();
    const [connect] = this.wire.take();
    this.wire.receive(packet("20", answer));
    return connect;
  }

  /** Connects for the first time. */
  async connect(answer?: string): Promise<void> {
    await this.nextWire(() => this.connection.open());
    this.accept(answer);
  }
}

/** A few turns of the event loop. */
export const turn = () =>
  new Promise<void>((resolve) => Timer.set(() => resolve(), 5));
