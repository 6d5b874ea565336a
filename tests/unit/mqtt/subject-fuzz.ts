/**
 * A program for the tests on Node: a client gets the bytes that `mc/config` holds, and a line is printed for each case: what
 * it took and told, and how it ended. Every case is run twice, with all bytes at once and in pieces.
 */
import config from "mc/config";
import MQTTClient from "../../../modules/mqtt/client.js";
import type { ReadableOptions } from "../../../modules/mqtt/client-options.js";
import * as packet from "../../../modules/mqtt/packet-types.js";
import { readable } from "./readable.js";
import { fromHex, toHex, Wire } from "./wire.js";

/** What a broker sends, in hex. */
interface Case {
  level: packet.ProtocolLevel;
  hex: string;
  /** It is the answer to CONNECT; otherwise it comes after CONNACK. */
  first: boolean;
  /** Sizes of the pieces, taken in turn. */
  sizes: number[];
}

for (const one of (config as unknown as { cases: Case[] }).cases) {
  const bytes = fromHex(one.hex);
  const whole = run(one, [bytes.length]);
  const split = run(one, one.sizes);
  trace(
    `${JSON.stringify(whole === split ? JSON.parse(whole) : { whole, split })}\n`,
  );
}

/** Returns the outcome as JSON. */
function run({ level, hex, first }: Case, sizes: number[]): string {
  const events: object[] = [];
  let message: ReadableOptions | undefined;
  let payload: number[] = [];
  let failure: object | undefined;
  let accepted = first;
  const client = new MQTTClient({
    host: "broker",
    id: "fuzzed",
    clean: false,
    protocol: level === 5 ? "5" : "3.1.1",
    ...(level === 5 && {
      properties: { maximumPacketSize: 2000, topicAliasMaximum: 65_535 },
    }),
    socket: { io: Wire },
    onReadable(count, options) {
      if (options.topic !== undefined) {
        message = options;
        payload = [];
      }
      if (count > 0) payload.push(...new Uint8Array(this.read(count)!));
      if (options.more) return;
      const { topic, QoS, retain, duplicate, properties } = message!;
      events.push({
        ...{ cmd: "publish", topic, qos: QoS, retain, dup: duplicate },
        ...{ payload: toHex(payload), properties: readable(properties) },
      });
    },
    onControl(operation, control) {
      const { id, reasonCode, payload: granted, sessionPresent } = control;
      const properties = readable(control.properties);
      if (accepted)
        events.push({
          ...{ cmd: packet.packetName(operation).toLowerCase(), properties },
          ...{ messageId: id, reasonCode, granted, sessionPresent },
        });
      accepted = true;
    },
    onError: ({ code, detail }) => (failure = { code, detail }),
  });
  const wire = Wire.last;
  wire.open();
  if (!first) wire.receive(level === 5 ? "20 03 00 00 00" : "20 02 00 00");
  wire.take();
  const bytes = fromHex(hex);
  for (let at = 0, turn = 0; at < bytes.length && !wire.closed; turn++) {
    const size = sizes[turn % sizes.length];
    wire.receive(bytes.slice(at, at + size));
    at += size;
  }
  // What it has not acknowledged when it ends the broker sends again: how much that is depends on the pieces.
  const said = wire.take().filter((one) => !failure || !one.startsWith("40"));
  if (wire.closed !== (failure !== undefined)) throw new Error(hex);
  client.close();
  return JSON.stringify({ events, failure, said });
}
