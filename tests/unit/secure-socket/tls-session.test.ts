import { TrustAnchors } from "../../../modules/identity/trust-anchors.js";
import {
  stepFailed,
  stepReading,
  stepSending,
  TlsSession,
  type TlsSessionOptions,
} from "../../../modules/secure-socket/tls-session.js";
import { Failure } from "../../../modules/system/failure.js";
import { equal, ok, throws } from "../assert.js";
import { test } from "../harness.js";

const trust = TrustAnchors.amazon();
const options: TlsSessionOptions = {
  serverName: "server.test",
  trust,
  now: Date.UTC(2026, 10, 1),
};

/** The whole ClientHello. */
function hello(more: Partial<TlsSessionOptions> = {}): Uint8Array {
  const session = new TlsSession({ ...options, ...more });
  equal(session.step(), stepReading + stepSending);
  const bytes = session.take(2048);
  session.close();
  return new Uint8Array(bytes!);
}

/** Byte offset of the list of cipher suites in a ClientHello, and the suites. */
function suitesOf(bytes: Uint8Array): number[] {
  const at = 43 + 1 + bytes[43];
  const length = bytes[at] * 256 + bytes[at + 1];
  const suites = [];
  for (let i = 0; i < length; i += 2)
    suites.push(bytes[at + 2 + i] * 256 + bytes[at + 3 + i]);
  return suites;
}

const codeOf = (body: () => unknown): string => {
  try {
    body();
  } catch (error) {
    return error instanceof Failure ? error.code : String(error);
  }
  return "no failure";
};

test("the first message offers the pinned suites in their order, and nothing else", () => {
  const signalling = 0x00ff; // "renegotiation is understood", RFC 5746
  const suites = suitesOf(hello()).filter((suite) => suite !== signalling);
  const tls12 = suites.filter((suite) => suite >> 8 !== 0x13);
  equal(tls12.join(), [0xc02f, 0xc02b, 0xc030, 0xc02c].join());
  const tls13 = suites.filter((suite) => suite >> 8 === 0x13);
  ok(tls13.length === 0 || tls13.join() === [0x1301, 0x1302].join());
});

test("suites can be narrowed, but only to those that exist", () => {
  const suites = suitesOf(
    hello({ cipherSuites: ["ECDHE-ECDSA-AES128-GCM-SHA256"] }),
  );
  ok(suites.includes(0xc02b) && !suites.includes(0xc02f));
  equal(
    codeOf(() => hello({ cipherSuites: ["RC4-MD5"] })),
    "config.invalid",
  );
});

test("a server's name is sent, an address is not", () => {
  const has = (bytes: Uint8Array, name: string) =>
    Array.from(bytes, (byte) => String.fromCharCode(byte))
      .join("")
      .includes(name);
  ok(has(hello(), "server.test"));
  ok(!has(hello({ serverName: "127.0.0.1" }), "127.0.0.1"));
});

test("no session starts without trust, or without a name", () => {
  equal(
    codeOf(() => new TlsSession({ ...options, trust: undefined as never })),
    "identity.no-trust",
  );
  equal(
    codeOf(() => new TlsSession({ ...options, serverName: "" })),
    "config.invalid",
  );
  throws(() => new TlsSession({ ...options, trust: {} as never }));
});

test("takes ciphertext only as far as it has room", () => {
  const session = new TlsSession(options);
  const room = session.room;
  ok(room > 0 && room < 16384);
  equal(session.feed(new Uint8Array(room + 100)), room);
  equal(session.feed(new Uint8Array(1)), 0);
  session.close();
  equal(session.feed(new Uint8Array(1)), 0);
});

test("an answer that is no TLS ends in a failure with an alert, not in an exception of another kind", () => {
  const session = new TlsSession(options);
  equal(session.step(), stepReading + stepSending);
  session.take(1024);
  session.feed(ArrayBuffer.fromString("HTTP/1.1 400 Bad Request\r\n"));
  equal(session.step(), stepFailed + stepSending);
  equal(session.failure.code, "tls.protocol");
  // A record of type alert: fatal, unexpected_message (RFC 5246, 7.2).
  const alert = new Uint8Array(session.take(1024)!);
  equal(alert.length, 7);
  equal([alert[0], alert[5], alert[6]].join(), "21,2,10");
  session.close();
  equal(session.take(1024), undefined);
  session.close();
});

test("a record that is longer than TLS allows is refused by its header", () => {
  const limit = 16384 + 256;
  for (const [length, answer] of [
    [limit, stepReading],
    [limit + 1, stepFailed + stepSending],
  ]) {
    const session = new TlsSession(options);
    equal(session.step(), stepReading + stepSending);
    session.take(1024);
    session.feed(Uint8Array.of(22, 3, 3, length >> 8, length & 255));
    equal(session.step(), answer);
    if (length > limit) {
      equal(session.failure.code, "tls.record-too-long");
      // Fatal, record_overflow.
      const alert = new Uint8Array(session.take(1024)!);
      equal([alert[0], alert[5], alert[6]].join(), "21,2,22");
    }
    session.close();
  }
});

test("a session keeps its trust anchors alive", () => {
  const own = TrustAnchors.amazon();
  const session = new TlsSession({ ...options, trust: own });
  own.close();
  equal(session.step(), stepReading + stepSending);
  session.close();
});
