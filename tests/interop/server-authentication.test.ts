import assert from "node:assert/strict";
import { before, test } from "node:test";
import { badCertificates, goodCertificates } from "./bad-certificates.js";
import { NodeServer } from "./node-server.js";
import { authority, server, type Credential } from "./pki.js";
import { hasTls13, runSubject } from "./subject.js";

let plainRoot: Credential;
before(async () => {
  plainRoot = await authority({ name: "root" });
});

const versions: ("TLSv1.2" | "TLSv1.3")[] = hasTls13
  ? ["TLSv1.2", "TLSv1.3"]
  : ["TLSv1.2"];

for (const [name, bad] of Object.entries(badCertificates))
  for (const version of versions.filter((each) => each === (bad.only ?? each)))
    test(`refuses a server certificate ${name}, and tells the server (${version})`, async () => {
      const root = bad.trusted ? await authority(bad.trusted) : plainRoot;
      const credential = await bad.make(root);
      const peer = await NodeServer.start(credential, undefined, {
        minVersion: version,
        maxVersion: version,
      });
      const outcome = await runSubject(
        { trust: [root] },
        {
          port: peer.port,
          ...(bad.serverName ? { serverName: bad.serverName } : {}),
          ...(bad.now ? { now: bad.now(credential) } : {}),
        },
      );
      const alerts = await peer.failures();
      await peer.stop();
      const failures = outcome.events.filter(({ code }) => code !== undefined);
      assert.equal(failures.length, 1);
      assert.equal(failures[0].code, bad.code, JSON.stringify(outcome));
      if (bad.detail) assert.match(failures[0].detail!, bad.detail);
      assert.match(alerts, new RegExp(`alert number ${bad.alert}\\b`));
      assert.equal(outcome.find("open"), undefined);
      assert.equal(outcome.exitCode, 0, outcome.stderr);
    });

if (!hasTls13)
  test(
    "refuses bad server certificates in TLS 1.3",
    { skip: "the TLS library at hand has no TLS 1.3" },
    () => {},
  );

test("connects to no server at all without trust anchors", async () => {
  let connections = 0;
  const peer = await NodeServer.start(
    await server(plainRoot),
    () => connections++,
  );
  const outcome = await runSubject({}, { port: peer.port });
  await peer.stop();
  assert.equal(outcome.find("failure")?.code, "identity.no-trust");
  assert.equal(connections, 0);
});

for (const [name, good] of Object.entries(goodCertificates))
  test(`believes a server certificate ${name}`, async () => {
    const root = good.trusted ? await authority(good.trusted) : plainRoot;
    const credential = await good.make(root);
    const peer = await NodeServer.start(credential, (socket) =>
      socket.end("hello"),
    );
    const outcome = await runSubject(
      { trust: (await good.trust?.(root, credential)) ?? [root] },
      {
        port: peer.port,
        download: 5,
        ...(good.serverName ? { serverName: good.serverName } : {}),
        ...(good.now ? { now: good.now(credential) } : {}),
      },
    );
    await peer.stop();
    assert.equal(outcome.find("read")?.text, "hello", JSON.stringify(outcome));
  });
