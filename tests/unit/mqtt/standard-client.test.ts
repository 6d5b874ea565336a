import { standardClient } from "../../../modules/mqtt/standard-client.js";
import * as packet from "../../../modules/mqtt/packet-types.js";
import type { WriteOptions } from "../../../modules/mqtt/client-options.js";
import type { ClientOptions } from "../../../modules/mqtt/session-options.js";
import { Failure } from "../../../modules/system/failure.js";
import { deepEqual, equal, ok, throws } from "../assert.js";
import { test } from "../harness.js";
import { wait } from "./wire.js";

interface Callbacks {
  onReadable: (count: number) => void;
  onWritable: (count: number) => void;
  onError: (error?: unknown) => void;
}

/** A socket whose other end is the test: single bytes to read, nothing to see of what is written. */
class ByteSocket {
  static last: ByteSocket;
  static error: Error | undefined;
  readonly callbacks: Callbacks;
  format = "buffer";
  closed = false;
  #input: number[] = [];

  constructor(options: Callbacks) {
    if (ByteSocket.error) throw ByteSocket.error;
    this.callbacks = options;
    ByteSocket.last = this;
  }
  read(): number {
    return this.#input.shift()!;
  }
  write(): number {
    return 100;
  }
  close(): void {
    this.closed = true;
  }
  receive(...bytes: number[]): void {
    this.#input.push(...bytes);
    this.callbacks.onReadable(bytes.length);
  }
}

interface SdkOptions {
  host: string;
  port: number;
  socket: { io: new (options: object) => ByteSocket };
  dns: {
    io: new (options: object) => {
      resolve: (request: {
        host: string;
        onResolved: (host: string, address: string) => void;
        onError: () => void;
      }) => void;
    };
  };
  onControl: (message: { operation: number; payload?: number[] }) => void;
  onWritable: (count: number) => void;
  onError: () => void;
}

/** A client that tells as little as the SDK's: nothing of why, and nothing of the session. */
class Taciturn {
  static last: Taciturn;
  readonly options: SdkOptions;
  /** What was written, as `operation:bytes`, and bytes that follow. */
  readonly written: string[] = [];
  room = 0;
  #socket: ByteSocket | undefined;

  constructor(options: object) {
    Taciturn.last = this;
    this.options = options as SdkOptions;
    const { host, port, dns, socket } = this.options;
    const error = () => this.options.onError();
    new dns.io(dns).resolve({
      host,
      onResolved: (_host, address) => {
        try {
          this.#socket = new socket.io({
            ...socket,
            ...{ host, port, address, onError: error },
            onReadable: () => this.#readable(),
            onWritable: () => undefined,
          });
        } catch {
          error();
        }
      },
      onError: error,
    });
  }

  #readable(): void {
    const socket = this.#socket!;
    socket.format = "number";
    const bytes = [1, 2, 3, 4].map(() => socket.read());
    if (bytes[3] !== 0) {
      this.options.onError();
      throw new TypeError("it stumbles when it is closed");
    }
    this.options.onControl({ operation: packet.CONNACK });
  }

  write(data: Uint8Array, options?: WriteOptions): number {
    const what = options ? `${options.operation ?? packet.PUBLISH}:` : "";
    this.written.push(`${what}${data.length}`);
    return this.room;
  }
  read(): undefined {
    return undefined;
  }
  close(): void {
    this.#socket?.close();
  }
}

const Io = standardClient(Taciturn);

/** A client, and what it tells. */
async function open(options: Partial<ClientOptions> = {}) {
  const told: string[] = [];
  const client = new Io({
    host: "broker",
    protocol: "3.1.1",
    socket: { io: ByteSocket, address: "192.0.2.1" },
    onSocketConnected: () => told.push("socket"),
    onControl: (operation, { sessionPresent, payload }) =>
      told.push(
        [operation, sessionPresent, payload].filter((one) => one).join(" "),
      ),
    onWritable: (count) => told.push(`writable ${count}`),
    onClose: () => told.push("closed"),
    onError: ({ code }) => told.push(code),
    ...options,
  });
  await wait(1);
  return { client, told, socket: ByteSocket.last, sdk: Taciturn.last };
}

async function connected() {
  const all = await open();
  all.socket.callbacks.onWritable(100);
  all.socket.receive(0x20, 2, 0, 0);
  all.told.length = 0;
  return all;
}

test("is for MQTT 3.1.1 alone", () => {
  throws(
    () =>
      new Io({
        host: "broker",
        socket: { io: ByteSocket, address: "1.2.3.4" },
      }),
    RangeError,
  );
});

test("tells what CONNACK said of the session", async () => {
  for (const flag of [0, 1]) {
    const { socket, told, client } = await open();
    equal(client.writable, 0);
    socket.callbacks.onWritable(100);
    socket.receive(0x20, 2, flag, 0);
    deepEqual(told, ["socket", flag === 1 ? "2 true" : "2"]);
    client.close();
    ok(socket.closed);
  }
});

test("tells why a connection failed, which the client under it does not know", async () => {
  const refused = await open();
  refused.socket.callbacks.onWritable(100);
  refused.socket.receive(0x20, 2, 0, 5);
  deepEqual(refused.told, ["socket", "policy.connect-denied"]);
  ok(refused.socket.closed);

  const early = await open();
  early.socket.callbacks.onWritable(100);
  early.socket.callbacks.onError(new Failure("tls.closed"));
  deepEqual(early.told, ["socket", "mqtt.closed-before-connack"]);

  const broken = await open();
  broken.socket.callbacks.onError(new Failure("tls.unknown-root"));
  deepEqual(broken.told, ["tls.unknown-root"]);

  const silent = await open({ timeout: 5 });
  silent.socket.callbacks.onWritable(100);
  await wait(20);
  deepEqual(silent.told, ["socket", "mqtt.no-connack"]);

  const mute = await connected();
  mute.sdk.options.onError();
  deepEqual(mute.told, ["mqtt.keep-alive"]);

  ByteSocket.error = new Error("no link");
  const none = await open();
  deepEqual(none.told, ["tcp.unreachable"]);
  ByteSocket.error = undefined;
});

test("gives a message in pieces to a client that has little room, and nothing else meanwhile", async () => {
  const { client, sdk, told } = await connected();
  sdk.options.onWritable(30);
  equal(client.writable, 30);
  const payload = new Uint8Array(100);
  equal(client.write(payload, { topic: "a".repeat(9), QoS: 1, id: 1 }), 0);
  throws(() => client.write(payload, { topic: "b" }), Error);
  sdk.options.onWritable(50);
  sdk.room = 60;
  sdk.options.onWritable(50);
  deepEqual(sdk.written, ["3:20", "50", "30"]);
  deepEqual(told, ["writable 30", "writable 60"]);
  // A topic that does not fit has to wait.
  const topic = "é".repeat(40);
  equal(client.write(undefined, { operation: 8, items: [{ topic }] }), 0);
  equal(sdk.written.length, 3);
  sdk.options.onWritable(100);
  equal(sdk.written[3], "8:0");
});

test("is closed when the broker goes after DISCONNECT, or does not go", async () => {
  const { client, sdk, socket, told } = await connected();
  sdk.options.onWritable(30);
  client.write(undefined, { operation: packet.DISCONNECT });
  equal(sdk.written[0], "14:0");
  socket.callbacks.onError();
  deepEqual(told, ["writable 30", "closed"]);
});
