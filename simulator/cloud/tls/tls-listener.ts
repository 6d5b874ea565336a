import { constants } from "node:crypto";
import {
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";
import tls, { type TLSSocket } from "node:tls";
import type { ServerCertificate } from "../certificates/server-chain.js";
import { certificateId } from "../certificates/device-authority.js";
import type { EventLog } from "../event-log.js";
import { CertificateGate, type JudgeCertificate } from "./certificate-gate.js";
import {
  clientHelloLimit,
  readClientHello,
  type ClientHello,
} from "./client-hello.js";
import type { SecurityPolicy } from "./security-policy.js";

/** ALPN name under which port 443 speaks MQTT with client certificates. */
export const mqttAlpn = "x-amzn-mqtt-ca";
/** ALPN name under which port 443 speaks HTTPS with client certificates. */
export const httpAlpn = "x-amzn-http-ca";
const alpnNames = [mqttAlpn, httpAlpn];

/** A client after its handshake. */
export interface SecureClient {
  readonly socket: TLSSocket;
  /** Address and port, for people. */
  readonly name: string;
  readonly address: string;
  /** ALPN name that was agreed on, if any. */
  readonly alpn?: string;
  /** SHA-256 of the certificate that the client showed; whether it is any good is the registry's question. */
  readonly certificateId?: string;
  /** That certificate, DER; kept by the connection, not by its client. */
  readonly readCertificate: () => Buffer | undefined;
}

/** How a port takes connections. */
export interface TlsListenerOptions {
  readonly policy: SecurityPolicy;
  /** The endpoint's certificate in RSA and in EC. */
  readonly certificates: readonly ServerCertificate[];
  /** Names of this endpoint: a client that asks for another is refused. */
  readonly serverNames: readonly string[];
  readonly missingServerName: "accept" | "refuse";
  /** True for the stand-in of port 443: client certificates count only with ALPN `x-amzn-mqtt-ca` or `x-amzn-http-ca`. */
  readonly needsAlpn: boolean;
  /** Judges client certificates in the handshake, which is TLS 1.2 then. Without it any passes. */
  readonly judgeCertificate?: JudgeCertificate;
  /** Milliseconds that a handshake may take. */
  readonly handshakeTimeout: number;
  readonly log: EventLog;
  readonly onClient: (client: SecureClient) => void;
}

/** TLS alerts that are sent before the handshake begins (RFC 8446 section 6.2). */
const alert = { unrecognizedName: 112, noApplicationProtocol: 120 } as const;

/**
 * One TLS port.
 *
 * Looks at the ClientHello first, then hands the connection to Node's TLS: a wrong server name and a wrong ALPN name are
 * answered with their alerts, which Node itself cannot send, and what AWS ignores (max_fragment_length) is told to the log.
 */
export class TlsListener {
  readonly #options: TlsListenerOptions;
  readonly #server: Server;
  readonly #tls: tls.Server;
  #context: tls.SecureContext;
  readonly #sockets = new Set<Socket>();

  constructor(options: TlsListenerOptions) {
    this.#options = options;
    const context = this.#contextOptions(options.certificates);
    this.#context = tls.createSecureContext(context);
    this.#tls = tls.createServer({
      ...context,
      requestCert: true,
      // The registry decides, not a certificate authority: any chain, or none, passes here.
      rejectUnauthorized: false,
      handshakeTimeout: options.handshakeTimeout,
      ...(options.needsAlpn && { ALPNProtocols: alpnNames }),
    });
    this.#tls.on("secureConnection", (socket) =>
      this.#secured(socket, nameOf(socket), socket.remoteAddress ?? ""),
    );
    this.#tls.on("tlsClientError", (error, socket) => {
      this.#failed(nameOf(socket), error.message);
      socket.destroy();
    });
    this.#server = createServer({ noDelay: true, keepAlive: true });
    this.#server.on("connection", (socket) => this.#accept(socket));
  }

  /** Port that it listens on. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Begins to listen. Rejects with the system's error when the port cannot be had. */
  async listen(port: number, address: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, address, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  /** Shows other certificates from the next handshake on. */
  renew(certificates: readonly ServerCertificate[]): void {
    const context = this.#contextOptions(certificates);
    this.#context = tls.createSecureContext(context);
    this.#tls.setSecureContext(context);
  }

  /** Closes the port and every connection that is still open. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) =>
      this.#server.close(() => resolve()),
    );
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    const name = nameOf(socket);
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    let bytes = Buffer.alloc(0);
    const stop = (reason?: string) => {
      clearTimeout(timer);
      socket.off("data", onData);
      socket.off("error", onError);
      socket.off("end", onEnd);
      if (reason === undefined) return;
      this.#failed(name, reason);
      socket.destroy();
    };
    const onError = (error: Error) => stop(error.message);
    const onEnd = () => stop("closed before its ClientHello");
    const onData = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const hello = readClientHello(bytes);
      if (hello === "more" && bytes.length < clientHelloLimit) return;
      if (typeof hello === "string") {
        stop("the first bytes are no ClientHello");
        return;
      }
      socket.pause();
      stop();
      this.#greet(socket, hello, bytes);
    };
    const timer = setTimeout(
      () => stop("no ClientHello in time"),
      this.#options.handshakeTimeout,
    );
    socket.on("error", onError);
    socket.on("end", onEnd);
    socket.on("data", onData);
  }

  #greet(socket: Socket, hello: ClientHello, bytes: Buffer): void {
    const { serverNames, missingServerName, needsAlpn, log } = this.#options;
    const name = nameOf(socket);
    const asked = hello.serverName?.toLowerCase();
    if (
      asked === undefined
        ? missingServerName === "refuse"
        : !serverNames.includes(asked)
    ) {
      this.#alert(
        socket,
        alert.unrecognizedName,
        asked === undefined
          ? "no server name in the ClientHello"
          : `server name ${asked} is not this endpoint`,
      );
      return;
    }
    if (
      needsAlpn &&
      hello.alpn &&
      !hello.alpn.some((offered) => alpnNames.includes(offered))
    ) {
      this.#alert(
        socket,
        alert.noApplicationProtocol,
        `ALPN ${hello.alpn.join(", ")}: a client certificate needs ${mqttAlpn} or, for HTTPS, ${httpAlpn} on this port`,
      );
      return;
    }
    if (asked === undefined)
      log.add({
        type: "warning",
        peer: name,
        reason:
          "no server name in the ClientHello: multi-account certificates, custom domains and just-in-time registration need one on AWS",
      });
    if (hello.maxFragmentLength !== undefined || hello.recordSizeLimit)
      log.add({
        type: "warning",
        peer: name,
        reason:
          "the client asks for short records; AWS ignores that and sends records of 16 KB, so it must be able to take them",
      });
    socket.unshift(bytes);
    const { judgeCertificate } = this.#options;
    if (judgeCertificate) this.#behindGate(socket, judgeCertificate);
    else this.#tls.emit("connection", socket);
  }

  /** Does the handshake with a gate in front, which judges the client's certificate. */
  #behindGate(socket: Socket, judge: JudgeCertificate): void {
    const name = nameOf(socket);
    const address = socket.remoteAddress ?? "";
    let told = false;
    const failed = (reason: string) => {
      clearTimeout(timer);
      if (!told) this.#failed(name, reason);
      told = true;
      secure.destroy();
    };
    const gate = new CertificateGate(socket, judge, (reason, number) =>
      failed(`${reason}. Alert ${number} was sent`),
    );
    const secure = new tls.TLSSocket(gate, {
      isServer: true,
      secureContext: this.#context,
      requestCert: true,
      rejectUnauthorized: false,
    });
    const timer = setTimeout(
      () => failed("no handshake in time"),
      this.#options.handshakeTimeout,
    );
    const onError = (error: Error) => failed(error.message);
    const onClose = () => failed("closed in the handshake");
    secure.on("error", onError);
    secure.on("close", onClose);
    secure.once("secure", () => {
      clearTimeout(timer);
      secure.off("error", onError);
      secure.off("close", onClose);
      this.#secured(secure, name, address);
    });
  }

  #contextOptions(certificates: readonly ServerCertificate[]) {
    const { policy, judgeCertificate } = this.#options;
    return contextOptions(
      judgeCertificate
        ? { ...policy, minVersion: "TLSv1.2", maxVersion: "TLSv1.2" }
        : policy,
      certificates,
    );
  }

  #secured(socket: TLSSocket, name: string, address: string): void {
    const { log, needsAlpn, onClient } = this.#options;
    const certificate = socket.getPeerX509Certificate();
    const alpn = socket.alpnProtocol || undefined;
    const ignored = needsAlpn && alpn === undefined;
    const id =
      certificate && !ignored ? certificateId(certificate.raw) : undefined;
    const serverName = (socket as { servername?: string | false }).servername;
    log.add({
      type: "tls",
      peer: name,
      version: (socket.getProtocol() ?? "").replace("TLSv", "TLS "),
      suite: socket.getCipher().standardName,
      ...(id !== undefined && { certificate: id }),
      ...(serverName && { serverName }),
    });
    if (ignored)
      log.add({
        type: "warning",
        peer: name,
        reason: `without ALPN ${mqttAlpn} or ${httpAlpn} this port does not look at client certificates`,
      });
    onClient({
      socket,
      name,
      address,
      ...(alpn !== undefined && { alpn }),
      ...(id !== undefined && { certificateId: id }),
      readCertificate: () =>
        id === undefined ? undefined : socket.getPeerX509Certificate()?.raw,
    });
  }

  /** Refuses before the handshake: a fatal alert in the clear (level 2), then the close. */
  #alert(socket: Socket, description: number, reason: string): void {
    this.#failed(nameOf(socket), `${reason}. Alert ${description} was sent`);
    socket.on("error", () => socket.destroy());
    socket.end(Buffer.from([21, 3, 3, 0, 2, 2, description]));
    socket.resume();
    setTimeout(() => socket.destroy(), 1_000).unref();
  }

  #failed(peer: string, reason: string): void {
    this.#options.log.add({ type: "tls-failed", peer, reason });
  }
}

function contextOptions(
  policy: SecurityPolicy,
  certificates: readonly ServerCertificate[],
): tls.SecureContextOptions & { sessionTimeout: number } {
  return {
    key: certificates.map(({ privateKey }) => privateKey),
    cert: certificates.map(({ chain }) => chain),
    minVersion: policy.minVersion,
    maxVersion: policy.maxVersion,
    ciphers: policy.suites.join(":"),
    honorCipherOrder: true,
    ecdhCurve: "P-256:P-384:X25519:P-521",
    secureOptions: constants.SSL_OP_NO_TICKET,
    // TLS 1.3: OpenSSL announces sessions even so. They are in no cache and so resume nothing; this is how long they "last".
    sessionTimeout: 1,
  };
}

function nameOf(socket: Socket): string {
  return `${socket.remoteAddress ?? "?"}:${socket.remotePort ?? "?"}`;
}
