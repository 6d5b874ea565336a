import type { Identity } from "../identity/identity.js";
import type { TrustAnchors } from "../identity/trust-anchors.js";
import type { Failure } from "../system/failure.js";
import type { SecureSocket } from "./secure-socket.js";
import type { TcpClass } from "./tcp-socket.js";
import type { TlsPeer } from "./tls-session.js";

/** How the socket secures its connection. */
export interface SecureOptions {
  /** The name to send and to look for in the certificate; the options' `host` or `address` when absent. */
  serverName?: string;
  trust: TrustAnchors;
  identity?: Identity;
  alpn?: string[];
  cipherSuites?: string[];
  minVersion?: "1.2" | "1.3";
  /**
   * For TCP connection and handshake together, in ms; 30 000 when absent. A socket waits as long, before that, for the
   * handshakes of others: a node makes one at a time.
   */
  handshakeTimeout?: number;
  /** The node's own clock, in ms since 1970; Date.now when absent. */
  now?: () => number;
  /** TCP is connected, the handshake begins. */
  onConnected?: () => void;
  /** The handshake is done, and this is the other side. */
  onSecured?: (peer: TlsPeer) => void;
}

/** What a SecureSocket is made of. */
export interface SecureSocketOptions {
  /** IPv4 address to connect to. */
  address?: string;
  /** The name the address was resolved from. */
  host?: string;
  port: number;
  /** The TCP class, and options of its own. */
  TCP: { io: TcpClass; [option: string]: unknown };
  secure: SecureOptions;
  format?: "buffer" | "number";
  /** Anything; becomes the property `target`. */
  target?: unknown;
  /** Data arrived; `count` bytes can be read. */
  onReadable?: (this: SecureSocket, count: number) => void;
  /** The handshake is done, or room was made: `count` bytes can be written. */
  onWritable?: (this: SecureSocket, count: number) => void;
  /** The connection ended, and why. Nothing comes after it. */
  onError?: (this: SecureSocket, failure: Failure) => void;
}

/** How a write belongs to others: with `more`, it joins the TLS record of the next. */
export interface WriteOptions {
  more?: boolean;
  /** Bytes of the whole message, when known; the room of a record is known without. */
  byteLength?: number;
}
