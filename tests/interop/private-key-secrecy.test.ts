import assert from "node:assert/strict";
import { createPrivateKey, type KeyObject } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { NodeServer } from "./node-server.js";
import {
  authority,
  chainPem,
  device,
  keyObject,
  server,
  type Credential,
  type Kind,
} from "./pki.js";
import { secretForms } from "./private-key-forms.js";
import { ProcessMemory } from "./process-memory.js";
import {
  makeFlash,
  runSubject,
  testHost,
  type Flash,
  type Outcome,
} from "./subject.js";

let root: Credential;
let clients: Credential;
before(async () => {
  root = await authority({ name: "root" });
  clients = await authority({ name: "clients" });
});

/** Runs a subject and takes a picture of its memory at each thing that happens. */
async function watched(
  flash: Flash | string,
  config: Record<string, unknown>,
  module: string,
  onEvent: (event: string) => void = () => {},
): Promise<{ outcome: Outcome; memory: Map<string, ProcessMemory> }> {
  const memory = new Map<string, ProcessMemory>();
  const outcome = await runSubject(
    flash,
    { hold: 600, ...config },
    module,
    [],
    ({ event }, pid) => {
      memory.set(event, new ProcessMemory(pid));
      onEvent(event);
    },
    // Else the dynamic linker stores the processor's vector registers, with parts of a key, when it first finds a function.
    { LD_BIND_NOW: "1" },
    testHost,
  );
  return { outcome, memory };
}

/** What is told of a session while the key is in use. */
const inUse = ["open", "read"];

/** Nothing of the key is in the heap of JavaScript or in what was printed; where no session is open, nowhere at all. */
function assertSecret(
  key: KeyObject,
  outcome: Outcome,
  memory: Map<string, ProcessMemory>,
): void {
  const printed = JSON.stringify(outcome);
  for (const { name, bytes, isNumber } of secretForms(key)) {
    assert.ok(!printed.includes(bytes.toString("latin1")), `${name} printed`);
    for (const [event, picture] of memory) {
      assert.equal(picture.heap.indexOf(bytes), -1, `${name} in XS, ${event}`);
      if (!inUse.includes(event) || !isNumber)
        assert.equal(picture.count(bytes), 0, `${name} in memory, ${event}`);
    }
  }
}

const cases: [string, Kind, Flash["keyForm"], "der" | "pem"][] = [
  ["P-256 in DER", "P-256", "sec1", "der"],
  ["P-384 in PEM", "P-384", "pkcs8", "pem"],
  ["RSA-2048 in PEM", "RSA-2048", "pkcs1", "pem"],
];
for (const [title, kind, type, format] of cases)
  test(`a key ${title} is nowhere in JavaScript's heap and in no output; once the identity is closed, nowhere at all`, async () => {
    const node = await device(clients, { kind });
    const key = await keyObject(node);
    let send: () => void = () => {};
    const peer = await NodeServer.start(
      await server(root),
      (socket) => (send = () => socket.write("hello")),
      { requestCert: true, ca: chainPem(clients) },
    );
    const { outcome, memory } = await watched(
      {
        trust: [root],
        identity: node,
        key: Buffer.from(
          key.export({ type: type as "pkcs8", format: format as "der" }),
        ),
      },
      { port: peer.port, identity: true, download: 5 },
      "tests/unit/secure-socket/subject-client",
      (event) => event === "open" && setTimeout(() => send(), 50),
    );
    await peer.stop();
    assert.equal(outcome.find("read")?.text, "hello", JSON.stringify(outcome));
    assertSecret(key, outcome, memory);
    // The search itself works: what must be there is found, and the heap of JavaScript is where strings are.
    const open = memory.get("open")!;
    assert.ok(open.count(Buffer.from(node.certificate.rawData)) > 0);
    assert.ok(open.heap.includes("server.test"));
    const scalar = secretForms(key).filter((one) => one.isNumber);
    assert.ok(
      scalar.some((one) => open.count(one.bytes) > 0),
      "nobody has the key, so how was it used?",
    );
  });

test("a key made on the node is in its flash and nowhere else", async () => {
  const flash = await makeFlash({ trust: [root] });
  const { outcome, memory } = await watched(
    flash,
    { steps: ["generate", "csr CN=node"] },
    "tests/unit/identity/subject-identity",
  );
  const file = readFileSync(join(flash, "identity", "key1"));
  rmSync(flash, { recursive: true });
  const key = createPrivateKey({
    key: file.subarray(12),
    format: "der",
    type: "sec1",
  });
  assert.match(outcome.find("csr")!.text!, /BEGIN CERTIFICATE REQUEST/);
  assert.deepEqual([...memory.keys()], ["generate", "csr"]);
  assertSecret(key, outcome, memory);
});

test("a key that is refused leaves nothing of itself behind", async () => {
  const node = await device(clients);
  for (const [kind, type, format, code] of [
    ["P-256", "pkcs8", "pem", "identity.mismatch"],
    ["RSA-1024", "pkcs1", "der", "identity.weak-key"],
    ["P-521", "sec1", "pem", "identity.unsupported-key"],
  ] as const) {
    const key = await keyObject(await device(clients, { kind }));
    const bytes = key.export({
      type: type as "pkcs8",
      format: format as "der",
    });
    // Cut short, it cannot be read at all.
    for (const [content, expected] of [
      [Buffer.from(bytes), code],
      [Buffer.from(bytes).subarray(0, bytes.length - 40), "identity.bad-key"],
    ] as const) {
      const { outcome, memory } = await watched(
        { trust: [root], identity: node, key: content },
        // The second step waits, so that the first is looked at in a process that lives.
        { steps: ["trust", "open"] },
        "tests/unit/identity/subject-identity",
      );
      const opened = outcome.find("open");
      assert.equal(opened?.code, expected, `${kind} ${content.length}`);
      memory.set("refused", memory.get("open")!);
      memory.delete("open");
      assertSecret(key, outcome, memory);
    }
  }
});
