import Listener from "embedded:io/socket/listener";
import TCP from "embedded:io/socket/tcp";

/** A TCP socket whose callbacks a test may set and change at any time. */
export class Peer {
  readonly socket: TCP;
  onReadable: (bytes: number) => void = () => {};
  onWritable: (bytes: number) => void = () => {};
  onError: () => void = () => {};
  /** How often each callback came. */
  readonly calls = { readable: 0, writable: 0, error: 0 };

  constructor(where: { address: string; port: number } | { from: TCP }) {
    this.socket = new TCP({
      ...where,
      onReadable: (bytes) => {
        this.calls.readable++;
        this.onReadable(bytes);
      },
      onWritable: (bytes) => {
        this.calls.writable++;
        this.onWritable(bytes);
      },
      onError: () => {
        this.calls.error++;
        this.onError();
      },
    });
  }

  /** Resolves with the next call's count of bytes. */
  readable(): Promise<number> {
    return new Promise((resolve) => (this.onReadable = resolve));
  }

  writable(): Promise<number> {
    return new Promise((resolve) => (this.onWritable = resolve));
  }

  failed(): Promise<void> {
    return new Promise((resolve) => (this.onError = resolve));
  }

  /** Reads until so many bytes have come. */
  async bytes(count: number): Promise<Uint8Array> {
    const all = new Uint8Array(count);
    for (let size = 0; size < count;) {
      const part = this.socket.read() as ArrayBuffer | undefined;
      if (part === undefined) {
        await this.readable();
        continue;
      }
      all.set(new Uint8Array(part), size);
      size += part.byteLength;
    }
    return all;
  }
}

/** Two ends of one connection over 127.0.0.1, both ready to write. */
export async function connect(): Promise<{ near: Peer; far: Peer }> {
  const accepted = new Promise<Peer>((resolve) => {
    listening = new Listener({
      address: "127.0.0.1",
      onReadable() {
        const far = new Peer({ from: this.read()! });
        far.onWritable = () => resolve(far);
        this.close();
      },
    });
  });
  const near = new Peer({ address: "127.0.0.1", port: listening!.port });
  await near.writable();
  return { near, far: await accepted };
}

let listening: Listener | undefined;

/** A port of 127.0.0.1 that nobody listens on. */
export function unusedPort(): number {
  const listener = new Listener({ address: "127.0.0.1" });
  const { port } = listener;
  listener.close();
  return port;
}

/** Bytes 0, 1, 2 … 250, 0, 1 … : a missing or doubled piece shows. */
export function pattern(length: number, from = 0): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => (from + index) % 251);
}
