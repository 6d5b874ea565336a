import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import {
  createServer as createTlsServer,
  type Server,
  type TLSSocket,
  type TlsOptions,
} from "node:tls";
import { chainPem, keyPem, type Credential } from "./pki.js";

/** Node's own TLS server on a free port, and what happened to it. */
export class NodeServer {
  readonly port: number;
  /** Errors of connections, such as an alert that the client sent. */
  readonly errors: string[] = [];
  readonly #server: Server;
  readonly #close: () => Promise<void>;

  private constructor(server: Server, close: () => Promise<void>) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#close = close;
  }

  /** Starts a server that calls `serve` for each connection whose handshake succeeded. */
  static async start(
    credential: Credential,
    serve: (socket: TLSSocket) => void = () => {},
    options: TlsOptions = {},
  ): Promise<NodeServer> {
    const server = createTlsServer(
      {
        cert: chainPem(credential),
        key: await keyPem(credential),
        // Below 2 a certificate that a node must refuse could not even be loaded.
        ciphers: "DEFAULT:@SECLEVEL=0",
        ...options,
      },
      (socket) => {
        socket.on("error", (error) => made.errors.push(String(error)));
        serve(socket);
      },
    );
    const sockets = new Set<Socket>();
    server.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    server.on("tlsClientError", (error) => made.errors.push(String(error)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const made = new NodeServer(server, async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    return made;
  }

  /** Calls `onKeys` with each secret of each connection, as NSS's key log has it: label, client's random, secret. */
  onKeys(onKeys: (line: string) => void): void {
    this.#server.on("keylog", (line: Buffer) => onKeys(line.toString()));
  }

  /** Waits until a connection has failed, or a moment has passed, and gives the errors. */
  async failures(): Promise<string> {
    for (let i = 0; i < 100 && this.errors.length === 0; i++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    return this.errors.join("\n");
  }

  async stop(): Promise<void> {
    await this.#close();
  }
}

/**
 * What a wire does to the bytes that a server sends: gives the pieces to send on, undefined to cut the connection.
 *
 * @param connection which of the proxy's connections they come over, counted from 1
 */
export type Wire = (
  bytes: Buffer,
  offset: number,
  connection: number,
) => Buffer[] | undefined;

/**
 * A TCP proxy before a server that changes, splits or cuts what the server sends.
 *
 * @param onClient called with what the client sends
 */
export async function proxy(
  target: number,
  wire: Wire,
  onClient?: (bytes: Buffer) => void,
): Promise<{ port: number; stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const listener = createServer({ noDelay: true }, (client) => {
    const connection = ++connections;
    const upstream = connect({ port: target, host: "127.0.0.1" });
    let offset = 0;
    let queue = Promise.resolve();
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    }
    client.on("data", (bytes) => {
      onClient?.(bytes);
      upstream.write(bytes);
    });
    client.on("end", () => upstream.end());
    client.on("close", () => upstream.destroy());
    upstream.on("data", (bytes) => {
      const pieces = wire(bytes, offset, connection);
      offset += bytes.length;
      queue = queue.then(async () => {
        for (const piece of pieces ?? []) {
          client.write(piece);
          if (pieces!.length > 1)
            await new Promise((resolve) => setImmediate(resolve));
        }
        if (!pieces) client.end();
      });
    });
    upstream.on("end", () => void queue.then(() => client.end()));
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    port: (listener.address() as AddressInfo).port,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
