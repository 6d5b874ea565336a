/**
 * A program for `npm run bench -- mqtt`: a session against a broker in memory, told by `mc/config` what to do. It prints one
 * line of JSON. The work is done `count` times after a warm-up, so that two runs with different counts tell what one costs.
 */
import config from "mc/config";
import Heap from "../../../simulator/device/modules/heap.js";
import Timer from "timer";
import * as packet from "../../../modules/mqtt/packet-types.js";
import type { Session } from "../../../modules/mqtt/session.js";
import type { ClientClass } from "../../../modules/mqtt/session-options.js";
import type { StandardMQTT } from "../../../modules/mqtt/standard-client.js";

/** What to do; see `work` below. */
interface Script {
  /** "session", and its client by MQTT 5; or by MQTT 3.1.1 "client", which is ours alone, or the one of this specifier. */
  subject: string;
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
const { subject, QoS, size, count, aliases, topic } = script;
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
  format = "buffer";

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

  read(into?: Uint8Array): number {
    if (!into) return this.#input[this.#at++];
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

const isMqtt5 = subject === "session";
/** CONNACK, of MQTT 5 with a Topic Alias Maximum. */
const accepted = new Uint8Array(
  isMqtt5 ? [0x20, 6, 0, 0, 3, 0x22, 0, aliases] : [0x20, 2, 0, 0],
);
const acknowledged = new Uint8Array([0x40, 2, 0, 0]);
const message = encodeMessage();
const payload = new Uint8Array(size);
const options = { QoS };
let packetId = 0;
let done = 0;

/** PUBLISH as a broker sends it. */
function encodeMessage(): Uint8Array {
  const name = new Uint8Array(ArrayBuffer.fromString(topic));
  const remaining =
    2 + name.length + (QoS > 0 ? 2 : 0) + (isMqtt5 ? 1 : 0) + size;
  const bytes = [0x30 | (QoS << 1)];
  if (remaining > 127) bytes.push((remaining & 127) | 128, remaining >> 7);
  else bytes.push(remaining);
  bytes.push(0, name.length, ...name);
  if (QoS > 0) bytes.push(0, 1);
  if (isMqtt5) bytes.push(0);
  const whole = new Uint8Array(bytes.length + size);
  whole.set(bytes);
  return whole;
}

const onPublished = (): void => {
  done++;
};

/** What is measured. */
interface Publisher {
  publish(id: number): void;
  close(): void;
}

// Compared once: a comparison with a literal allocates its text.
const publishes = script.work === "publish";
const receives = script.work === "receive";

function once(publisher: Publisher): void {
  if (receives) Broker.last.send(message);
  if (!publishes) return;
  packetId = (packetId % 65_535) + 1;
  publisher.publish(packetId);
  if (QoS === 0) return;
  acknowledged[2] = packetId >> 8;
  acknowledged[3] = packetId;
  Broker.last.send(acknowledged);
}

/**
 * Does it so many times, each in a turn of the event loop of its own: some clients acknowledge in the next one. Resolves with
 * what has been taken of the heap.
 */
function times(publisher: Publisher, most: number): Promise<Held> {
  let left = most;
  let slots = 0;
  let chunks = 0;
  return new Promise((resolve) => {
    Timer.set(
      (timer) => {
        if (left === most) ({ slots, chunks } = Heap);
        if (left-- === 0) {
          const used = difference(Heap, { slots, chunks });
          Timer.clear(timer);
          resolve(used);
          return;
        }
        once(publisher);
        Timer.schedule(timer, 0, 1);
      },
      0,
      1,
    );
  });
}

/** Lets the heap grow and empties it, so that for some time nothing has to be collected. */
function makeRoom(): void {
  const objects: object[] = [];
  for (let index = 0; index < 20_000; index++) objects.push({});
  new ArrayBuffer(300_000);
  objects.length = 0;
  Heap.collect();
}

const host = { host: "broker", id: "fence-post-1", keepAlive: 60_000 };

function openSession(session: Session, io: ClientClass): Publisher {
  session.connect({
    ...{ io, ...host, socket: { io: Broker } },
    onConnected: () => undefined,
    onClosed: () => undefined,
  });
  return {
    publish: () => session.publish(topic, payload, options, onPublished),
    close: () => session.close(),
  };
}

/** A client without a session, ours or another of ECMA-419's shape. */
function openClient(Client: new (options: object) => StandardMQTT): Publisher {
  const into = new Uint8Array(size);
  const request = { topic, QoS, id: 0 };
  const onControl = (type: number | { operation: number }): void => {
    const operation = typeof type === "number" ? type : type.operation;
    if (operation === packet.PUBACK) done++;
  };
  const client = new Client({
    ...{ ...host, protocol: "3.1.1", onControl },
    socket: { io: Broker },
    dns: { io: Resolver },
    onReadable(this: StandardMQTT) {
      this.read(into);
      done++;
    },
  });
  return {
    publish: (id) => {
      request.id = id;
      client.write(payload, request);
      if (QoS === 0) done++;
    },
    close: () => client.close(),
  };
}

class Resolver {
  resolve(request: {
    host: string;
    onResolved: (host: string, address: string) => void;
  }): void {
    request.onResolved(request.host, "127.0.0.1");
  }
}

interface Held {
  slots: number;
  chunks: number;
}

/** What is on the heap and in use. */
function held(): Held {
  Heap.collect();
  return { slots: Heap.slots, chunks: Heap.chunks };
}

const difference = (later: Held, before: Held): Held => ({
  slots: later.slots - before.slots,
  chunks: later.chunks - before.chunks,
});

/** Loads what is measured, and returns what opens it. */
async function load(): Promise<() => Publisher> {
  if (subject === "session") {
    const { Session } = await import("../../../modules/mqtt/session.js");
    const { MQTTClient: Client } =
      await import("../../../modules/mqtt/client.js");
    const onMessage = (): void => {
      done++;
    };
    return () => openSession(new Session({ onMessage }), Client);
  }
  const module = (await import(
    subject === "client" ? "../../../modules/mqtt/client.js" : subject
  )) as { default: new (options: object) => StandardMQTT };
  return () => openClient(module.default);
}

async function main(): Promise<void> {
  const empty = held();
  const open = await load();
  const loaded = held();
  const publisher = open();
  Broker.last.open();
  Broker.last.send(accepted);
  const idle = held();

  await times(publisher, warmUp);
  makeRoom();
  const used = await times(publisher, sample);

  const before = Broker.last.written;
  done = 0;
  await times(publisher, count);
  const result = {
    done,
    slots: used.slots / sample,
    chunks: used.chunks / sample,
    wire: (Broker.last.written - before) / count,
    loaded: difference(loaded, empty),
    idle: difference(idle, loaded),
  };
  trace(`${JSON.stringify(result)}\n`);
  publisher.close();
}

void main();
