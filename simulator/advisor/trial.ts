import type { Packet } from "mqtt-packet";
import type {
  DeviceConnection,
  Received,
} from "./endpoint/device-connection.js";
import type { Endpoint } from "./endpoint/endpoint.js";
import type { Timeline } from "./timeline.js";
import { NotSeen } from "./verdict.js";

/** A packet of one kind, and the connection that it came on. */
export interface Seen<C extends Packet["cmd"]> extends Received<
  Extract<Packet, { cmd: C }>
> {
  readonly connection: DeviceConnection;
}

/** One run of one case: the endpoint that the device meets, and what a case can wait for. All times are the device's. */
export class Trial {
  readonly endpoint: Endpoint;
  readonly timeline: Timeline;
  /** Long forms of cases that have one. */
  readonly long: boolean;
  readonly #timeout: number;

  /** @param timeout seconds after which the case is given up */
  constructor(
    endpoint: Endpoint,
    timeline: Timeline,
    timeout: number,
    long: boolean,
  ) {
    this.endpoint = endpoint;
    this.timeline = timeline;
    this.#timeout = timeout;
    this.long = long;
  }

  /** Seconds until the case is given up. */
  get left(): number {
    return this.#timeout - this.timeline.now;
  }

  get connections(): readonly DeviceConnection[] {
    return this.endpoint.connections;
  }

  /** Waits for what the case cannot do without. @throws NotSeen, with `what`, when it does not come */
  async expect<T>(what: string, find: () => T | undefined): Promise<T> {
    const { timeline } = this;
    const found = await timeline.until(find, this.left);
    if (found !== undefined) return found;
    throw new NotSeen(
      `${what}: not seen ${timeline.over ?? `in ${this.#timeout} s`}${this.#handshakeTrouble()}`,
    );
  }

  /** Waits so long for something. @returns undefined when it does not come */
  within<T>(
    seconds: number,
    find: () => T | undefined,
  ): Promise<T | undefined> {
    return this.timeline.until(find, Math.min(seconds, this.left));
  }

  /** Lets so many seconds pass. */
  async pass(seconds: number): Promise<void> {
    await this.within(seconds, () => undefined);
  }

  /** The first connection after the first `after` ones whose CONNECT has come. */
  connected(after = 0): Promise<DeviceConnection> {
    return this.expect(after === 0 ? "CONNECT" : "a new CONNECT", () =>
      this.connections.slice(after).find(({ connect }) => connect),
    );
  }

  /** The first packet of a kind, on any connection, that `fits`. */
  packet<C extends Packet["cmd"]>(
    what: string,
    cmd: C,
    fits: (packet: Extract<Packet, { cmd: C }>) => boolean = () => true,
  ): Promise<Seen<C>> {
    return this.expect(what, () => {
      for (const connection of this.connections) {
        const found = connection.all(cmd).find((one) => fits(one.packet));
        if (found) return { ...found, connection };
      }
      return undefined;
    });
  }

  /** Waits until a connection is over. */
  ended(connection: DeviceConnection): Promise<{ time: number; by: string }> {
    return this.expect(
      `the end of connection ${connection.number}`,
      () => connection.ended,
    );
  }

  #handshakeTrouble(): string {
    const last = this.connections.findLast((one) => one.refused)?.refused;
    return last ? `; the last handshake failed: ${last.reason}` : "";
  }
}
