/**
 * Takes a TLS session through its handshake by hand, for tests with real peers: all that has come is fed before each step.
 * For each step it prints as one JSON object a line what the step asks for and how many records it wrote.
 */
import config from "mc/config";
import TCP from "embedded:io/socket/tcp";
import { Identity } from "../../../modules/identity/identity.js";
import { TrustAnchors } from "../../../modules/identity/trust-anchors.js";
import {
  stepFailed,
  stepSending,
  TlsSession,
} from "../../../modules/secure-socket/tls-session.js";

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
/** The names of what a step answers. */
const asks = ["reading", "writing", "open", "failed"];
let input = new Uint8Array(0);
let isOpen = false;
let isStarted = false;

/** The record type (RFC 5246, A.1). */
const changeCipherSpec = 20;

function feed(): void {
  input = input.subarray(session.feed(input));
}

/** Sends what the step wrote; returns how many records it was, not counting ChangeCipherSpec, which is a byte before one. */
function flush(): number {
  const bytes = session.take(2048);
  if (!bytes) return 0;
  const out = new Uint8Array(bytes);
  let records = 0;
  for (let at = 0; at < out.length;) {
    if (out[at] !== changeCipherSpec) records++;
    at += 5 + (out[at + 3] << 8) + out[at + 4];
  }
  tcp.write(bytes);
  return records;
}

function goOn(): void {
  while (!isOpen) {
    feed();
    const step = session.step() & ~stepSending;
    const text = asks[step];
    print("step", { text, count: flush() });
    if (step === stepFailed) {
      const { code, detail } = session.failure;
      print("failure", { code, detail });
      tcp.close();
      return;
    }
    if (text === "reading" && input.byteLength === 0) return;
    isOpen = text === "open";
  }
  session.close();
  flush();
  tcp.close();
  identity.close();
  trust.close();
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
    goOn();
  },
  onWritable() {
    // Once, when TCP is connected.
    if (!isStarted) goOn();
    isStarted = true;
  },
});
