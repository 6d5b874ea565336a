import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { root as project } from "../../simulator/commands/project.js";
import { NodeServer } from "./node-server.js";
import { authority, chainPem, device, server } from "./pki.js";
import { runSubject, type Flash } from "./subject.js";

const isLong = process.env.FIELDNODE_LONG !== undefined;

/** RSA for the server and an elliptic curve for the node, as with AWS: the cheapest pair for a node. */
let flash: Flash;
let peer: NodeServer;
before(async () => {
  const root = await authority({ name: "root", kind: "RSA-2048" });
  const clients = await authority({ name: "clients" });
  flash = { trust: [root], identity: await device(clients) };
  peer = await NodeServer.start(
    await server(root, { kind: "RSA-2048" }),
    (socket) => socket.on("data", (bytes: Buffer) => socket.write(bytes)),
    {
      requestCert: true,
      ca: chainPem(clients),
      ALPNProtocols: ["x-amzn-mqtt-ca"],
    },
  );
});
after(() => peer.stop());

const countOf = (outcome: { events: { event: string }[] }, name: string) =>
  outcome.events.filter(({ event }) => event === name).length;

const reconnects = isLong ? 10_000 : 60;

test(`holds as much memory after ${reconnects} connections as after 10`, async () => {
  const outcome = await runSubject(
    flash,
    {
      port: peer.port,
      identity: true,
      request: "hello",
      download: 5,
      rounds: reconnects,
      measureAfter: [10, reconnects],
    },
    undefined,
    [],
    undefined,
    { FIELDNODE_FAIL_ALLOCATION: "0" },
  );
  assert.equal(countOf(outcome, "read"), reconnects, outcome.stderr);
  const [early, late] = outcome.events.filter(
    ({ event }) => event === "memory",
  );
  const { slots, chunks, bytes } = early;
  assert.deepEqual({ ...late, round: 10 }, early);
  assert.ok(slots! > 0 && chunks! > 0 && bytes! > 0);
});

const watched = isLong ? 1000 : 5;

test(`touches no memory that is not its own and leaves none behind, over ${watched} connections (valgrind)`, async () => {
  const outcome = await runSubject(
    flash,
    {
      port: peer.port,
      identity: true,
      request: "hello",
      download: 5,
      rounds: watched,
    },
    undefined,
    [
      ...["valgrind", "-q", "--error-exitcode=9", "--leak-check=full"],
      ...["--show-leak-kinds=all", "--errors-for-leak-kinds=all"],
    ],
  );
  assert.equal(countOf(outcome, "read"), watched, outcome.stderr);
  assert.equal(outcome.exitCode, 0, outcome.stderr);
});

/** The debug build, which alone can collect at every allocation, stands on the system's library. */
const isOtherLibrary = process.env.FIELDNODE_HOST !== undefined;

test(
  "keeps no pointer into a heap that is collected at every allocation, over whole connections",
  { skip: isOtherLibrary && "only the system's library has a debug build" },
  async () => {
    const outcome = await runSubject(
      flash,
      {
        port: peer.port,
        identity: true,
        request: "hello",
        download: 5,
        alpn: ["other", "x-amzn-mqtt-ca"],
        rounds: 2,
        stress: true,
      },
      undefined,
      [],
      undefined,
      {},
      join(project, "build", "device", "debug", "fieldnode"),
    );
    assert.equal(outcome.find("stress")?.on, true);
    assert.equal(countOf(outcome, "read"), 2, JSON.stringify(outcome));
    assert.equal(outcome.exitCode, 0, outcome.stderr);
  },
);
