import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A TCP proxy that holds each byte back, so that a round trip takes as long as over a network. */
export class DelayedWire {
  readonly #server;
  readonly #sockets = new Set<Socket>();

  /**
   * @param target port on 127.0.0.1
   * @param delay ms in one direction
   */
  constructor(target: number, delay: number) {
    this.#server = createServer((client) => {
      const server = connect(target, "127.0.0.1");
      for (const [from, to] of [
        [client, server],
        [server, client],
      ]) {
        this.#sockets.add(from);
        from.setNoDelay().on("error", () => undefined);
        from.on("data", (data) => setTimeout(() => to.write(data), delay));
        from.on("close", () => {
          this.#sockets.delete(from);
          setTimeout(() => to.destroy(), delay);
        });
      }
    });
  }

  /** @returns the port to connect to instead */
  async listen(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
