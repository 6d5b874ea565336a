import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A way to a server that can be closed: bytes go through in both directions until it is. */
export class Gate {
  readonly #server;
  readonly #sockets = new Set<Socket>();
  #open = true;

  /** @param target the server's port on the loopback */
  constructor(target: number) {
    this.#server = createServer((client) => {
      if (!this.#open) {
        client.destroy();
        return;
      }
      const server = connect(target, "127.0.0.1");
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket.on("error", () => undefined);
        socket.on("close", () => {
          client.destroy();
          server.destroy();
          this.#sockets.delete(socket);
        });
      }
      client.pipe(server).pipe(client);
    });
  }

  /** Returns its port. */
  async listen(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts all connections; new ones are let through. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Cuts all connections, and any new one at once until it is opened again. */
  shut(): void {
    this.#open = false;
    this.cut();
  }

  open(): void {
    this.#open = true;
  }

  close(): void {
    this.#server.close();
    this.cut();
  }
}
