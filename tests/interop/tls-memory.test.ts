import assert from "node:assert/strict";
import { test } from "node:test";
import { NodeServer } from "./node-server.js";
import { authority, device, server, type Credential } from "./pki.js";
import { hasVariableBuffers, runSubject } from "./subject.js";

test("an open connection keeps nothing of the server's certificates, however long the chain was", async () => {
  const root = await authority({ name: "root" });
  const flash = { trust: [root], identity: await device(root) };

  /** Bytes that mbedTLS and the natives hold while a connection to a server with this issuer is open. */
  const held = async (issuer: Credential): Promise<number> => {
    const peer = await NodeServer.start(await server(issuer), () => {});
    const outcome = await runSubject(
      flash,
      { port: peer.port, rounds: 1, up: 0, down: 0, piece: 1 },
      "tests/unit/secure-socket/subject-bench",
      [],
      undefined,
      { FIELDNODE_FAIL_ALLOCATION: "0" },
    );
    await peer.stop();
    const [line] = outcome.events as unknown as { open: number }[];
    assert.ok(line, JSON.stringify(outcome));
    return line.open;
  };

  let deep = root;
  for (let depth = 0; depth < 3; depth++)
    deep = await authority({
      issuer: deep,
      name: `authority ${depth}`,
      padding: 1000,
    });
  const short = await held(root);
  const long = await held(deep);
  assert.ok(long - short < 500, `${long} against ${short} bytes`);
});

test("an open connection holds a record of 16 KB until it is read, and nothing of it after that", async () => {
  const root = await authority({ name: "root" });
  // In TLS 1.3 a session ticket may follow, whose record takes the place of this one.
  const peer = await NodeServer.start(
    await server(root),
    (socket) => {
      socket.setMaxSendFragment(16_384);
      socket.write(Buffer.alloc(16_384));
    },
    { maxVersion: "TLSv1.2" },
  );
  const outcome = await runSubject(
    { trust: [root] },
    { port: peer.port, pause: 300, download: 16_384, rest: 50 },
    undefined,
    [],
    undefined,
    { FIELDNODE_FAIL_ALLOCATION: "0" },
  );
  await peer.stop();
  // When the record has come, 300 ms later, and when it was read.
  const held = outcome.events
    .filter(({ event }) => event === "memory")
    .map(({ bytes }) => bytes!);
  assert.equal(held.length, 3, JSON.stringify(outcome));
  // Timers and keys come and go beside it.
  const isNear = (difference: number) => Math.abs(difference) < 500;
  const [come, later, read] = held;
  assert.ok(isNear(later - come), held.join(", "));
  const record = hasVariableBuffers ? 16_384 - 400 : 0;
  assert.ok(isNear(later - read - record), held.join(", "));
});
