import Heap from "../../../simulator/device/modules/heap.js";
import MQTTClient from "../../../modules/mqtt/client.js";
import { Session } from "../../../modules/mqtt/session.js";
import { equal, ok } from "../assert.js";
import { test } from "../harness.js";

/** Bytes of a slot on a 64-bit machine; an ESP32's has half of that. */
const slotSize = 32;

/** A socket that allocates nothing itself, in front of a broker that takes everything. */
class Broker {
  static last: Broker;
  readonly #onReadable: (count: number) => void;
  readonly #input = new Uint8Array(256);
  #at = 0;
  #id = 0;

  constructor(options: {
    onReadable: (count: number) => void;
    onWritable: (count: number) => void;
  }) {
    this.#onReadable = options.onReadable;
    Broker.last = this;
    this.open = () => options.onWritable(4096);
  }

  open: () => void;

  read(into: Uint8Array): number {
    for (let index = 0; index < into.length; index++)
      into[index] = this.#input[this.#at++];
    return into.length;
  }

  write(): number {
    return 4096;
  }

  close(): void {
    this.#at = 0;
  }

  accept(): void {
    this.#input[0] = 0x20;
    this.#input[1] = 6;
    this.#input[4] = 3;
    this.#input[5] = 0x22;
    this.#input[7] = 10;
    this.#at = 0;
    this.#onReadable(8);
  }

  acknowledge(): void {
    this.#id = (this.#id % 65_535) + 1;
    this.#input[0] = 0x40;
    this.#input[1] = 2;
    this.#input[2] = this.#id >> 8;
    this.#input[3] = this.#id;
    this.#at = 0;
    this.#onReadable(4);
  }
}

const options = { QoS: 1 };
const payload = new ArrayBuffer(100);
let acknowledged = 0;
const onAcknowledged = (): void => {
  acknowledged++;
};

/** A session that is connected and has published before. */
function warm(): Session {
  const session = new Session();
  session.connect({
    io: MQTTClient,
    host: "broker",
    socket: { io: Broker },
    onConnected: () => undefined,
    onClosed: () => undefined,
  });
  Broker.last.open();
  Broker.last.accept();
  publish(session, 50);
  return session;
}

function publish(session: Session, count: number): void {
  for (let index = 0; index < count; index++) {
    session.publish(
      "dt/fieldnode/thing/telemetry",
      payload,
      options,
      onAcknowledged,
    );
    Broker.last.acknowledge();
  }
}

/** Lets the heap grow and empties it, so that for some time nothing has to be collected. */
function makeRoom(): void {
  const objects: object[] = [];
  for (let index = 0; index < 20_000; index++) objects.push({});
  new ArrayBuffer(objects.length * 10);
  objects.length = 0;
  Heap.collect();
}

test("keeps no memory for 10,000 messages that were acknowledged", () => {
  const session = warm();
  Heap.collect();
  const slots = Heap.slots;
  const chunks = Heap.chunks;
  const before = acknowledged;
  publish(session, 10_000);
  Heap.collect();
  // Taken before anything is compared: XS copies a literal when it comes to it.
  const keptSlots = Heap.slots - slots;
  const keptChunks = Heap.chunks - chunks;
  equal(keptSlots, 0, "slots");
  equal(keptChunks, 0, "bytes of chunks");
  equal(acknowledged - before, 10_000);
  session.close();
});

test("leaves less than 1 KB of garbage for each QoS 1 message", () => {
  const session = warm();
  makeRoom();
  const slots = Heap.slots;
  const chunks = Heap.chunks;
  publish(session, 20);
  const garbage =
    ((Heap.slots - slots) * slotSize + (Heap.chunks - chunks)) / 20;
  ok(garbage > 0, "a collection came in between");
  ok(garbage <= 1024, `${garbage} bytes`);
  session.close();
});

test("keeps no memory for 1,000 connections", () => {
  const session = new Session();
  const turn = (): void => {
    session.connect({
      io: MQTTClient,
      host: "broker",
      keepAlive: 60_000,
      socket: { io: Broker },
      onConnected: () => undefined,
      onClosed: () => undefined,
    });
    Broker.last.open();
    Broker.last.accept();
    session.publish("t", payload, options, onAcknowledged);
    session.abort();
  };
  const some = (count: number): void => {
    for (let index = 0; index < count; index++) turn();
  };
  some(100);
  Heap.collect();
  const slots = Heap.slots;
  some(1000);
  Heap.collect();
  equal(Heap.slots - slots, 0, "slots");
  session.close();
});
