/**
 * A program for the tests on Node: a session against a broker over TCP, told by `mc/config` what to do. It prints what
 * happens as one JSON object a line, connects again whenever the connection is lost, and ends when all is done.
 */
import config from "mc/config";
import Timer from "timer";
import TCP from "embedded:io/socket/tcp";
import Heap from "../../../simulator/device/modules/heap.js";
import MQTTClient from "../../../modules/mqtt/client.js";
import { Session } from "../../../modules/mqtt/session.js";
import type { Properties } from "../../../modules/mqtt/properties.js";

interface Script {
  port: number;
  id: string;
  protocol: "5" | "3.1.1";
  keepAlive?: number;
  properties?: Properties;
  will?: { topic: string; message: string; QoS: number };
  resendAfter?: number;
  subscribe?: string[];
  /** Messages to `topic`, or to `topic/INDEX` when `numbered`; the payload is INDEX, or `size` bytes of a pattern. */
  publish?: {
    topic: string;
    QoS: 0 | 1;
    count: number;
    numbered?: boolean;
    size?: number;
    retain?: boolean;
    properties?: Properties;
    /** Most that are unacknowledged at a time. */
    window?: number;
    /** Publish again what fails and may heal, as the outbox does. */
    again?: boolean;
  };
  /** End after so many incoming messages. */
  receive?: number;
  /** Drop the connection once, after so many incoming messages, and stay away for so many ms. */
  leave?: { after: number; for: number };
  /** Print how much of the heap is in use after so many messages, and at the end. */
  heapAfter?: number;
  /** How to end: by DISCONNECT, or just gone. */
  end?: "disconnect" | "gone";
}

const script = config as unknown as Script;
const { publish } = script;
const print = (event: object): void => trace(`${JSON.stringify(event)}\n`);
const pattern = (index: number): number => (index * 7 + (index >> 8)) & 255;

let received = 0;
let taken = 0;
let through = 0;
let left = false;
let finished = false;
let partAt = 0;
let partRight = true;

const session = new Session({
  ...(script.resendAfter !== undefined && { resendAfter: script.resendAfter }),
  onMessage: (topic, payload, { retain, QoS, duplicate, properties }) => {
    const text = String.fromArrayBuffer(payload);
    print({
      event: "message",
      topic,
      text,
      retain,
      QoS,
      duplicate,
      properties,
    });
    onReceived();
  },
  onPart: ({ topic, byteLength }, part, more) => {
    for (const byte of part) if (byte !== pattern(partAt++)) partRight = false;
    if (more) return;
    print({ event: "large", topic, byteLength, right: partRight });
    partAt = 0;
    onReceived();
  },
});

const source = {
  byteLength: publish?.size ?? 0,
  read: (offset: number, into: Uint8Array) => {
    for (let index = 0; index < into.length; index++)
      into[index] = pattern(offset + index);
  },
};

function onReceived(): void {
  received++;
  if (script.leave && !left && received === script.leave.after) {
    left = true;
    print({ event: "left" });
    // Not in the middle of the callback: the message is to be acknowledged first.
    Timer.set(() => {
      session.abort();
      Timer.set(connect, script.leave!.for);
    }, 20);
  } else finish();
}

function publishMore(): void {
  if (!publish) return;
  while (taken < publish.count && taken - through < (publish.window ?? 20))
    publishOne(publish, taken++);
}

function publishOne(options: NonNullable<typeof publish>, index: number): void {
  session.publish(
    options.numbered ? `${options.topic}/${index}` : options.topic,
    options.size ? source : ArrayBuffer.fromString(String(index)),
    options,
    (failure, reasonCode) => {
      if (failure) print({ event: "failed", index, code: failure.code });
      else if (reasonCode >= 0x80) print({ event: "odd", reasonCode });
      if (failure?.heals && options.again) {
        Timer.set(() => publishOne(options, index), 0);
        return;
      }
      through++;
      if (through === script.heapAfter || through === options.count)
        printHeap();
      Timer.set(publishMore, 0);
      finish();
    },
  );
}

function printHeap(): void {
  if (script.heapAfter === undefined) return;
  Heap.collect();
  print({ event: "heap", slots: Heap.slots, chunks: Heap.chunks });
}

function finish(): void {
  if (through < (publish?.count ?? 0) || received < (script.receive ?? 0))
    return;
  finished = true;
  if (script.end === "gone") {
    session.close();
    print({ event: "done" });
  } else Timer.set(() => session.disconnect(), 20);
}

function connect(): void {
  session.connect({
    io: MQTTClient,
    host: "broker",
    port: script.port,
    id: script.id,
    protocol: script.protocol,
    ...(script.keepAlive !== undefined && { keepAlive: script.keepAlive }),
    ...(script.properties && { properties: script.properties }),
    ...(script.will && { will: script.will }),
    timeout: 2000,
    socket: { io: TCP, address: "127.0.0.1", noDelay: true },
    onConnected: ({ sessionPresent, properties, keepAlive }) => {
      print({ event: "connected", sessionPresent, properties, keepAlive });
      if (finished) session.disconnect();
      else publishMore();
    },
    onClosed: (failure, suspect) => {
      print({ event: "closed", code: failure?.code, suspect });
      // A wire that is cut during the goodbye needs no other one.
      if (failure && !finished) Timer.set(connect, 50);
      else {
        session.close();
        print({ event: "done" });
      }
    },
  });
}

for (const filter of script.subscribe ?? [])
  session.subscribe(filter, {}, (failure, reasonCode) =>
    print({ event: "subscribed", filter, reasonCode, code: failure?.code }),
  );
connect();
