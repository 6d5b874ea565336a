import Time from "time";
import Timer from "timer";
import { Connection } from "../../../modules/aws-iot/connection.js";
import { TrustAnchors } from "../../../modules/identity/trust-anchors.js";
import type { TcpOptions } from "../../../modules/secure-socket/tcp-socket.js";
import { Clock } from "../../../modules/system/clock.js";
import { deepEqual, equal } from "../assert.js";
import { test } from "../harness.js";

/** A TCP class to which nobody ever answers but with a refusal. */
class Refused {
  static attempts = 0;
  constructor(options: TcpOptions) {
    Refused.attempts++;
    Timer.set(() => options.onError());
  }
  read(): void {}
  write(): void {}
  close(): void {}
}

const nothingKept = { read: () => undefined, write: () => undefined };

/** A connection to an address where nothing listens, and the failures it tells. */
const connectionToNobody = () => {
  Refused.attempts = 0;
  const failures: string[] = [];
  const connection = new Connection({
    host: "192.0.2.1",
    port: 8883,
    protocol: "5",
    clientId: "node-1",
    identity: undefined as never,
    trust: TrustAnchors.amazon(),
    clock: new Clock({ time: nothingKept, drift: nothingKept }),
    io: {
      TCP: Refused,
      dns: { io: undefined as never, servers: [], socket: { io: undefined } },
    },
    onOffline: ({ code }) => failures.push(code),
  });
  return { connection, failures };
};

const turn = () =>
  new Promise<void>((resolve) => Timer.set(() => resolve(), 5));

test("tries again by itself after a failure, which it tells", async () => {
  const { connection, failures } = connectionToNobody();
  connection.open();
  while (failures.length < 2) await turn();
  deepEqual(failures, ["tcp.unreachable", "tcp.unreachable"]);
  connection.close();
});

test("tries nothing while there is no network, and goes on when there is one", async () => {
  const { connection, failures } = connectionToNobody();
  connection.open();
  connection.suspend();
  await turn();
  equal(Refused.attempts, 0);
  connection.open();
  while (failures.length === 0) await turn();
  connection.close();
  const { attempts } = Refused;
  connection.open();
  await turn();
  equal(Refused.attempts, attempts);
});

test("connects again at once after more days than the ticks can count", async () => {
  const delta = Object.getOwnPropertyDescriptor(Time, "delta")!;
  // From 25 to 50 days on, the difference of two 32-bit numbers is negative.
  Object.defineProperty(Time, "delta", { ...delta, value: () => -1e9 });
  try {
    const { connection, failures } = connectionToNobody();
    connection.open();
    while (failures.length < 2) await turn();
    connection.close();
  } finally {
    Object.defineProperty(Time, "delta", delta);
  }
});
