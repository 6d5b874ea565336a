/**
 * A program for `npm run bench -- mqtt`: a session against a broker in memory, told by `mc/config` what to do. It prints one
 * line of JSON. The work is done `count` times after a warm-up, so that two runs with different counts tell what one costs.
 */
import config from "mc/config";
import Heap from "../../../simulator/device/modules/heap.js";
import type {
  MQTTClient,
  MQTTClientOptions,
} from "../../../modules/mqtt/client.js";
import type { Session } from "../../../modules/mqtt/session.js";

/** What to do; see `work` below. */
interface Script {
  work: "publish" | "receive" | "nothing";
  QoS: number;
  /** Bytes of the payload. */
  size: number;
  count: number;
  /** Topic aliases that the broker takes. */
  aliases: number;
  topic: string;
}

const script = config as unknown as Script;
const { QoS, size, count, aliases, topic } = script;
const warmUp = 100;
const sample = 20;

/** A socket in front of a broker that accepts everything. In steady state it allocates nothing. */
class Broker {
  static last: Broker;
  readonly #onReadable: (count: number) => void;
  readonly #onWritable: (count: number) => void;
  readonly #views = new Map<number, Uint8Array>();
  #input: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** Bytes that were written. */
  written = 0;

  constructor(options: {
    onReadable: (count: number) => void;
    onWritable: (count: number) => void;
  }) {
    this.#onReadable = options.onReadable;
    this.#onWritable = options.onWritable;
    Broker.last = this;
  }

  open(): void {
    this.#onWritable(4096);
  }

  read(into: Uint8Array): number {
    into.set(this.#view(this.#at, into.length));
    this.#at += into.length;
    return into.length;
  }

  write(bytes: Uint8Array): number {
    this.written += bytes.length;
    return 4096;
  }

  close(): void {
    this.#at = 0;
  }

  /** Sends bytes to the client, in packets of TCP's usual size. */
  send(bytes: Uint8Array): void {
    if (bytes !== this.#input) this.#views.clear();
    this.#input = bytes;
    this.#at = 0;
    this.#onReadable(bytes.length);
  }

  /** A view that is made once: what is read is the same again and again. */
  #view(at: number, length: number): Uint8Array {
    const key = at * 65_536 + length;
    let view = this.#views.get(key);
    if (!view) {
      view = this.#input.subarray(at, at + length);
      this.#views.set(key, view);
    }
    return view;
  }
}

/** CONNACK of MQTT 5 with a Topic Alias Maximum. */
const accepted = new Uint8Array([0x20, 6, 0, 0, 3, 0x22, 0, aliases]);
const acknowledged = new Uint8Array([0x40, 2, 0, 0]);
const message = encodeMessage();
const payload = new Uint8Array(size);
const options = { QoS };
let packetId = 0;
let done = 0;

/** PUBLISH as a broker sends it. */
function encodeMessage(): Uint8Array {
  const name = new Uint8Array(ArrayBuffer.fromString(topic));
  const remaining = 2 + name.length + (QoS > 0 ? 2 : 0) + 1 + size;
  const bytes = [0x30 | (QoS << 1)];
  if (remaining > 127) bytes.push((remaining & 127) | 128, remaining >> 7);
  else bytes.push(remaining);
  bytes.push(0, name.length, ...name);
  if (QoS > 0) bytes.push(0, 1);
  bytes.push(0);
  const whole = new Uint8Array(bytes.length + size);
  whole.set(bytes);
  return whole;
}

const onPublished = (): void => {
  done++;
};

function once(session: Session): void {
  switch (script.work) {
    case "publish":
      session.publish(topic, payload, options, onPublished);
      if (QoS === 0) break;
      packetId = (packetId % 65_535) + 1;
      acknowledged[2] = packetId >> 8;
      acknowledged[3] = packetId;
      Broker.last.send(acknowledged);
      break;
    case "receive":
      Broker.last.send(message);
      break;
    default:
  }
}

function times(session: Session, most: number): void {
  for (let index = 0; index < most; index++) once(session);
}

/** Lets the heap grow and empties it, so that for some time nothing has to be collected. */
function makeRoom(): void {
  const objects: object[] = [];
  for (let index = 0; index < 20_000; index++) objects.push({});
  new ArrayBuffer(300_000);
  objects.length = 0;
  Heap.collect();
}

function connect(
  session: Session,
  io: new (options: MQTTClientOptions) => MQTTClient,
): void {
  session.connect({
    io,
    host: "broker",
    id: "fence-post-1",
    keepAlive: 60_000,
    socket: { io: Broker },
    onConnected: () => undefined,
    onClosed: () => undefined,
  });
  Broker.last.open();
  Broker.last.send(accepted);
}

async function main(): Promise<void> {
  Heap.collect();
  const emptySlots = Heap.slots;
  const emptyChunks = Heap.chunks;
  const { Session } = await import("../../../modules/mqtt/session.js");
  const { MQTTClient } = await import("../../../modules/mqtt/client.js");
  Heap.collect();
  const loadedSlots = Heap.slots;
  const loadedChunks = Heap.chunks;

  const session = new Session({
    onMessage: () => {
      done++;
    },
  });
  connect(session, MQTTClient);
  Heap.collect();
  const idleSlots = Heap.slots;
  const idleChunks = Heap.chunks;

  times(session, warmUp);
  makeRoom();
  const slots = Heap.slots;
  const chunks = Heap.chunks;
  times(session, sample);
  const usedSlots = Heap.slots - slots;
  const usedChunks = Heap.chunks - chunks;

  const before = Broker.last.written;
  done = 0;
  times(session, count);
  const result = {
    done,
    slots: usedSlots / sample,
    chunks: usedChunks / sample,
    wire: (Broker.last.written - before) / count,
    loaded: {
      slots: loadedSlots - emptySlots,
      chunks: loadedChunks - emptyChunks,
    },
    idle: { slots: idleSlots - loadedSlots, chunks: idleChunks - loadedChunks },
  };
  trace(`${JSON.stringify(result)}\n`);
  session.close();
}

void main();
