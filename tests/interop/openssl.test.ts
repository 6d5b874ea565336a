import assert from "node:assert/strict";
import { test } from "node:test";
import { OpensslServer } from "./openssl-server.js";
import { authority, device, server } from "./pki.js";
import { runSubject } from "./subject.js";

test("shakes hands with openssl s_server that demands a certificate, and data goes both ways", async () => {
  const root = await authority({ name: "server root" });
  const clients = await authority({ name: "client root" });
  const peer = await OpensslServer.start(await server(root), {
    clients,
    more: ["-rev"],
  });
  const outcome = await runSubject(
    { trust: [root], identity: await device(clients) },
    { port: peer.port, identity: true, request: "field\n", download: 6 },
  );
  const log = await peer.stop();
  assert.equal(
    outcome.find("read")?.text,
    "dleif\n",
    JSON.stringify(outcome) + log,
  );
  assert.equal(outcome.find("open")?.peer?.subject, "CN=server.test");
  assert.match(log, /CN ?= ?node-1/);
  assert.equal(outcome.exitCode, 0);
});
