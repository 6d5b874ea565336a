import assert from "node:assert/strict";
import { randomBytes, X509Certificate } from "node:crypto";
import {
  chmodSync,
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { root as project } from "../../simulator/commands/project.js";
import { NodeServer } from "./node-server.js";
import { OpensslServer } from "./openssl-server.js";
import {
  authority,
  chainPem,
  device,
  keyObject,
  server,
  type Credential,
} from "./pki.js";
import { makeFlash, runSubject, type Flash } from "./subject.js";

let root: Credential;
let clients: Credential;
let node: Credential;
before(async () => {
  root = await authority({ name: "root" });
  clients = await authority({ name: "clients" });
  node = await device(clients);
});

test("says what is wrong with an identity, one reason each", async () => {
  const der = Buffer.from(node.certificate.rawData);
  const cases: [Flash, string][] = [
    [{}, "identity.no-trust"],
    [{ trust: Buffer.from("nonsense") }, "identity.bad-trust"],
    [{ trust: [root] }, "identity.no-key"],
    [
      { trust: [root], key: Buffer.from("-----BEGIN"), certificate: der },
      "identity.bad-key",
    ],
    [
      { trust: [root], identity: node, certificate: randomBytes(300) },
      "identity.bad-certificate",
    ],
    [
      { trust: [root], identity: await device(clients), certificate: der },
      "identity.mismatch",
    ],
    [
      {
        trust: [root],
        identity: await device(clients, { kind: "RSA-2048" }),
        certificate: der,
      },
      "identity.mismatch",
    ],
  ];
  for (const [flash, code] of cases) {
    const outcome = await runSubject(flash, { port: 1, identity: true });
    assert.equal(outcome.find("failure")?.code, code, JSON.stringify(outcome));
    assert.equal(outcome.exitCode, 0, outcome.stderr);
  }
});

test("tells flash that is damaged, cut short or unreadable", async () => {
  for (const [name, change, code] of [
    ["key0", (bytes: Buffer) => ((bytes[40] ^= 1), bytes), "flash.corrupt"],
    ["cert0", (bytes: Buffer) => bytes.subarray(0, 50), "flash.corrupt"],
    ["trust", (bytes: Buffer) => bytes.subarray(0, 5), "flash.corrupt"],
    ["active", () => Buffer.from("FNIDxxxx"), "flash.corrupt"],
  ] as const) {
    const flash = await makeFlash({ trust: [root], identity: node });
    const path = join(flash, "identity", name);
    const there = readdirSync(join(flash, "identity")).includes(name);
    writeFileSync(path, change(there ? readFileSync(path) : Buffer.alloc(0)));
    const outcome = await runSubject(flash, { port: 1, identity: true });
    rmSync(flash, { recursive: true });
    assert.equal(outcome.find("failure")?.code, code, name);
  }
  if (process.getuid?.() === 0) return; // nothing is unreadable for root
  const flash = await makeFlash({ trust: [root], identity: node });
  chmodSync(join(flash, "identity", "key0"), 0);
  const outcome = await runSubject(flash, { port: 1, identity: true });
  rmSync(flash, { recursive: true });
  assert.equal(outcome.find("failure")?.code, "flash.unreadable");
});

test("Amazon's roots in the firmware are those of certs/", () => {
  const source = readFileSync(
    join(project, "modules/identity/amazon-roots.c"),
    "latin1",
  );
  const compiled = Buffer.from(
    [...source.matchAll(/0x([0-9a-f]{2})\b/g)].map((one) =>
      parseInt(one[1], 16),
    ),
  );
  const files = ["amazon-root-ca-1.pem", "amazon-root-ca-3.pem"].map(
    (name) => new X509Certificate(readFileSync(join(project, "certs", name))),
  );
  assert.deepEqual(
    files.map((one) => one.subject.split("\n").at(-1)),
    ["CN=Amazon Root CA 1", "CN=Amazon Root CA 3"],
  );
  assert.ok(compiled.equals(Buffer.concat(files.map((one) => one.raw))));
});

/** Every form in which the private key could lie about: scalar, DER, PEM, Base64, hexadecimal. */
async function formsOf(credential: Credential): Promise<[string, Buffer][]> {
  const key = await keyObject(credential);
  const scalar = Buffer.from(key.export({ format: "jwk" }).d!, "base64url");
  const pkcs8 = key.export({ type: "pkcs8", format: "der" });
  const sec1 = key.export({ type: "sec1", format: "der" });
  const base64 = (bytes: Buffer) => Buffer.from(bytes.toString("base64"));
  return [
    ["the scalar", scalar],
    ["the scalar, last byte first", Buffer.from(scalar).reverse()],
    ["PKCS#8", pkcs8],
    ["SEC1", sec1],
    ["PEM of PKCS#8", base64(pkcs8).subarray(0, 60)],
    ["PEM of SEC1", base64(sec1).subarray(0, 60)],
    ["Base64 of the scalar", base64(scalar).subarray(0, 40)],
    ["hexadecimal", Buffer.from(scalar.toString("hex"))],
  ];
}

/** All writable memory of a process: its JavaScript heap, mbedTLS's, stacks, everything. */
function memoryOf(pid: number): Buffer {
  const file = openSync(`/proc/${pid}/mem`, "r");
  const pieces = readFileSync(`/proc/${pid}/maps`, "latin1")
    .split("\n")
    .filter((line) => /^\S+ rw/.test(line) && !line.includes("[vvar]"))
    .map((line) => {
      const [from, to] = line
        .split(" ")[0]
        .split("-")
        .map((end) => parseInt(end, 16)) as [number, number];
      const piece = Buffer.alloc(to - from);
      return piece.subarray(0, readSync(file, piece, 0, piece.length, from));
    });
  closeSync(file);
  return Buffer.concat(pieces);
}

test("the private key is nowhere in JavaScript's heap and in no output; once the identity is closed, nowhere at all", async () => {
  let send: () => void = () => {};
  const peer = await NodeServer.start(
    await server(root),
    (socket) => (send = () => socket.write("hello")),
    { requestCert: true, ca: chainPem(clients) },
  );
  const memory = new Map<string, Buffer>();
  const outcome = await runSubject(
    { trust: [root], identity: node },
    { port: peer.port, identity: true, download: 5, hold: 1000 },
    undefined,
    [],
    (event, pid) => {
      memory.set(event.event, memoryOf(pid));
      if (event.event === "open") setTimeout(() => send(), 50);
    },
  );
  await peer.stop();
  assert.equal(outcome.find("read")?.text, "hello", JSON.stringify(outcome));
  const open = memory.get("open")!;
  const closed = memory.get("done")!;
  const output = JSON.stringify(outcome);
  let copies = 0;
  for (const [form, bytes] of await formsOf(node)) {
    assert.ok(!output.includes(bytes.toString("latin1")), form);
    // mbedTLS has it once, as a number of its own or, in 4.x, in PSA's store of keys. All other memory, XS's heap
    // included, holds it in no form.
    const count = countOf(open, bytes);
    if (form.startsWith("the scalar")) copies += count;
    else assert.equal(count, 0, `${form} is in memory`);
    assert.equal(countOf(closed, bytes), 0, `${form} is still in memory`);
  }
  assert.ok(copies <= 1, `the scalar is in memory ${copies} times`);
  // The search itself works: what must be in memory is found.
  assert.ok(countOf(open, Buffer.from("server.test")) > 0);
  assert.ok(countOf(open, Buffer.from(node.certificate.rawData)) > 0);
});

function countOf(memory: Buffer, bytes: Buffer): number {
  let count = 0;
  for (
    let at = memory.indexOf(bytes);
    at >= 0;
    at = memory.indexOf(bytes, at + 1)
  )
    count++;
  return count;
}

test("leaves nothing allocated and touches no memory that is not its own (valgrind)", async () => {
  const peer = await OpensslServer.start(await server(root), {
    clients,
    more: ["-rev"],
  });
  const outcome = await runSubject(
    { trust: [root], identity: node },
    {
      port: peer.port,
      identity: true,
      request: "field\n",
      download: 6,
      rounds: 3,
    },
    "tests/unit/secure-socket/subject-client",
    [
      "valgrind",
      "-q",
      "--error-exitcode=9",
      "--leak-check=full",
      "--show-leak-kinds=all",
      "--errors-for-leak-kinds=all",
    ],
  );
  await peer.stop();
  assert.equal(
    outcome.events.filter((one) => one.event === "read").length,
    3,
    outcome.stderr,
  );
  assert.equal(outcome.exitCode, 0, outcome.stderr);
});
