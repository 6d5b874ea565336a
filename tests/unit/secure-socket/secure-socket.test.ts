import Timer from "timer";
import { TrustAnchors } from "../../../modules/identity/trust-anchors.js";
import { SecureSocket } from "../../../modules/secure-socket/secure-socket.js";
import type { SecureOptions } from "../../../modules/secure-socket/secure-socket-options.js";
import type {
  TcpClass,
  TcpOptions,
} from "../../../modules/secure-socket/tcp-socket.js";
import { equal, ok } from "../assert.js";
import { test } from "../harness.js";

const trust = TrustAnchors.amazon();

/** A TCP socket whose other side is the test. */
class Tcp {
  static made: Tcp[] = [];
  readonly options: TcpOptions;
  closed = false;
  sent = 0;

  constructor(options: TcpOptions) {
    this.options = options;
    Tcp.made.push(this);
  }

  read(): number {
    return 0;
  }

  write(data: ArrayBuffer): number {
    this.sent += data.byteLength;
    return 2048;
  }

  close(): void {
    this.closed = true;
  }
}

class RefusingTcp extends Tcp {
  constructor(options: TcpOptions) {
    super(options);
    throw new Error("no more sockets");
  }
}

class BrokenTcp extends Tcp {
  override write(): number {
    throw new Error("broken");
  }

  override read(): number {
    throw new Error("broken");
  }
}

/** A socket to nowhere, and what it tells. */
function open(secure: Partial<SecureOptions> = {}, io: TcpClass = Tcp) {
  const told: string[] = [];
  const socket = new SecureSocket({
    address: "192.0.2.1",
    host: "server.test",
    port: 8883,
    TCP: { io },
    secure: { trust, now: () => Date.UTC(2026, 10, 1), ...secure },
    onError: (failure) => told.push(failure.code),
  });
  return { socket, told };
}

const wait = (ms: number) =>
  new Promise<void>((resolve) => Timer.set(() => resolve(), ms));

test("a node makes one handshake at a time, in the order in which it was asked", async () => {
  Tcp.made = [];
  const first = open();
  const second = open();
  const third = open();
  equal(Tcp.made.length, 1);
  first.socket.close();
  equal(Tcp.made.length, 1);
  await wait(5);
  equal(Tcp.made.length, 2);
  ok(Tcp.made[0].closed && !Tcp.made[1].closed);
  second.socket.close();
  await wait(5);
  equal(Tcp.made.length, 3);
  third.socket.close();
  equal([first, second, third].flatMap(({ told }) => told).join(), "");
});

test("a socket that is closed while it waits gives up its place", async () => {
  Tcp.made = [];
  const sockets = [open(), open(), open(), open()];
  sockets[1].socket.close();
  sockets[3].socket.close();
  sockets[0].socket.close();
  await wait(5);
  equal(Tcp.made.length, 2);
  const last = open();
  sockets[2].socket.close();
  await wait(5);
  equal(Tcp.made.length, 3);
  last.socket.close();
});

test("no socket waits longer for the others than for its own handshake", async () => {
  Tcp.made = [];
  const slow = open({ handshakeTimeout: 10_000 });
  const waiting = open({ handshakeTimeout: 20 });
  const next = open({ handshakeTimeout: 10_000 });
  await wait(60);
  equal(waiting.told.join(), "tls.busy");
  equal(Tcp.made.length, 1);
  slow.socket.close();
  await wait(5);
  equal(Tcp.made.length, 2);
  next.socket.close();
});

test("a TCP connection that is not made in time is given up", async () => {
  Tcp.made = [];
  const { told } = open({ handshakeTimeout: 20 });
  await wait(60);
  equal(told.join(), "tcp.timed-out");
  ok(Tcp.made[0].closed);
});

test("a server that never answers is given up, and is told so", async () => {
  Tcp.made = [];
  const { told } = open({ handshakeTimeout: 200 });
  Tcp.made[0].options.onWritable(2048);
  await wait(300);
  equal(told.join(), "tls.timed-out");
  ok(Tcp.made[0].sent > 100);
});

test("wrong options are told by onError, before anything is sent, and nobody waits for that socket", async () => {
  Tcp.made = [];
  for (const wrong of [
    { minVersion: "1.1" as never },
    { cipherSuites: ["RC4-MD5"] },
    { alpn: ["a", "b", "c", "d", "e"] },
    { alpn: ["x".repeat(70)] },
    { alpn: [""] },
    { serverName: "" },
    { serverName: "s\u00e9rver.test" },
    { serverName: "server test" },
    { serverName: "s".repeat(300) },
  ]) {
    const { told } = open(wrong);
    equal(told.length, 0);
    await wait(5);
    equal(told.join(), "config.invalid", JSON.stringify(wrong));
  }
  equal(Tcp.made.length, 0);
});

test("a TCP class that throws makes a failure, not an exception", async () => {
  const refused = open({}, RefusingTcp);
  await wait(5);
  equal(refused.told.join(), "tcp.unreachable");
  Tcp.made = [];
  const broken = open({}, BrokenTcp);
  Tcp.made[0].options.onWritable(2048);
  await wait(20);
  equal(broken.told.join(), "tls.truncated");
  ok(Tcp.made[0].closed);
});

test("a closed socket is silent, whatever TCP still says", async () => {
  Tcp.made = [];
  const { socket, told } = open();
  const { options } = Tcp.made[0];
  options.onWritable(2048);
  socket.close();
  options.onReadable(100);
  options.onWritable(100);
  options.onError();
  socket.close();
  await wait(5);
  equal(told.length, 0);
  ok(Tcp.made[0].closed);
});
