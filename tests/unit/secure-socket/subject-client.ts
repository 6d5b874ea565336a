/**
 * A TLS client for tests with real peers: what it does is told by `mc/config`, what happens it prints as one JSON object
 * a line. The tests in tests/interop start it.
 */
import config from "mc/config";
import TCP from "embedded:io/socket/tcp";
import Timer from "timer";
import Heap from "../../../simulator/device/modules/heap.js";
import { Identity } from "../../../modules/identity/identity.js";
import { TrustAnchors } from "../../../modules/identity/trust-anchors.js";
import { SecureSocket } from "../../../modules/secure-socket/secure-socket.js";
import { Failure } from "../../../modules/system/failure.js";

interface Subject {
  address: string;
  port: number;
  serverName?: string;
  alpn?: string[];
  cipherSuites?: string[];
  minVersion?: "1.2" | "1.3";
  handshakeTimeout?: number;
  /** The clock certificates are judged by, in ms since 1970. */
  now?: number;
  /** Present the identity in flash. */
  identity?: boolean;
  /** Text or bytes to send once open. */
  request?: string | number[];
  /** Bytes to send after it: byte n is n modulo 251. */
  upload?: number;
  /** Bytes a write at most. */
  piece?: number;
  /** Close after so many bytes have come; -1 reads to the end. */
  download?: number;
  /** Stay connected for so many ms then, and say what memory is in use. */
  rest?: number;
  /** Read so many bytes each 2 ms, outside of callbacks, instead of all at once. */
  slow?: number;
  /** Read nothing for so many ms, and say what memory is in use before and after. */
  pause?: number;
  /** First try to write one byte more than fits. */
  overflow?: boolean;
  /** Expect byte n of what comes to be n modulo 251, and say so when it is not. */
  pattern?: boolean;
  /** Connect so many times, one after another. */
  rounds?: number;
  /** So many of them at once. */
  parallel?: number;
  /** After each of these rounds, wait until all is closed and say what memory is in use. */
  measureAfter?: number[];
  /** Collect garbage at every allocation; the debug build does, and says so. */
  stress?: boolean;
  /** Stay for so many ms after everything is closed, to be looked into. */
  hold?: number;
}

const subject = config as unknown as Subject;
const print = (event: string, more: object = {}): void => {
  trace(`${JSON.stringify({ event, ...more })}\n`);
};

/** Longer than a closed socket waits for the other side, in ms. */
const settling = 1200;

let identity: Identity | undefined;
let trust: TrustAnchors | undefined;
let ended = 0;
let begun = 0;

function connect(): void {
  const round = ++begun;
  let read = 0;
  let sent = 0;
  let text = "";
  let unread = 0;
  let requested = false;

  const take = (socket: SecureSocket, count: number): void => {
    const bytes = new Uint8Array(socket.read(count) as ArrayBuffer);
    if (subject.pattern)
      for (let i = 0; i < bytes.length; i++)
        if (bytes[i] !== (read + i) % 251) {
          print("wrong", { round, at: read + i });
          break;
        }
    if (text.length < 64 && !subject.pattern)
      text += String.fromArrayBuffer(bytes.buffer);
    read += bytes.length;
    unread -= bytes.length;
    if (read !== subject.download) return;
    if (subject.rest === undefined) finish(socket);
    else
      Timer.set(() => {
        memory(round);
        finish(socket);
      }, subject.rest);
  };
  const finish = (socket: SecureSocket): void => {
    print("read", { round, count: read, text });
    socket.close();
    next();
  };
  const upload = (socket: SecureSocket, writable: number): void => {
    const total = subject.upload ?? 0;
    while (sent < total && writable > 0) {
      const count = Math.min(writable, subject.piece ?? writable, total - sent);
      const bytes = new Uint8Array(count);
      for (let i = 0; i < count; i++) bytes[i] = (sent + i) % 251;
      sent += count;
      writable = socket.write(bytes);
    }
    if (sent === total && total > 0 && subject.download === undefined)
      finish(socket);
  };

  new SecureSocket({
    address: subject.address,
    port: subject.port,
    TCP: { io: TCP },
    secure: {
      trust: trust!,
      ...(subject.serverName === undefined
        ? {}
        : { serverName: subject.serverName }),
      ...(identity ? { identity } : {}),
      ...(subject.alpn ? { alpn: subject.alpn } : {}),
      ...(subject.cipherSuites ? { cipherSuites: subject.cipherSuites } : {}),
      ...(subject.minVersion ? { minVersion: subject.minVersion } : {}),
      ...(subject.handshakeTimeout
        ? { handshakeTimeout: subject.handshakeTimeout }
        : {}),
      ...(subject.now === undefined ? {} : { now: () => subject.now! }),
    },
    onWritable(writable) {
      if (!requested) {
        requested = true;
        print("open", { round, peer: this.peer });
        if (subject.overflow) overflow(this, writable);
        if (subject.request !== undefined)
          writable = this.write(
            typeof subject.request === "string"
              ? ArrayBuffer.fromString(subject.request)
              : Uint8Array.from(subject.request),
          );
      }
      upload(this, writable);
    },
    onReadable(count) {
      unread += count;
      if (subject.pause && read === 0) {
        memory(round);
        Timer.set(() => {
          memory(round);
          take(this, unread);
        }, subject.pause);
      } else if (!subject.slow) take(this, count);
      else {
        const timer = Timer.repeat(() => {
          if (unread > 0) take(this, Math.min(unread, subject.slow!));
          else Timer.clear(timer);
        }, 2);
      }
    },
    onError(failure) {
      if (read > 0) print("read", { round, count: read, text });
      print("failure", { round, code: failure.code, detail: failure.detail });
      next();
    },
  });
}

function next(): void {
  ended++;
  if (subject.measureAfter?.includes(ended)) Timer.set(measure, settling);
  else goOn();
}

function measure(): void {
  memory(ended);
  goOn();
}

function memory(round: number): void {
  Heap.collect();
  const { slots, chunks } = Heap;
  print("memory", { round, slots, chunks, bytes: Heap.native });
}

function overflow(socket: SecureSocket, writable: number): void {
  try {
    socket.write(new Uint8Array(writable + 1));
  } catch (error) {
    print("overflow", { detail: String(error) });
  }
}

function goOn(): void {
  if (begun < (subject.rounds ?? 1)) connect();
  else if (ended === begun) {
    identity?.close();
    trust?.close();
    print("done");
    if (subject.hold) Timer.set(() => {}, subject.hold);
  }
}

function start(attempt: number): void {
  try {
    trust ??= new TrustAnchors();
    if (subject.identity) identity ??= new Identity();
    for (let i = 0; i < (subject.parallel ?? 1); i++) connect();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    print("failure", { code: error.code, detail: error.detail });
    if (attempt < (subject.rounds ?? 1)) start(attempt + 1);
    else trust?.close();
  }
}

if (subject.stress) print("stress", { on: Heap.stress() });
start(1);
