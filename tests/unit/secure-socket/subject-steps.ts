/**
 * Takes a TLS session through its handshake by hand, for tests with real peers: all that has come is fed before each step.
 * For each step it prints as one JSON object a line what the step asks for and how many records it wrote.
 */
import config from "mc/config";
import TCP from "embedded:io/socket/tcp";
import { Identity } from "../../../modules/identity/identity.js";
import { TrustAnchors } from "../../../modules/identity/trust-anchors.js";
import { TlsSession } from "../../../modules/secure-socket/tls-session.js";
import { Failure } from "../../../modules/system/failure.js";

const { address, port, serverName, cipherSuites } = config as unknown as {
  address: string;
  port: number;
  serverName: string;
  cipherSuites: string[];
};
const print = (event: string, more: object): void => {
  trace(`${JSON.stringify({ event, ...more })}\n`);
};

const trust = new TrustAnchors();
const identity = new Identity();
const session = new TlsSession({
  serverName,
  trust,
  identity,
  cipherSuites,
  now: Date.now(),
});
const out = new Uint8Array(2048);
let input = new Uint8Array(0);
let isOpen = false;
let isStarted = false;

function feed(): void {
  input = input.subarray(session.feed(input));
}

/** Sends what the step wrote; returns how many records it was. */
function flush(): number {
  const length = session.take(out);
  let records = 0;
  for (let at = 0; at < length; records++)
    at += 5 + (out[at + 3] << 8) + out[at + 4];
  if (length > 0) tcp.write(out.subarray(0, length));
  return records;
}

function goOn(): void {
  while (!isOpen) {
    feed();
    const text = session.step();
    print("step", { text, count: flush() });
    if (text === "reading" && input.byteLength === 0) return;
    isOpen = text === "open";
  }
  session.close();
  flush();
  tcp.close();
  identity.close();
  trust.close();
}

function attempt(): void {
  try {
    goOn();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    print("failure", { code: error.code, detail: error.detail });
    tcp.close();
  }
}

const tcp = new TCP({
  address,
  port,
  onReadable(count) {
    const bytes = new Uint8Array(this.read(count) as ArrayBuffer);
    const joined = new Uint8Array(input.byteLength + bytes.byteLength);
    joined.set(input);
    joined.set(bytes, input.byteLength);
    input = joined;
    attempt();
  },
  onWritable() {
    // Once, when TCP is connected.
    if (!isStarted) attempt();
    isStarted = true;
  },
});
