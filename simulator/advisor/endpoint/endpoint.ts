import { constants } from "node:crypto";
import {
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";
import { createServer as createTlsServer } from "node:tls";
import {
  clientHelloLimit,
  readClientHello,
  type ClientHello,
} from "../../cloud/tls/client-hello.js";
import {
  defaultSecurityPolicy,
  securityPolicies,
} from "../../cloud/tls/security-policy.js";
import { mqttAlpn } from "../../cloud/tls/tls-listener.js";
import type { Timeline } from "../timeline.js";
import { allAnswers, type Answers } from "./answers.js";
import { DeviceConnection } from "./device-connection.js";
import type { Credential } from "./server-credentials.js";
import { Wire } from "./wire.js";

/** Alert of a server that is asked for a name that is not its own (RFC 6066 section 3). */
const unrecognizedName = Buffer.from([21, 3, 3, 0, 2, 2, 112]);

/**
 * The endpoint that a device is tested against: TLS with the certificate of the case, and MQTT with the answers of the
 * case. Every connection is kept, with all that was seen of it.
 *
 * As on AWS nothing comes of a connection whose server name is missing or wrong.
 */
export class Endpoint {
  readonly connections: DeviceConnection[] = [];
  /** May be changed at any time. */
  readonly answers: Answers = allAnswers();
  readonly #serverName: string;
  readonly #credential: Credential;
  readonly #timeline: Timeline;
  #server: Server | undefined;
  #port = 0;

  constructor(serverName: string, credential: Credential, timeline: Timeline) {
    this.#serverName = serverName;
    this.#credential = credential;
    this.#timeline = timeline;
  }

  get port(): number {
    return this.#port;
  }

  /** Takes connections, the second time on the same port as before. */
  async open(): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) =>
      this.#accept(socket),
    );
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, "127.0.0.1", resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Ends every connection and takes no more: a server that is gone. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve));
    for (const connection of this.connections) connection.destroy();
    await closed;
    this.#server = undefined;
  }

  #accept(socket: Socket): void {
    const connection = new DeviceConnection(
      this.connections.length + 1,
      socket,
      this.#timeline,
      this.answers,
    );
    this.connections.push(connection);
    this.#timeline.wake();
    let bytes = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const hello = readClientHello(bytes);
      if (hello === "more" && bytes.length < clientHelloLimit) return;
      socket.off("data", onData);
      if (typeof hello === "string") {
        connection.refuse("the first bytes are no ClientHello");
        socket.destroy();
      } else this.#greet(connection, socket, hello, bytes);
    };
    socket.on("data", onData);
  }

  #greet(
    connection: DeviceConnection,
    socket: Socket,
    hello: ClientHello,
    bytes: Buffer,
  ): void {
    connection.hello = hello;
    connection.note("device", describeHello(hello));
    if (hello.serverName?.toLowerCase() !== this.#serverName) {
      connection.refuse(
        hello.serverName === undefined
          ? "no server name in the ClientHello; Device Advisor needs one"
          : `server name ${hello.serverName} is not the endpoint's, ${this.#serverName}`,
      );
      socket.end(unrecognizedName);
      return;
    }
    const wire = new Wire(socket, bytes);
    connection.wire = wire;
    // A server for each connection: so its events are this connection's, and ALPN can depend on the ClientHello.
    const server = createTlsServer({
      ...this.#credential,
      ...tlsOptions,
      ...(hello.alpn?.includes(mqttAlpn) && { ALPNProtocols: [mqttAlpn] }),
    });
    server.on("secureConnection", (tls) => connection.secure(tls));
    server.on("tlsClientError", (error: NodeJS.ErrnoException) => {
      const alert = /ALERT_(\w+)/.exec(error.code ?? "")?.[1];
      connection.refuse(
        alert === undefined
          ? "the device closed in the middle of it"
          : `the device sent the alert ${alert.toLowerCase()}`,
        alert?.toLowerCase(),
      );
      wire.destroy();
    });
    server.emit("connection", wire);
  }
}

const { minVersion, maxVersion, suites } =
  securityPolicies[defaultSecurityPolicy];

/** TLS as IoT Core has it: its default policy, a client certificate, no tickets. */
const tlsOptions = {
  minVersion,
  maxVersion,
  ciphers: suites.join(":"),
  honorCipherOrder: true,
  secureOptions: constants.SSL_OP_NO_TICKET,
  requestCert: true,
  // Whose certificate it is, is not what is tested here.
  rejectUnauthorized: false,
};

function describeHello(hello: ClientHello): string {
  const names = [
    `${hello.cipherSuites.length} suites`,
    `server name ${hello.serverName ?? "none"}`,
    `ALPN ${hello.alpn?.join(", ") ?? "none"}`,
  ];
  return `ClientHello: ${names.join("; ")}`;
}
