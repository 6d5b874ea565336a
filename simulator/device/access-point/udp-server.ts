import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";

/** A server of the access point: UDP on the loopback interface. */
export abstract class UDPServer {
  protected readonly socket: Socket = createSocket("udp4");

  constructor() {
    this.socket.on("message", (bytes, from) => this.receive(bytes, from));
  }

  /** Listens on a free port of 127.0.0.1. */
  async listen(): Promise<{ address: string; port: number }> {
    this.socket.bind(0, "127.0.0.1");
    await once(this.socket, "listening");
    return this.socket.address();
  }

  close(): void {
    this.socket.close();
  }

  protected abstract receive(bytes: Buffer, from: RemoteInfo): void;
}
