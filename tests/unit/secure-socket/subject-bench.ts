/**
 * A program for `npm run bench -- tls`: connects `rounds` times to 127.0.0.1, one after another; each time it sends `up` bytes in
 * writes of `piece` (or of what may be written, when that is less) and reads `down` bytes. Then it closes them all. It
 * prints one line of JSON: what the last connection held in memory, without TCP's own, which is the system's on a board.
 */
import config from "mc/config";
import TCP from "embedded:io/socket/tcp";
import Timer from "timer";
import Heap from "../../../simulator/device/modules/heap.js";
import { Identity } from "../../../modules/identity/identity.js";
import { TrustAnchors } from "../../../modules/identity/trust-anchors.js";
import { SecureSocket } from "../../../modules/secure-socket/secure-socket.js";

interface Script {
  port: number;
  rounds: number;
  up: number;
  down: number;
  piece: number;
}

const { port, rounds, up, down, piece } = config as unknown as Script;
const trust = new TrustAnchors();
const identity = new Identity();
const loaded = Heap.native;
const bytes = new Uint8Array(piece);
const into = new Uint8Array(16_384);
const sockets: SecureSocket[] = [];
let slots = 0;
let chunks = 0;
/** Bytes of natives that a connection of TCP alone takes. */
let tcp = 0;

function measureTcp(): void {
  const socket = new TCP({
    address: "127.0.0.1",
    port,
    onWritable() {
      tcp = Heap.native - loaded;
      socket.close();
      Timer.set(() => connect(1), 10);
    },
    onError() {
      throw new Error("no connection");
    },
  });
}

function connect(round: number): void {
  let sent = 0;
  let received = 0;
  let isOpen = false;
  const last = round === rounds;
  if (last) {
    Heap.collect();
    slots = Heap.slots;
    chunks = Heap.chunks;
    Heap.takeNativePeak();
  }

  const finishWhenDone = (socket: SecureSocket): void => {
    if (sent < up || received < down) return;
    sockets.push(socket);
    if (!last) {
      connect(round + 1);
      return;
    }
    for (const one of sockets) one.close();
    identity.close();
    trust.close();
  };

  new SecureSocket({
    address: "127.0.0.1",
    port,
    TCP: { io: TCP },
    secure: { serverName: "server.test", trust, identity },
    onWritable(writable) {
      if (!isOpen) {
        isOpen = true;
        if (last) report();
        else Heap.takeNativePeak();
      }
      while (sent < up && writable > 0) {
        const count = Math.min(piece, writable, up - sent);
        sent += count;
        writable = this.write(
          count === piece ? bytes : bytes.subarray(0, count),
        );
      }
      finishWhenDone(this);
    },
    onReadable(count) {
      while (count > 0) {
        const read = this.read(into) ?? 0;
        received += read;
        count -= read;
      }
      finishWhenDone(this);
    },
    onError(failure) {
      throw failure;
    },
  });
}

/** What the connection holds, now that it is open. */
function report(): void {
  const result = {
    loaded,
    peak: Heap.takeNativePeak() - tcp,
    open: Heap.native - tcp,
  };
  Heap.collect();
  const held = { slots: Heap.slots - slots, chunks: Heap.chunks - chunks };
  trace(`${JSON.stringify({ ...result, ...held })}\n`);
}

measureTcp();
