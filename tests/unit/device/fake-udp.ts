import type UDP from "embedded:io/socket/udp";
import Timer from "timer";

/** A packet that a client sent. */
export interface Sent {
  bytes: Uint8Array;
  address: string;
  port: number;
}

/** Answers a packet: bytes, with another origin if wanted; several; or nothing. */
export type Server = (
  sent: Sent,
) =>
  | { bytes: Uint8Array; address?: string; port?: number }[]
  | Uint8Array
  | undefined;

/** A class in UDP's shape whose packets go to a function, so that a test can be the server. */
export function fakeUDP(server: Server): { io: typeof UDP; sent: Sent[] } {
  const sent: Sent[] = [];
  class FakeUDP {
    readonly #onReadable: ((packets: number) => void) | undefined;
    readonly #queue: (ArrayBuffer & { address: string; port: number })[] = [];
    #open = true;

    constructor(options: { onReadable?: (packets: number) => void }) {
      this.#onReadable = options.onReadable;
    }

    close(): void {
      this.#open = false;
    }

    read() {
      if (!this.#open) throw new Error("closed");
      return this.#queue.shift();
    }

    write(packet: Uint8Array, address: string, port: number): void {
      if (!this.#open) throw new Error("closed");
      const question = { bytes: packet.slice(), address, port };
      sent.push(question);
      const answer = server(question);
      if (answer === undefined) return;
      const answers = Array.isArray(answer) ? answer : [{ bytes: answer }];
      for (const one of answers)
        this.#queue.push(
          Object.assign(one.bytes.slice().buffer, {
            address: one.address ?? address,
            port: one.port ?? port,
          }),
        );
      Timer.set(() => {
        if (this.#open) this.#onReadable?.call(this, this.#queue.length);
      });
    }
  }
  return { io: FakeUDP as never, sent };
}
