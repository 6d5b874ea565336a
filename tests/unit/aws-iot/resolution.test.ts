import Time from "time";
import Timer from "timer";
import { Resolution } from "../../../modules/aws-iot/resolution.js";
import { deepEqual, equal } from "../assert.js";
import { test } from "../harness.js";

/** A resolver that knows one name and, as the SDK's, closes nothing by itself. */
class OneName {
  static open = 0;
  constructor() {
    OneName.open++;
  }
  resolve({
    host,
    onResolved,
    onError,
  }: {
    host: string;
    onResolved: (host: string, address: string) => void;
    onError: (host: string) => void;
  }): void {
    Timer.set(() => {
      if (host === "known.example") onResolved(host, "198.51.100.4");
      else onError(host);
    });
  }
  close(): void {
    OneName.open--;
  }
}

/** What becomes of the question for a host: its address, or the failure's code. */
const answerFor = (host: string) =>
  new Promise<string>((resolve) => {
    const dns = { io: OneName, servers: [], socket: { io: undefined } };
    new Resolution(host, dns, {
      onResolved: resolve,
      onError: ({ code }) => resolve(code),
    });
  });

const turn = () =>
  new Promise<void>((resolve) => Timer.set(() => resolve(), 5));

test("gives the address of a name, and lets go of the resolver", async () => {
  equal(await answerFor("known.example"), "198.51.100.4");
  await turn();
  equal(OneName.open, 0);
});

test("an address stands for itself, and localhost for this machine", async () => {
  equal(await answerFor("198.51.100.7"), "198.51.100.7");
  equal(await answerFor("localhost"), "127.0.0.1");
});

test("tells a name that nobody knows from name servers that do not answer", async () => {
  equal(await answerFor("unknown.example"), "dns.not-found");
  const delta = Object.getOwnPropertyDescriptor(Time, "delta")!;
  // The resolver gives up after some seconds of asking.
  Object.defineProperty(Time, "delta", { ...delta, value: () => 5000 });
  try {
    equal(await answerFor("unknown.example"), "dns.no-answer");
  } finally {
    Object.defineProperty(Time, "delta", delta);
  }
});

test("nobody is told of the answer to a question that was closed", async () => {
  const told: string[] = [];
  const dns = { io: OneName, servers: [], socket: { io: undefined } };
  new Resolution("known.example", dns, {
    onResolved: (address) => told.push(address),
    onError: ({ code }) => told.push(code),
  }).close();
  await turn();
  deepEqual(told, []);
});
