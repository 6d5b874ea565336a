import type { Identity } from "../identity/identity.js";
import type { TrustAnchors } from "../identity/trust-anchors.js";
import type { SocketClass, Will } from "../mqtt/client-options.js";
import type { Message } from "../mqtt/incoming.js";
import type { ClientClass } from "../mqtt/session-options.js";
import type { TcpClass } from "../secure-socket/tcp-socket.js";
import type { Backoff } from "../system/backoff.js";
import type { Clock } from "../system/clock.js";
import type { Failure } from "../system/failure.js";
import type { NumberStore } from "../system/stored-number.js";
import type { ConnectionRecorder } from "./connection-record.js";
import type { DNSOptions } from "./resolution.js";

/** What a connection needs. Times in milliseconds. */
export interface ConnectionOptions {
  /** Name of the data endpoint; the server's certificate must be for it. */
  host: string;
  /** The only port to try. Without it 8883 and 443 are, whichever worked last first. */
  port?: number | undefined;
  protocol: "5" | "3.1.1";
  /** IoT Core: the thing's name, 1 to 128 bytes. */
  clientId: string;
  identity: Identity;
  trust: TrustAnchors;
  clock: Clock;
  io: {
    TCP: TcpClass;
    dns: DNSOptions;
    /** A class of a SecureSocket's shape, to stand in its place. */
    socket?: SocketClass;
    /** Stands in the place of our MQTT client; `standardClient` makes it of the SDK's, which is for MQTT 3.1.1. */
    MQTT?: ClientClass;
  };
  will?: Will;
  /**
   * A topic that tells whether the node is there, to everybody who subscribes at any time: `{"online":true,"time":…}` while it
   * is, `{"online":false}` when it has gone or vanished. It takes the will's place.
   */
  presence?: string;
  /** The longest silence before the link counts as dead; 60 s when left out. IoT Core takes 30 s to 1200 s. */
  keepAlive?: number;
  /** Most messages that wait for their acknowledgement, up to 100; 64 when left out. */
  capacity?: number;
  /** The pieces, in order, of messages above 16 KB. Without it they are acknowledged and dropped. */
  onPart?: (message: Message, part: Uint8Array, more: boolean) => void;
  /** Where the port that worked is kept over restarts. */
  portStore?: NumberStore;
  /** Gets a record of each attempt to connect and of what became of it. */
  recorder?: ConnectionRecorder;
  /** What a record tells of the node: signal strength in dBm, least free memory in bytes. */
  vitals?: {
    RSSI?: () => number | undefined;
    memory?: () => number | undefined;
  };
  /** The waits between attempts; full jitter from 1 s to 120 s when left out. */
  backoff?: Backoff;
  /** There is a connection. */
  onOnline?: () => void;
  /** There is none, or none yet; the reason is `failure`. The connection is tried again until it is closed. */
  onOffline?: (failure: Failure) => void;
}
