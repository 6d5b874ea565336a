import Resolver from "embedded:network/dns/resolver/udp";
import { deepEqual, equal, throws } from "../assert.js";
import { test } from "../harness.js";
import { fakeUDP, type Sent, type Server } from "./fake-udp.js";

/** A resource record of an answer: the name, then an address or the name it is an alias of. */
type Resource = { name: string; A: string } | { name: string; CNAME: string };

const encodeName = (name: string): number[] => [
  ...name
    .split(".")
    .flatMap((label) => [
      label.length,
      ...new Uint8Array(ArrayBuffer.fromString(label)),
    ]),
  0,
];

/** An answer to a question, as a name server would write it. */
function answer(
  { bytes }: { bytes: Uint8Array },
  resources: Resource[],
  { code = 0, truncated = false, id = -1 } = {},
): Uint8Array {
  const header = bytes.slice(0, 12);
  if (id >= 0) header.set([id >> 8, id & 255]);
  header.set([0x81 | (truncated ? 2 : 0), 0x80 | code], 2);
  header.set([0, resources.length], 6);
  const records = resources.flatMap((resource) => {
    const type = "A" in resource ? 1 : 5;
    const data =
      "A" in resource
        ? resource.A.split(".").map(Number)
        : encodeName(resource.CNAME);
    return [
      ...encodeName(resource.name),
      ...[0, type, 0, 1, 0, 0, 0, 60, 0, data.length],
      ...data,
    ];
  });
  return Uint8Array.from([...header, ...bytes.slice(12), ...records]);
}

/** Asks for a name; resolves to what the callbacks say. */
function resolve(
  server: Server,
  host: string,
  servers = ["192.0.2.1", "192.0.2.2"],
): Promise<{ address: string | undefined; sent: Sent[] }> {
  const { io, sent } = fakeUDP(server);
  const resolver = new Resolver({ servers, socket: { io } });
  return new Promise((resolve) =>
    resolver.resolve({
      host,
      onResolved: (_, address) => resolve({ address, sent }),
      onError: () => resolve({ address: undefined, sent }),
    }),
  );
}

test("asks the first name server on port 53 and takes its address", async () => {
  const { address, sent } = await resolve(
    (sent) => answer(sent, [{ name: "node.example", A: "198.51.100.7" }]),
    "Node.Example",
  );
  equal(address, "198.51.100.7");
  equal(sent.length, 1);
  deepEqual([sent[0].address, sent[0].port], ["192.0.2.1", 53]);
});

test("follows aliases to the address, in whatever order they come", async () => {
  const { address } = await resolve(
    (sent) =>
      answer(sent, [
        { name: "c.example", A: "198.51.100.9" },
        { name: "b.example", CNAME: "c.example" },
        { name: "a.example", CNAME: "b.example" },
      ]),
    "a.example",
  );
  equal(address, "198.51.100.9");
});

test("asks again for an alias whose address did not come with it", async () => {
  const { address, sent } = await resolve(
    (sent) =>
      sent.bytes[13] === 97 // "a"
        ? answer(sent, [{ name: "a.example", CNAME: "b.example" }])
        : answer(sent, [{ name: "b.example", A: "198.51.100.8" }]),
    "a.example",
  );
  equal(address, "198.51.100.8");
  equal(sent.length, 2);
});

test("gives up on aliases that lead in a circle", async () => {
  const { address } = await resolve(
    (sent) =>
      answer(sent, [
        { name: "a.example", CNAME: "b.example" },
        { name: "b.example", CNAME: "a.example" },
      ]),
    "a.example",
  );
  equal(address, undefined);
});

test("a name that does not exist, or has no address, is an error at once", async () => {
  for (const code of [0, 3]) {
    const { address, sent } = await resolve(
      (sent) => answer(sent, [], { code }),
      "nowhere.example",
    );
    equal(address, undefined);
    equal(sent.length, 1);
  }
});

test("turns to the next server when one cannot answer, or is silent", async () => {
  for (const first of ["failure", "silence"]) {
    const { address, sent } = await resolve((sent) => {
      if (sent.address === "192.0.2.2")
        return answer(sent, [{ name: "x.example", A: "198.51.100.1" }]);
      return first === "failure" ? answer(sent, [], { code: 2 }) : undefined;
    }, "x.example");
    equal(address, "198.51.100.1");
    equal(sent.length, 2);
  }
});

test("asks each server three times before it gives up", async () => {
  const { address, sent } = await resolve(
    (sent) => answer(sent, [], { code: 2 }),
    "x.example",
  );
  equal(address, undefined);
  deepEqual(
    sent.map((one) => one.address.at(-1)),
    ["1", "2", "1", "2", "1", "2"],
  );
});

test("believes only an answer to what was asked, from whom it was asked", async () => {
  const right = { name: "x.example", A: "198.51.100.1" };
  const wrong = { name: "x.example", A: "203.0.113.66" };
  const { address } = await resolve((sent) => {
    const id = (sent.bytes[0] << 8) | sent.bytes[1];
    const lie = answer(sent, [wrong]);
    const other = { bytes: lie.slice() };
    other.bytes[13] = 121; // asks for y.example
    return [
      { bytes: lie, address: "203.0.113.1" },
      { bytes: lie, port: 5353 },
      { bytes: answer(sent, [wrong], { id: id ^ 1 }) },
      other,
      { bytes: sent.bytes },
      { bytes: lie.slice(0, lie.length - 3) },
      { bytes: new Uint8Array(3) },
      { bytes: answer(sent, [right]) },
    ];
  }, "x.example");
  equal(address, "198.51.100.1");
});

test("is not led astray by pointers that lead nowhere", async () => {
  const { address } = await resolve((sent) => {
    const good = answer(sent, [{ name: "x.example", A: "198.51.100.1" }]);
    const looping = answer(sent, [{ name: "x.example", A: "203.0.113.66" }]);
    looping.set([0xc0, sent.bytes.length], sent.bytes.length);
    return [{ bytes: looping }, { bytes: good }];
  }, "x.example");
  equal(address, "198.51.100.1");
});

test("an address is its own answer, and localhost needs no server", async () => {
  const refuse: Server = () => {
    throw new Error("a server was asked");
  };
  equal((await resolve(refuse, "192.0.2.33")).address, "192.0.2.33");
  equal((await resolve(refuse, "localhost")).address, "127.0.0.1");
  equal((await resolve(refuse, "no name")).address, undefined);
});

test("after close no callback comes, and nothing can be asked", async () => {
  const { io } = fakeUDP(() => undefined);
  const resolver = new Resolver({ servers: ["192.0.2.1"], socket: { io } });
  let called = false;
  const onResolved = () => (called = true);
  resolver.resolve({ host: "192.0.2.5", onResolved });
  resolver.resolve({ host: "x.example", onResolved, onError: onResolved });
  resolver.close();
  throws(() => resolver.resolve({ host: "192.0.2.5", onResolved }), /closed/);
  await resolve(() => undefined, "192.0.2.6");
  equal(called, false);
});
