import { PacketWriter } from "./packet-writer.js";

/** What MQTT needs of an ECMA-419 TCP socket, plain or secure. */
export interface Socket {
  read(buffer: Uint8Array): number | undefined;
  /** Returns how many bytes may be written after it. */
  write(
    buffer: Uint8Array,
    options?: { more: boolean; byteLength?: number },
  ): number | undefined;
  close(): void;
}

/**
 * The way out: one packet after another to a socket that may have no room.
 *
 * A packet is what stands in the `writer`, followed by bytes that stay where they are. What the socket does not take at
 * once waits here, without a copy, until `writable` is called; meanwhile the outlet is not `idle` and takes no other
 * packet. Header and payload go out together: in one write when both fit into the writer's buffer, and otherwise with
 * ECMA-419's `more`, so that TLS makes one record of them.
 */
export class Outlet {
  readonly writer = new PacketWriter();
  readonly #more = { more: true, byteLength: 0 };
  #socket: Socket | undefined;
  #room = 0;
  #head: Uint8Array | undefined;
  #data: Uint8Array | undefined;

  /** True when everything is with the socket. */
  get idle(): boolean {
    return this.#head === undefined && this.#data === undefined;
  }

  /** Bytes that the socket takes. */
  get room(): number {
    return this.#room;
  }

  /** The socket takes that many bytes now; sends what waits. Throws what the socket throws. */
  writable(socket: Socket, room: number): void {
    this.#socket = socket;
    this.#room = room;
    this.#flush();
  }

  /** Sends the writer's packet, and after it the data, which belongs to the packet. The outlet must be idle. */
  send(data?: Uint8Array): void {
    if (data && data.length > 0) {
      if (data.length <= this.writer.room) this.writer.raw(data);
      else this.#data = data;
    }
    this.#head = this.writer.view();
    this.#flush();
  }

  /** Sends more bytes of the payload of the last packet. The outlet must be idle. */
  sendMore(data: Uint8Array): void {
    if (data.length > 0) this.#data = data;
    this.#flush();
  }

  #flush(): void {
    const head = this.#head;
    const data = this.#data;
    if (head && data && head.length + data.length <= this.#room) {
      this.#more.byteLength = head.length + data.length;
      this.#write(head, this.#more);
      this.#write(data);
      this.#head = this.#data = undefined;
      return;
    }
    if (head) this.#head = this.#part(head);
    if (data && !this.#head) this.#data = this.#part(data);
  }

  /** Writes as much as there is room for; returns the rest, or undefined when there is none. */
  #part(bytes: Uint8Array): Uint8Array | undefined {
    let rest = bytes;
    while (this.#room > 0) {
      if (rest.length <= this.#room) {
        this.#write(rest);
        return undefined;
      }
      const count = this.#room;
      this.#write(rest.subarray(0, count));
      rest = rest.subarray(count);
    }
    return rest;
  }

  #write(
    bytes: Uint8Array,
    options?: { more: boolean; byteLength: number },
  ): void {
    const room = options
      ? this.#socket!.write(bytes, options)
      : this.#socket!.write(bytes);
    // A socket that failed returns nothing, and reports it by its onError.
    this.#room = room ?? 0;
  }
}
