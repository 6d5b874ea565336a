import assert from "node:assert/strict";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { root } from "../../simulator/commands/project.js";
import { messageSize } from "../../simulator/commands/certificate-check.js";
import { writeIdentity } from "../../simulator/commands/flash-image.js";
import {
  authority,
  chainPem,
  device,
  keyObject,
  keyPem,
  purpose,
  server,
  usage,
  type Credential,
  type Wish,
} from "../interop/pki.js";
import { here, stateFolder } from "./cloud-command.js";

const folder = mkdtempSync(join(tmpdir(), "fieldnode-check-"));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

let vouching: Credential;
before(async () => {
  vouching = await authority({ name: "Device Authority" });
});

let files = 0;
const file = (content: string | Buffer): string => {
  const path = at(`${files++}.pem`);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
};

interface Given {
  cert?: string | Buffer;
  key?: string | Buffer;
  trust?: string;
  endpoint?: string;
}

const flagsOf = ({ cert, key, trust, endpoint }: Given): string[] => [
  ...["--cert", file(cert!), "--key", file(key!)],
  ...(trust === undefined ? [] : ["--trust", file(trust)]),
  ...(endpoint === undefined ? [] : ["--endpoint", endpoint]),
];

/** Runs `npm run provision -- check`; the lines of errors and warnings, and the exit code. */
async function check(
  given: Given,
): Promise<{ code: number; lines: string[]; all: string }> {
  const { code, output } = await here("provision", "check", ...flagsOf(given));
  const lines = output
    .split("\n")
    .filter((line) => /^(error|warning) /.test(line));
  return { code, lines, all: output };
}

const amazon = (...numbers: number[]): string =>
  numbers
    .map((one) =>
      readFileSync(join(root, "certs", `amazon-root-ca-${one}.pem`), "utf8"),
    )
    .join("");

const ats = "abcdefghijklmn-ats.iot.eu-central-1.amazonaws.com";

/** A node's certificate with its key, as files. */
async function node(wish: Wish = {}): Promise<{ cert: string; key: string }> {
  const made = await device(vouching, wish);
  return { cert: chainPem(made), key: await keyPem(made) };
}

test("finds nothing wrong with an identity that is right, whatever its form", async () => {
  for (const kind of ["P-256", "P-384", "RSA-2048"] as const) {
    const made = await device(vouching, { kind });
    const key = await keyObject(made);
    const type = kind.startsWith("P") ? "sec1" : "pkcs1";
    for (const form of [
      { cert: chainPem(made), key: await keyPem(made) },
      {
        cert: Buffer.from(made.certificate.rawData),
        key: key.export({ type: type as "pkcs1", format: "der" }),
      },
    ]) {
      const { code, lines, all } = await check({ ...form, endpoint: ats });
      assert.deepEqual(lines, [], kind);
      assert.equal(code, 0);
      assert.match(all, /^ok {6} The key belongs to the certificate\.$/m);
    }
  }
});

test("tells what is wrong with key and certificate, a line each with what to do", async () => {
  const good = await node();
  const encrypted = (await keyObject(await device(vouching))).export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: "secret",
  });
  const cases: [string, Given, RegExp][] = [
    [
      "another's key",
      { ...good, key: (await node()).key },
      /does not belong to the certificate .*made together/,
    ],
    ["an encrypted key", { ...good, key: encrypted }, /openssl pkey/],
    ["no key", { ...good, key: good.cert }, /not a private key/],
    ["no certificate", { ...good, cert: good.key }, /not a certificate/],
    ["expired", await node({ until: -1 }), /CN=node-1 has expired.*new one/],
    ["not begun", await node({ from: 2 }), /not valid before.*clock/],
    [
      "a weak key",
      await node({ kind: "RSA-1024" }),
      /RSA with 1024 bits.*too weak.*P-256/,
    ],
    [
      "another curve",
      await node({ kind: "P-521" }),
      /secp521r1.*kind that a node does not use/,
    ],
    ["SHA-1", await node({ hash: "SHA-1" }), /signed with SHA-1.*SHA-256/],
    [
      "a server's certificate",
      await node({ extendedKeyUsage: [purpose.serverAuth] }),
      /not for clients/,
    ],
    [
      "a key that may not sign",
      await node({ keyUsage: usage.keyEncipherment }),
      /may not be used for signatures/,
    ],
    [
      "an authority's certificate",
      { cert: chainPem(vouching), key: await keyPem(vouching) },
      /an authority's certificate, no node's/,
    ],
    [
      "a chain out of order",
      { ...good, cert: good.cert + chainPem(await authority()) },
      /not issued by .*first, then each/,
    ],
    [
      "an issuer that is none",
      { ...good, cert: good.cert + good.cert },
      /not issued by|no authority/,
    ],
    [
      "more than a board can send",
      await node({ padding: 2000 }),
      /bytes long, and a board can send 2035.*shorter/,
    ],
  ];
  for (const [what, given, words] of cases) {
    const { code, lines } = await check(given);
    assert.equal(code, 1, what);
    assert.ok(
      lines.some((line) => line.startsWith("error") && words.test(line)),
      `${what}: ${lines.join("\n")}`,
    );
  }
});

test("takes for a board's limit what its build is configured with", () => {
  for (const [name, line] of [
    ["sdkconfig/sdkconfig.defaults", "CONFIG_MBEDTLS_SSL_OUT_CONTENT_LEN="],
    ["tests/bench/mbedtls-board.h", "#define MBEDTLS_SSL_OUT_CONTENT_LEN "],
  ])
    assert.ok(
      readFileSync(join(root, name), "utf8").includes(
        `\n${line}${messageSize}\n`,
      ),
      name,
    );
});

test("warns of what somebody should know, and lets it pass", async () => {
  const good = await node();
  const cases: [Given, RegExp][] = [
    [await node({ until: 10 }), /ends soon/],
    [{ ...good, cert: good.cert + chainPem(vouching) }, /is a root/],
    [{ ...good, trust: amazon(1), endpoint: ats }, /Only CN=Amazon Root CA 1/],
    [
      {
        ...good,
        trust: chainPem(await authority({ name: "middle", issuer: vouching })),
      },
      /is an intermediate/,
    ],
  ];
  for (const [given, words] of cases) {
    const { code, lines } = await check(given);
    assert.match(lines.join("\n"), words);
    assert.ok(lines.every((line) => line.startsWith("warning")));
    assert.equal(code, 0);
  }
});

test("tells whether the roots are right for the kind of endpoint", async () => {
  const good = await node();
  const local = chainPem(
    await authority({ name: "Fieldnode Local Root CA 1" }),
  );
  const other = chainPem(await authority({ name: "Example Root" }));
  const forged = chainPem(await authority({ name: "Amazon Root CA 1" }));
  const leaf = chainPem(await server(vouching));
  const cloud = "aulh9zd87g72wo-ats.iot.local-1.localhost:8883";
  const cases: [string | undefined, string, RegExp | undefined][] = [
    [undefined, ats, undefined],
    [amazon(1, 3), ats, undefined],
    [amazon(1, 3) + other, `${ats}.cn`, undefined],
    [local, ats, /None of the roots is AWS's/],
    [forged, ats, /names say Amazon/],
    [undefined, ats.replace("-ats", ""), /legacy endpoint.*VeriSign.*-ats/],
    [undefined, "iot.eu-west-1.amazonaws.com", /not IoT Core's endpoint/],
    [
      undefined,
      "abc.credentials.iot.eu-west-1.amazonaws.com",
      /not IoT Core's endpoint/,
    ],
    [local, cloud, undefined],
    [undefined, cloud, /local cloud.*root-ca\.pem/],
    [amazon(1, 3), cloud, /none of the roots is one's/],
    [undefined, "broker.example", /no root for broker\.example/],
    [other, "broker.example", undefined],
    [leaf, "broker.example", /no certificate of an authority/],
  ];
  for (const [trust, endpoint, words] of cases) {
    const { code, lines } = await check({
      ...good,
      endpoint,
      ...(trust === undefined ? {} : { trust }),
    });
    const say = `${endpoint}: ${lines.join("\n")}`;
    assert.equal(code, words ? 1 : 0, say);
    if (words) assert.match(lines.join("\n"), words, say);
    else assert.deepEqual(lines, [], say);
  }
});

test("takes the files that npm run provision writes", async () => {
  const out = at("thing");
  await here(
    "provision",
    ...["--thing", "node-1", "--state", await stateFolder(), "--out", out],
  );
  const { code, output } = await here(
    "provision",
    "check",
    ...["--cert", join(out, "device.cert.pem")],
    ...["--key", join(out, "device.key.pem")],
    ...["--trust", join(out, "root-ca.pem")],
    ...["--endpoint", "abc-ats.iot.local-1.localhost"],
  );
  assert.equal(code, 0, output);
  assert.doesNotMatch(output, /^(error|warning)/m);
});

test("writes what a board's NVS partition is to hold, in one file for its owner alone", async () => {
  const intermediate = await authority({ name: "middle", issuer: vouching });
  const made = await device(intermediate);
  const out = at("identity.csv");
  const { code, output } = await here(
    "provision",
    ...["image", "--out", out],
    ...flagsOf({
      cert: chainPem(made),
      key: await keyPem(made),
      trust: chainPem(vouching),
    }),
  );
  assert.equal(code, 0, output);
  assert.match(output, /esp_idf_nvs_partition_gen generate .* 0x7000/);
  assert.equal(statSync(out).mode & 0o777, 0o600);
  const rows = readFileSync(out, "utf8").trimEnd().split("\n");
  assert.deepEqual(rows.slice(0, 2), [
    "key,type,encoding,value",
    "identity,namespace,,",
  ]);
  const entries = new Map(
    rows.slice(2).map((row) => {
      const [name, type, encoding, value] = row.split(",");
      assert.deepEqual([type, encoding], ["data", "base64"]);
      return [name, Buffer.from(value, "base64")];
    }),
  );
  // The same bytes as in the flash folder of the desktop.
  const flash = at("flash");
  writeIdentity(flash, {
    cert: file(chainPem(made)),
    key: file(await keyPem(made)),
    trust: file(chainPem(vouching)),
  });
  assert.deepEqual([...entries.keys()], ["key0", "cert0", "trust", "active"]);
  for (const [name, content] of entries)
    assert.ok(
      readFileSync(join(flash, "identity", name))
        .subarray(12)
        .equals(content),
      name,
    );
  assert.ok(
    entries
      .get("cert0")!
      .equals(
        Buffer.concat(
          [made, intermediate].map((one) =>
            Buffer.from(one.certificate.rawData),
          ),
        ),
      ),
  );
});

test("writes no image and no flash of an identity with an error", async () => {
  const expired = await node({ until: -1 });
  const out = at("none.csv");
  const { code, output } = await here(
    "provision",
    ...["image", "--out", out],
    ...flagsOf(expired),
  );
  assert.equal(code, 1);
  assert.match(output, /^CN=node-1 has expired on [^\n]+$/);
  const files = { cert: file(expired.cert), key: file(expired.key) };
  assert.throws(
    () => writeIdentity(at("none"), files),
    /^ExpectedError: CN=node-1 has expired on /,
  );
  for (const name of ["none.csv", "none"]) assert.ok(!existsSync(at(name)));
});
