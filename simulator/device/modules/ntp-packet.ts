/** SNTP packets (RFC 4330, section 4). Times are in ms since 1970 unless they are said to be NTP's. */

export const packetLength = 48;

/** Seconds from 1900 to 1970. */
const epoch = 2_208_988_800;

const transmitField = 40;
const originateField = 24;
const receiveField = 32;

/** What a server's packet says. */
export interface ServerPacket {
  /** When the question came in and when the answer went out, by the server's clock. */
  received: number;
  sent: number;
}

/** Why a packet cannot be used. `goAway`: the server does not want to be asked again (kiss-o'-death, section 8). */
export class UnusablePacket extends Error {
  readonly goAway: boolean;

  constructor(message: string, goAway = false) {
    super(message);
    this.goAway = goAway;
  }
}

/**
 * A question. The eight bytes of `nonce` stand where the time of sending would: they come back in the answer and prove
 * that it is one, and the server learns nothing of the node's clock.
 */
export function encodeRequest(nonce: Uint8Array): Uint8Array {
  const packet = new Uint8Array(packetLength);
  packet[0] = (4 << 3) | 3; // version 4, mode 3: client
  packet.set(nonce, transmitField);
  return packet;
}

/** Reads an answer and checks it as RFC 4330, section 5 says. Throws UnusablePacket. */
export function decodeAnswer(
  buffer: ArrayBuffer,
  nonce: Uint8Array,
): ServerPacket {
  if (buffer.byteLength < packetLength) throw new UnusablePacket("too short");
  const view = new DataView(buffer);
  const first = view.getUint8(0);
  const stratum = view.getUint8(1);
  if (nonce.some((byte, i) => view.getUint8(originateField + i) !== byte))
    throw new UnusablePacket("not the answer to what was asked");
  if ((first & 7) !== 4) throw new UnusablePacket("not from a server");
  if (stratum === 0)
    throw new UnusablePacket(`refused: ${text(view, 12, 4)}`, true);
  if (stratum > 15) throw new UnusablePacket("from a server without the time");
  if (first >> 6 === 3)
    throw new UnusablePacket("from a server whose clock is not set");
  if (
    view.getUint32(transmitField) === 0 &&
    view.getUint32(transmitField + 4) === 0
  )
    throw new UnusablePacket("without a time");
  return {
    received: readTime(view, receiveField),
    sent: readTime(view, transmitField),
  };
}

/** NTP's seconds begin in 1900 and again, with the highest bit clear, in 2036 (section 3). */
function readTime(view: DataView, at: number): number {
  const seconds = view.getUint32(at);
  const era = seconds < 0x8000_0000 ? 2 ** 32 : 0;
  const fraction = view.getUint32(at + 4) / 2 ** 32;
  return (seconds + era - epoch) * 1000 + Math.round(fraction * 1000);
}

function text(view: DataView, at: number, length: number): string {
  let result = "";
  for (let i = 0; i < length; i++)
    result += String.fromCharCode(view.getUint8(at + i));
  return result;
}
