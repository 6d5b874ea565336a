import type { RemoteInfo } from "node:dgram";
import { UDPServer } from "./udp-server.js";

/** Seconds from 1900, where NTP's time begins, to 1970 (RFC 5905, section 6). */
const epoch = 2_208_988_800;

const packetLength = 48;

/**
 * The access point's time server: answers SNTP clients (RFC 4330) on the loopback interface.
 */
export class NTPServer extends UDPServer {
  readonly #now: () => number | undefined;

  /** @param now the server's clock, in ms since 1970; undefined while it does not answer; the desktop's unless given */
  constructor(now: () => number | undefined = Date.now) {
    super();
    this.#now = now;
  }

  protected receive(request: Buffer, from: RemoteInfo): void {
    const answer = this.#answer(request);
    if (answer) this.socket.send(answer, from.port, from.address);
  }

  /** The answer to a client's packet (mode 3); none for anything else. */
  #answer(request: Buffer): Buffer | undefined {
    if (request.length < packetLength || (request[0] & 7) !== 3) return;
    const now = this.#now();
    if (now === undefined) return;
    const answer = Buffer.alloc(packetLength);
    const version = request[0] & 0x38;
    answer[0] = version | 4;
    answer[1] = 2; // stratum: as good as a server of the Internet
    answer[2] = request[2]!;
    answer[3] = 0xec; // precision: 2^-20 s
    answer.write("LOCL", 12, "latin1");
    writeTime(answer, 16, now);
    request.copy(answer, 24, 40, 48);
    writeTime(answer, 32, now);
    writeTime(answer, 40, now);
    return answer;
  }
}

/** Writes an NTP timestamp: seconds since 1900 and 32 bits of fraction. */
function writeTime(packet: Buffer, offset: number, milliseconds: number): void {
  const seconds = Math.floor(milliseconds / 1000);
  const fraction = ((milliseconds % 1000) / 1000) * 2 ** 32;
  packet.writeUInt32BE((seconds + epoch) % 2 ** 32, offset);
  packet.writeUInt32BE(Math.floor(fraction), offset + 4);
}
