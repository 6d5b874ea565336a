/* global Native, native, screen, trace */
/**
 * The Moddable SDK's TLS in JavaScript, for `npm run bench -- tls`: connects so many times to 127.0.0.1, one after
 * another, closes each connection once it is secured, and prints what the last one held in XS's heap.
 */
import TCP from "embedded:io/socket/tcp";
import TLSSocket from "embedded:io/socket/tcp/tls";
import Timer from "timer";

class Bench extends Native("xs_bench_destructor") {
  number(name) {
    return native("xs_bench_number").call(this, name);
  }
  file(name) {
    return native("xs_bench_file").call(this, name);
  }
  heap() {
    return native("xs_bench_heap").call(this);
  }
}

const bench = new Bench();
const rounds = bench.number("BENCH_ROUNDS");
const certificate = bench.file("BENCH_CERTIFICATE");
const secure = {
  serverName: "server.test",
  certificate: bench.file("BENCH_TRUST"),
  ...(certificate
    ? {
        clientCertificates: [certificate],
        clientKey: bench.file("BENCH_KEY"),
      }
    : {}),
};

function connect(round) {
  const before = round === rounds ? bench.heap() : 0;
  let secured = false;
  const socket = new TLSSocket({
    host: "server.test",
    address: "127.0.0.1",
    port: bench.number("BENCH_PORT"),
    TCP: { io: TCP },
    secure,
    onWritable() {
      if (secured) return;
      secured = true;
      // Not out of the callback, whose frames still hold what the handshake made.
      Timer.set(() => {
        const held = round === rounds ? bench.heap() - before : 0;
        socket.close();
        if (round === rounds) end({ held });
        else Timer.set(() => connect(round + 1));
      });
    },
    onError() {
      end({ error: "the connection failed" });
    },
  });
}

function end(outcome) {
  trace(`${JSON.stringify(outcome)}\n`);
  screen.postMessage("end");
}

connect(1);
