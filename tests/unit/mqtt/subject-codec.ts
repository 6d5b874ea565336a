/**
 * A program for the tests on Node: decodes and encodes the packets that `mc/config` holds, and prints a line for each.
 * Binary data stands in the configuration and on the output in hex.
 */
import config from "mc/config";
import MQTTClient from "../../../modules/mqtt/client.js";
import type { ConnectOptions } from "../../../modules/mqtt/client-options.js";
import type { WriteOptions } from "../../../modules/mqtt/client-options.js";
import { writeConnect } from "../../../modules/mqtt/connect-packet.js";
import { PacketReader } from "../../../modules/mqtt/packet-reader.js";
import * as packet from "../../../modules/mqtt/packet-types.js";
import { PacketWriter } from "../../../modules/mqtt/packet-writer.js";
import {
  writePublish,
  writeSubscription,
} from "../../../modules/mqtt/request-packets.js";
import { ServerLimits } from "../../../modules/mqtt/server-limits.js";
import { OutgoingAliases } from "../../../modules/mqtt/topic-aliases.js";
import { readable } from "./readable.js";
import { fromHex, toHex, Wire } from "./wire.js";

/** A packet in hex, to be decoded from pieces of the given sizes. */
interface Encoded {
  level: packet.ProtocolLevel;
  hex: string;
  sizes: number[];
}

/** A packet to be encoded. */
interface Request {
  level: packet.ProtocolLevel;
  operation: number;
  id: number;
  options: Record<string, unknown>;
}

const vectors = config as unknown as { decode?: Encoded[]; encode?: Request[] };
const print = (line: object): void => trace(`${JSON.stringify(line)}\n`);

for (const encoded of vectors.decode ?? []) print(decode(encoded));
for (const request of vectors.encode ?? []) print({ hex: encode(request) });

function decode({ level, hex, sizes }: Encoded): object {
  const reader = new PacketReader({ level, headerLimit: 1_000_000 });
  const bytes = new Uint8Array(fromHex(hex));
  let at = 0;
  let turn = 0;
  let type: number;
  const more = (): void => {
    if (at === bytes.length) throw new Error(`${hex} is not enough`);
    const count = Math.min(
      reader.prepare(),
      sizes[turn++ % sizes.length],
      bytes.length - at,
    );
    reader.buffer.set(bytes.subarray(at, at + count), reader.end);
    reader.filled(count);
    at += count;
  };
  while ((type = reader.next()) === 0) more();
  const payload: number[] = [];
  if (type === packet.PUBLISH) {
    const piece = new Uint8Array(7);
    while (reader.payloadLeft > 0) {
      const count = reader.take(piece);
      if (count === 0) more();
      payload.push(...piece.subarray(0, count));
    }
  }
  const { packetId, reasonCode, reasonCodes, properties } = reader;
  const { topic, QoS, retain, duplicate, sessionPresent } = reader;
  return {
    type,
    packetId,
    properties: readable(properties),
    ...(type === packet.PUBLISH
      ? { topic, QoS, retain, duplicate, payload: toHex(payload) }
      : { reasonCode, reasonCodes, sessionPresent }),
    left: bytes.length - at + reader.buffered,
  };
}

/** Turns what stands as `{"hex": …}` in the configuration into bytes. */
function revived(value: unknown): unknown {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((one) => revived(one));
  if ("hex" in value) return new Uint8Array(fromHex(String(value.hex))).buffer;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, revived(one)]),
  );
}

function encode({ level, operation, id, options }: Request): string {
  const writer = new PacketWriter(64);
  if (operation === packet.CONNECT)
    writeConnect(writer, revived(options) as ConnectOptions, level);
  else if (operation === packet.PUBLISH) {
    const { payload, ...rest } = revived(options) as WriteOptions & {
      payload: ArrayBuffer;
    };
    const none = new OutgoingAliases(0);
    const limits = new ServerLimits();
    const { byteLength } = payload;
    writePublish(writer, level, rest, id, byteLength, none, limits);
    return `${toHex(writer.view())} ${toHex(new Uint8Array(payload))}`.trim();
  } else if (operation === packet.PINGREQ || operation === packet.DISCONNECT)
    return write(level, { operation, ...(revived(options) as WriteOptions) });
  else
    writeSubscription(
      writer,
      operation,
      level,
      revived(options) as WriteOptions,
      id,
    );
  return toHex(writer.view());
}

/** What a connected client writes. */
function write(level: packet.ProtocolLevel, options: WriteOptions): string {
  const client = new MQTTClient({
    host: "broker",
    protocol: level === 5 ? "5" : "3.1.1",
    socket: { io: Wire },
  });
  const wire = Wire.last;
  wire.open();
  wire.receive(level === 5 ? "20 03 00 00 00" : "20 02 00 00");
  wire.take();
  client.write(undefined, options);
  client.close();
  return wire.take().join(" ");
}
