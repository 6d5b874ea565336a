import Resolver from "embedded:network/dns/resolver/udp";
import NTP from "embedded:network/ntp/client";
import { deepEqual, equal, ok, throws } from "../assert.js";
import { test } from "../harness.js";
import { fakeUDP, type Sent, type Server } from "./fake-udp.js";

/** Seconds from NTP's beginning in 1900 to 1970. */
const epoch = 2_208_988_800;
const now = Date.UTC(2027, 2, 4, 5, 6, 7, 250);

interface Answer {
  time?: number;
  stratum?: number;
  mode?: number;
  leap?: number;
  code?: string;
  /** ms between the arrival of the question and the answer, by the server's clock */
  thinking?: number;
}

function answer({ bytes }: Sent, options: Answer = {}): Uint8Array {
  const { time = now, stratum = 2, mode = 4, leap = 0, thinking = 0 } = options;
  const packet = new Uint8Array(48);
  const view = new DataView(packet.buffer);
  packet[0] = (leap << 6) | (4 << 3) | mode;
  packet[1] = stratum;
  if (options.code)
    packet.set(new Uint8Array(ArrayBuffer.fromString(options.code)), 12);
  packet.set(bytes.subarray(40, 48), 24);
  write(view, 32, time - thinking);
  write(view, 40, time);
  return packet;
}

function write(view: DataView, at: number, time: number): void {
  view.setUint32(at, (Math.floor(time / 1000) + epoch) % 2 ** 32);
  view.setUint32(at + 4, Math.floor(((time % 1000) / 1000) * 2 ** 32));
}

/** Asks for the time; resolves to it or to the error. */
function ask(
  server: Server,
  servers = ["192.0.2.1"],
): Promise<{ time: number | undefined; error: Error | null; sent: Sent[] }> {
  const { io, sent } = fakeUDP(server);
  const dns = { io: Resolver, servers: ["192.0.2.53"], socket: { io } };
  const client = new NTP({ servers, socket: { io }, dns });
  return new Promise((resolve) =>
    client.getTime((error, time) => {
      client.close();
      resolve({ time, error, sent });
    }),
  );
}

test("asks as a client on port 123, and gives the server's time with its milliseconds", async () => {
  const { time, error, sent } = await ask((sent) => answer(sent));
  equal(error, null);
  ok(time !== undefined && time >= now && time < now + 1000, String(time));
  equal(sent[0].port, 123);
  equal(sent[0].bytes.length, 48);
  equal(sent[0].bytes[0], 0x23);
});

test("counts what the server took to answer as the server's", async () => {
  const { time } = await ask((sent) => answer(sent, { thinking: 60_000 }));
  ok(time! >= now && time! < now + 1000, String(time));
});

test("a time after February 2036 is not one before 1970", async () => {
  const time = Date.UTC(2036, 5, 1);
  const answered = await ask((sent) => answer(sent, { time }));
  ok(Math.abs(answered.time! - time) < 1000, String(answered.time));
});

test("believes only an answer that carries its nonce, from the server it asked", async () => {
  const lie = now - 1e9;
  const { time } = await ask((sent) => {
    const replayed = answer(sent, { time: lie });
    replayed[24] ^= 1;
    return [
      { bytes: replayed },
      { bytes: answer(sent, { time: lie }), address: "203.0.113.1" },
      { bytes: answer(sent, { time: lie }).subarray(0, 47) },
      { bytes: answer(sent, { time: lie, mode: 3 }) },
      { bytes: answer(sent, { time: lie, stratum: 16 }) },
      { bytes: answer(sent, { time: lie, leap: 3 }) },
      { bytes: answer(sent, { time: -epoch * 1000 }) },
      { bytes: answer(sent) },
    ];
  });
  ok(time! >= now, String(time));
});

test("each question has another nonce", async () => {
  const first = await ask((sent) => answer(sent));
  const second = await ask((sent) => answer(sent));
  ok(
    first.sent[0].bytes.subarray(40).join() !==
      second.sent[0].bytes.subarray(40).join(),
  );
});

test("leaves a server that says go away, and turns to the next", async () => {
  const { time, sent } = await ask(
    (sent) =>
      sent.address === "192.0.2.1"
        ? answer(sent, { stratum: 0, code: "RATE" })
        : answer(sent),
    ["192.0.2.1", "192.0.2.2"],
  );
  ok(time! >= now);
  deepEqual(
    sent.map((one) => one.address),
    ["192.0.2.1", "192.0.2.2"],
  );
});

test("says why when no server gave the time", async () => {
  const { error } = await ask((sent) =>
    answer(sent, { stratum: 0, code: "DENY" }),
  );
  ok(/DENY/.test(String(error)), String(error));
});

test("asks a silent server three times", async () => {
  const { error, sent } = await ask(() => undefined);
  ok(error instanceof Error);
  equal(sent.length, 3);
});

test("takes one question at a time, and none after close", () => {
  const { io } = fakeUDP(() => undefined);
  const dns = { io: Resolver, servers: ["192.0.2.53"], socket: { io } };
  const client = new NTP({ servers: ["192.0.2.1"], socket: { io }, dns });
  client.getTime(() => {
    throw new Error("called after close");
  });
  throws(() => client.getTime(() => {}), /in use/);
  client.close();
  client.close();
  throws(() => client.getTime(() => {}), /closed/);
});
