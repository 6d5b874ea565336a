import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Store } from "../../simulator/cloud/store.js";
import { readClientHello } from "../../simulator/cloud/tls/client-hello.js";
import { TestCloud, WireClient, type Device } from "./cloud-fixture.js";

let cloud: TestCloud;
let device: Device;

before(async () => {
  cloud = await TestCloud.start({ alpnPort: 0 });
  device = await cloud.device("tls-node");
  writeFileSync(join(cloud.directory, "key.pem"), device.privateKey);
  writeFileSync(join(cloud.directory, "cert.pem"), device.certificate);
});
after(() => cloud.stop());

/** What `openssl s_client` says about a connection that it ends at once. */
async function sClient(...options: string[]): Promise<string> {
  const named = options.some((option) => /servername/.test(option));
  return openssl([
    "s_client",
    ...["-connect", `127.0.0.1:${cloud.cloud.port}`],
    ...["-CAfile", cloud.cloud.rootCaFile],
    ...(named ? [] : ["-servername", cloud.cloud.endpoint]),
    ...["-cert", "cert.pem", "-key", "key.pem"],
    ...options,
  ]);
}

async function openssl(args: string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = execFile(
      "openssl",
      args,
      { cwd: cloud.directory, timeout: 5_000 },
      (_error, stdout, stderr) => resolve(stdout + stderr),
    );
    setTimeout(() => child.stdin?.end(), 120);
  });
}

describe("chains (section 1.5)", () => {
  for (const [kind, cipher, root] of [
    ["RSA", "ECDHE-RSA-AES128-GCM-SHA256", "Fieldnode Local Root CA 1"],
    ["EC", "ECDHE-ECDSA-AES128-GCM-SHA256", "Fieldnode Local Root CA 3"],
  ] as const)
    test(`${kind}: four certificates, good for a client that trusts the root`, async () => {
      const output = await sClient(
        "-tls1_2",
        "-cipher",
        cipher,
        "-showcerts",
        "-verify_hostname",
        cloud.cloud.endpoint,
      );
      assert.match(output, /Verification: OK/);
      assert.match(output, new RegExp(`Cipher is ${cipher}`));
      const chain =
        output.match(
          /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g,
        ) ?? [];
      assert.equal(chain.length, 4);
      const certificates = chain.map((pem) => new X509Certificate(pem));
      assert.match(certificates[2].subject, new RegExp(root));
      const [leaf] = certificates;
      assert.deepEqual(
        leaf.subjectAltName?.split(", ").sort(),
        [
          cloud.cloud.endpoint,
          "iot.local-1.localhost",
          "*.iot.local-1.localhost",
          "localhost",
        ]
          .map((name) => `DNS:${name}`)
          .concat("IP Address:127.0.0.1")
          .sort(),
      );
      assert.deepEqual(leaf.keyUsage, [
        "1.3.6.1.5.5.7.3.1",
        "1.3.6.1.5.5.7.3.2",
      ]);
      const days = (Date.parse(leaf.validTo) - Date.now()) / 86_400_000;
      assert.ok(days > 330 && days < 336, `${days} days`);
    });

  test("RSA: at least 5 KB, as large as AWS's", async () => {
    const { chain } = await cloud.cloud.authority.serverCertificate(
      "RSA-2048",
      cloud.cloud.endpoint,
    );
    const bytes = chain
      .split("-----BEGIN CERTIFICATE-----")
      .slice(1)
      .map(
        (pem) =>
          new X509Certificate(`-----BEGIN CERTIFICATE-----${pem}`).raw.length,
      )
      .reduce((a, b) => a + b);
    assert.ok(bytes >= 5_000, `${bytes} bytes`);
  });

  test("the certificate is kept over a restart, and issued anew when it nears its end", async () => {
    const { endpoint } = cloud.cloud;
    const chain = async () =>
      (await cloud.cloud.authority.serverCertificate("P-256", endpoint)).chain;
    const first = await chain();
    await cloud.restart();
    assert.equal(await chain(), first);
    const store = new Store(cloud.directory);
    const key = ["server-certificate", "P-256", endpoint];
    store.meta.putSync(key, {
      ...(store.meta.get(key) as object),
      notAfter: Date.now() + 29 * 86_400_000,
    });
    await store.close();
    await cloud.restart();
    assert.notEqual(await chain(), first);
  });
});

describe("versions and suites (section 1.3)", () => {
  test("TLS 1.2 and 1.3 are spoken, 1.1 gets a protocol_version alert", async () => {
    assert.match(
      await sClient("-tls1_2"),
      /New, TLSv1.2, Cipher is ECDHE-RSA-AES128-GCM-SHA256/,
    );
    assert.match(
      await sClient("-tls1_3"),
      /New, TLSv1.3, Cipher is TLS_AES_128_GCM_SHA256/,
    );
    assert.match(
      await sClient("-tls1_1", "-cipher", "ALL@SECLEVEL=0"),
      /alert number 70/,
    );
  });

  test("the server's order decides: AES128-GCM before the client's first choice", async () => {
    const output = await sClient(
      "-tls1_2",
      "-cipher",
      "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256",
    );
    assert.match(output, /Cipher is ECDHE-RSA-AES128-GCM-SHA256/);
  });

  test("what AWS does not list is refused: ChaCha20, CCM and DHE in TLS 1.2", async () => {
    for (const cipher of [
      "ECDHE-RSA-CHACHA20-POLY1305",
      "ECDHE-ECDSA-AES128-CCM",
      "DHE-RSA-AES128-GCM-SHA256",
    ])
      assert.match(
        await sClient("-tls1_2", "-cipher", cipher),
        /alert number 40/,
        cipher,
      );
  });

  test("a security policy of TLS 1.3 only refuses TLS 1.2", async () => {
    const strict = await TestCloud.start({
      securityPolicy: "IoTSecurityPolicy_TLS13_1_3_2022_10",
    });
    const port = String(strict.cloud.port);
    const output = await openssl([
      "s_client",
      "-connect",
      `127.0.0.1:${port}`,
      "-tls1_2",
    ]);
    assert.match(output, /alert number 70/);
    await strict.stop();
  });
});

describe("12.20: what AWS has not", () => {
  test("no session is resumed, in TLS 1.2 or 1.3", async () => {
    for (const version of ["-tls1_2", "-tls1_3"]) {
      const output = await sClient(version, "-reconnect");
      assert.match(output, /New, TLSv1/);
      assert.doesNotMatch(output, /Reused/);
      const file = `session${version}`;
      await sClient(version, "-sess_out", file);
      assert.doesNotMatch(await sClient(version, "-sess_in", file), /Reused/);
    }
  });

  test("no session ticket in TLS 1.2", async () => {
    assert.doesNotMatch(await sClient("-tls1_2"), /TLS session ticket:/);
  });

  test("a client that asks for short records is told of in the log", async () => {
    await sClient("-tls1_2", "-maxfraglen", "1024");
    await cloud.event("warning", ({ reason }) =>
      reason.includes("records of 16 KB"),
    );
  });
});

describe("the client's certificate", () => {
  test("is asked for with an empty list of authorities", async () => {
    const output = await sClient("-tls1_2");
    assert.match(output, /No client certificate CA names sent/);
    assert.match(output, /Client Certificate Types: .*RSA sign.*ECDSA sign/);
  });

  test("id is the SHA-256 of its DER bytes", () => {
    const der = new X509Certificate(device.certificate).raw;
    assert.equal(
      device.certificateId,
      createHash("sha256").update(der).digest("hex"),
    );
  });
});

describe("a certificate for a signing request (section 1.7)", () => {
  test("has the request's key and AWS's subject, or the request's when told so; twice makes two", async () => {
    await openssl([
      ...["req", "-new", "-key", "key.pem", "-subj", "/CN=mine"],
      ...["-out", "device.csr"],
    ]);
    const request = readFileSync(join(cloud.directory, "device.csr"), "utf8");
    const { authority } = cloud.cloud;
    const issue = async (keep?: boolean) =>
      new X509Certificate(await authority.issueForRequest(request, keep));
    const first = await issue();
    assert.equal(
      first.checkPrivateKey(createPrivateKey(device.privateKey)),
      true,
    );
    assert.equal(first.subject, "CN=AWS IoT Certificate");
    assert.equal((await issue(true)).subject, "CN=mine");
    assert.notEqual((await issue()).fingerprint256, first.fingerprint256);
  });

  test("is not issued when the request is not signed by its own key", async () => {
    const request = readFileSync(join(cloud.directory, "device.csr"), "utf8");
    const der = Buffer.from(
      request.replace(/-----[^-]+-----|\s/g, ""),
      "base64",
    );
    der[der.length - 3] ^= 1;
    const broken = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
    await assert.rejects(cloud.cloud.authority.issueForRequest(broken));
  });
});

describe("the server name (section 1.4)", () => {
  test("of another endpoint gets an unrecognized_name alert", async () => {
    const output = await sClient(
      "-servername",
      "other-ats.iot.local-1.localhost",
    );
    assert.match(output, /alert number 112/);
    await cloud.event("tls-failed", ({ reason }) =>
      reason.includes("is not this endpoint"),
    );
  });

  test("may be missing, which the log tells", async () => {
    assert.match(await sClient("-noservername"), /Verification: OK/);
    await cloud.event("warning", ({ reason }) =>
      reason.includes("no server name"),
    );
  });

  test("must be there when the cloud is told so", async () => {
    const strict = await TestCloud.start({
      choices: { missingServerName: "refuse" },
    });
    const output = await openssl([
      "s_client",
      "-connect",
      `127.0.0.1:${strict.cloud.port}`,
      "-noservername",
    ]);
    assert.match(output, /alert number 112/);
    await strict.stop();
  });
});

describe("12.29: the stand-in for port 443", () => {
  const open = (alpn?: string[]) =>
    WireClient.open(cloud, device, {
      port: cloud.cloud.alpnPort!,
      ...(alpn && { alpn }),
    });

  test("speaks MQTT with ALPN x-amzn-mqtt-ca", async () => {
    const client = await open(["x-amzn-mqtt-ca"]);
    assert.equal(client.socket.alpnProtocol, "x-amzn-mqtt-ca");
    assert.equal(
      (await client.sendConnect({ clientId: "tls-node" }))?.returnCode,
      0,
    );
    await client.disconnect();
  });

  test("without it does not look at the client's certificate", async () => {
    const client = await open();
    assert.equal(await client.sendConnect({ clientId: "tls-node" }), undefined);
    await cloud.event("warning", ({ reason }) =>
      reason.includes("without ALPN"),
    );
  });

  test("refuses other names with a no_application_protocol alert", async () => {
    await assert.rejects(
      open(["h2"]),
      /alert number 120|no application protocol/i,
    );
  });

  test("8883 needs no ALPN and ignores what is offered", async () => {
    const client = await WireClient.open(cloud, device, { alpn: ["h2"] });
    assert.equal(client.socket.alpnProtocol, false);
    assert.equal(
      (await client.sendConnect({ clientId: "tls-node" }))?.returnCode,
      0,
    );
    await client.disconnect();
  });
});

describe("bytes that are no TLS", () => {
  const send = (bytes: Buffer) =>
    new Promise<Buffer>((resolve) => {
      const parts: Buffer[] = [];
      const socket = net.connect(cloud.cloud.port, "127.0.0.1", () =>
        socket.write(bytes),
      );
      socket.on("data", (part) => parts.push(part));
      socket.on("error", () => socket.destroy());
      socket.on("close", () => resolve(Buffer.concat(parts)));
    });

  test("end the connection, and nobody else's", async () => {
    const client = await WireClient.connect(cloud, device);
    await send(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
    await send(
      Buffer.from([0x10, 0x0c, 0, 4, 77, 81, 84, 84, 4, 2, 0, 60, 0, 0]),
    );
    await send(
      Buffer.concat([
        Buffer.from([22, 3, 1, 0, 6, 1, 0, 0, 2, 3]),
        Buffer.alloc(30, 255),
      ]),
    );
    await send(Buffer.from([22, 3, 1, 0, 0]));
    assert.equal(await client.ping(), true);
    await client.disconnect();
  });

  test("a ClientHello in pieces is waited for, one without an end is not", () => {
    const hello = Buffer.from([
      22,
      3,
      1,
      0,
      45,
      1,
      0,
      0,
      41,
      3,
      3,
      ...Array<number>(32).fill(7),
      0,
      0,
      2,
      19,
      1,
      1,
      0,
    ]);
    for (let cut = 0; cut < hello.length; cut++)
      assert.equal(
        readClientHello(hello.subarray(0, cut)),
        "more",
        String(cut),
      );
    assert.deepEqual(readClientHello(hello), {
      cipherSuites: [0x1301],
      recordSizeLimit: false,
    });
    assert.equal(
      readClientHello(Buffer.from([22, 3, 1, 0, 4, 1, 255, 255, 255])),
      "none",
    );
  });
});
