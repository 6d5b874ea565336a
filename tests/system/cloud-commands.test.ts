import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import {
  createPrivateKey,
  createPublicKey,
  X509Certificate,
} from "node:crypto";
import {
  existsSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { after, describe, mock, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Certificates } from "../../simulator/cloud/registry/certificates.js";
import { Registry } from "../../simulator/cloud/registry/registry.js";
import { Store } from "../../simulator/cloud/store.js";
import { main as cloudMain } from "../../simulator/commands/cloud.js";
import {
  parseFlags,
  UsageError,
} from "../../simulator/commands/command-line.js";
import { ExpectedError } from "../../simulator/commands/expected-error.js";
import { main as provisionMain } from "../../simulator/commands/provision.js";
import {
  sleep,
  TestCloud,
  temporaryFolder,
  WireClient,
  type Device,
} from "./cloud-fixture.js";

const children = new Set<ChildProcess>();
after(() => {
  for (const child of children) child.kill("SIGKILL");
});

interface Command {
  readonly child: ChildProcess;
  /** Everything printed so far. */
  readonly output: () => string;
  /** Resolves with the exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
}

/** Runs a command as the npm scripts do: an expected error is its message and its exit code. */
function run(name: "cloud" | "provision", ...args: string[]): Command {
  const module = fileURLToPath(
    new URL(`../../simulator/commands/${name}.js`, import.meta.url),
  );
  const script = `
    const { main } = await import(${JSON.stringify(module)});
    try {
      process.exitCode = (await main(process.argv.slice(1))) ?? 0;
    } catch (error) {
      console.error(error.expected ? error.message : error);
      process.exitCode = error.exitCode ?? 70;
    }`;
  const child = spawn(process.execPath, [
    "--input-type=module",
    "-e",
    script,
    "--",
    ...args,
  ]);
  children.add(child);
  let text = "";
  child.stdout.on("data", (part) => (text += String(part)));
  child.stderr.on("data", (part) => (text += String(part)));
  const ended = new Promise<number | string>((resolve) =>
    child.on("close", (code, signal) => {
      children.delete(child);
      resolve(code ?? signal ?? "");
    }),
  );
  return { child, output: () => text, ended };
}

/** Runs a command in this process: quicker, where nothing depends on its being another. */
async function here(
  name: "cloud" | "provision",
  ...args: string[]
): Promise<{ code: number; output: string }> {
  const lines: string[] = [];
  const log = mock.method(console, "log", (line: string) => lines.push(line));
  try {
    const main = name === "cloud" ? cloudMain : provisionMain;
    return { code: await main(args), output: lines.join("\n") };
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    return { code: error.exitCode, output: error.message };
  } finally {
    log.mock.restore();
  }
}

/** Ends in one clear line, without a stack trace, and with this exit code. */
async function failsWith(
  name: "cloud" | "provision",
  args: string[],
  code: number,
  line: RegExp,
): Promise<void> {
  const result = await here(name, ...args);
  assert.match(result.output, line);
  assert.equal(result.output.split("\n").length, 1, result.output);
  assert.equal(result.code, code);
}

/** Waits until a command printed something. */
async function printed(
  command: Command,
  text: RegExp,
): Promise<RegExpExecArray> {
  for (let wait = 0; wait < 500; wait++) {
    const found = text.exec(command.output());
    if (found) return found;
    await sleep(20);
  }
  throw new Error(`${String(text)} was not printed: ${command.output()}`);
}

/** A state folder with an authority, so that nobody waits for RSA keys. */
async function stateFolder(): Promise<string> {
  const cloud = await TestCloud.start();
  const state = temporaryFolder();
  await cloud.cloud.stop();
  writeFileSync(
    join(state, "data.mdb"),
    readFileSync(join(cloud.directory, "data.mdb")),
  );
  return state;
}

function readDevice(name: string, folder: string): Device {
  return {
    name,
    certificateId: "",
    privateKey: readFileSync(join(folder, "device.key.pem"), "utf8"),
    certificate: readFileSync(join(folder, "device.cert.pem"), "utf8"),
  };
}

describe("npm run provision", () => {
  test("writes key (0600), certificate and root; the key is the certificate's, P-256", async () => {
    const state = await stateFolder();
    const out = join(state, "out");
    const args = ["--thing", "fresh", "--state", state, "--out"];
    assert.equal((await here("provision", ...args, out)).code, 0);
    assert.equal(statSync(join(out, "device.key.pem")).mode & 0o777, 0o600);
    const key = createPrivateKey(readFileSync(join(out, "device.key.pem")));
    assert.equal(key.asymmetricKeyDetails?.namedCurve, "prime256v1");
    const certificate = new X509Certificate(
      readFileSync(join(out, "device.cert.pem")),
    );
    assert.equal(certificate.checkPrivateKey(key), true);
    assert.equal(createPublicKey(key).asymmetricKeyType, "ec");
    assert.match(
      readFileSync(join(out, "root-ca.pem"), "utf8"),
      /BEGIN CERTIFICATE/,
    );

    await failsWith(
      "provision",
      [...args, out],
      1,
      /device\.key\.pem exists and is not replaced.*--out/,
    );
    const more = await here("provision", ...args, join(state, "out2"));
    assert.match(more.output, /was known: certificate \w+ is one more/);
  });

  test("into a cloud that runs: the device connects at once, with the least policy", async () => {
    const cloud = await TestCloud.start();
    const out = join(cloud.directory, "late");
    const command = run(
      "provision",
      "--thing",
      "late",
      "--state",
      cloud.directory,
      "--out",
      out,
    );
    assert.equal(await command.ended, 0, command.output());
    const device = readDevice("late", out);
    const client = await WireClient.connect(cloud, device, {
      protocolVersion: 5,
    });
    client.publish("dt/fieldnode/late/telemetry", "x", { qos: 1 });
    const puback = await client.next("puback");
    assert.equal(puback?.cmd === "puback" && puback.reasonCode, 0);
    assert.deepEqual(
      await client.subscribe([
        { topic: "cmd/fieldnode/late/#", qos: 1 },
        { topic: "dt/fieldnode/late/+", qos: 1 },
        { topic: "cmd/fieldnode/other/#", qos: 1 },
        { topic: "#", qos: 1 },
      ]),
      [1, 1, 0x87, 0x87],
    );
    client.publish("cmd/fieldnode/late/x", "x", { qos: 1, messageId: 2 });
    const refused = await client.next("puback");
    assert.equal(refused?.cmd === "puback" && refused.reasonCode, 0x87);
    await client.disconnect();
    await cloud.stop();
  });

  test("killed at any moment leaves a thing whole or not at all, and no half of its files", async () => {
    const state = await stateFolder();
    const out = (name: string) => join(state, "devices", name);
    const first = Date.now();
    await run(
      "provision",
      "--thing",
      "first",
      "--state",
      state,
      "--out",
      out("first"),
    ).ended;
    const duration = Date.now() - first;
    for (let step = 0; step < 5; step++) {
      const name = `killed-${step}`;
      const command = run(
        "provision",
        "--thing",
        name,
        "--state",
        state,
        "--out",
        out(name),
      );
      await sleep(duration * (0.65 + step * 0.08));
      command.child.kill("SIGKILL");
      await command.ended;
      if (existsSync(join(out(name), "device.key.pem"))) {
        const { privateKey, certificate } = readDevice(name, out(name));
        assert.equal(
          new X509Certificate(certificate).checkPrivateKey(
            createPrivateKey(privateKey),
          ),
          true,
        );
      }
    }
    const store = new Store(state);
    const registry = new Registry(store);
    for (const { certificateId } of registry.certificates.list()) {
      assert.equal(registry.thingsOf(certificateId).length, 1);
      assert.equal(
        registry.policiesOf(Certificates.arn(certificateId)).length,
        1,
      );
    }
    for (const { thingName } of registry.things.list())
      assert.ok(registry.certificatesOf(thingName).length > 0, thingName);
    await store.close();
    const retry = ["--thing", "killed-0", "--state", state];
    assert.equal(
      (await here("provision", ...retry, "--out", out("retry"))).code,
      0,
    );
  });

  test("a name that is none, a flag that is misspelt or missing: one line", async () => {
    const state = temporaryFolder();
    const args = (name: string) => ["--thing", name, "--out", state];
    await failsWith(
      "provision",
      [...args("no spaces"), "--state", state],
      1,
      /"no spaces" is no name for a thing/,
    );
    await failsWith(
      "provision",
      [...args("a"), "--stat", state],
      2,
      /Unknown flag --stat: did you mean --state\?/,
    );
    await failsWith(
      "provision",
      ["--state", state],
      2,
      /--thing NAME is missing/,
    );
  });
});

describe("npm run cloud", () => {
  test("prints endpoint, port and root certificate, then what happens, and ends cleanly on Ctrl-C", async () => {
    const state = await stateFolder();
    const command = run("cloud", "--port", "0", "--state", state);
    const [, endpoint] = await printed(command, /^endpoint +(\S+)$/m);
    assert.match(endpoint, /^[a-z0-9]{14}-ats\.iot\.local-1\.localhost$/);
    const [, port] = await printed(command, /^port +(\d+)$/m);
    const [, root] = await printed(command, /^root CA +(\S+)$/m);
    assert.match(readFileSync(root, "utf8"), /BEGIN CERTIFICATE/);
    net.connect(Number(port), "127.0.0.1").end("hello");
    await printed(command, /tls-failed .*the first bytes are no ClientHello/);
    command.child.kill("SIGINT");
    assert.equal(await command.ended, 0);
    const again = run("cloud", "--port", "0", "--state", state);
    assert.equal((await printed(again, /^endpoint +(\S+)$/m))[1], endpoint);
    await failsWith(
      "cloud",
      ["--port", "0", "--state", state],
      1,
      /A cloud already runs on/,
    );
    again.child.kill("SIGKILL");
    await again.ended;
    const third = run("cloud", "--port", "0", "--state", state);
    await printed(third, /^endpoint/m);
    third.child.kill("SIGTERM");
    assert.equal(await third.ended, 0);
  });

  test("a port in use, damaged state, a folder that is none, a misspelt flag: one line each", async () => {
    const server = net.createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as net.AddressInfo;
    const state = await stateFolder();
    const garbage = temporaryFolder();
    writeFileSync(join(garbage, "data.mdb"), "garbage".repeat(2000));
    const short = await stateFolder();
    truncateSync(join(short, "data.mdb"), 20_480);
    const file = join(temporaryFolder(), "file");
    writeFileSync(file, "");
    for (const [args, code, line] of [
      [
        ["--port", String(port), "--state", state],
        1,
        /Port \d+ on 127\.0\.0\.1 is in use/,
      ],
      [["--state", garbage], 1, /is damaged \(it is not an LMDB database\)/],
      [["--state", short], 1, /is damaged \(\d+ bytes of \d+\)/],
      [["--state", file], 1, /is not a folder/],
      [["--prot", "1"], 2, /did you mean --port\?/],
      [["--port", "x"], 2, /--port needs a whole number, not "x"/],
      [["--port", "70000"], 2, /at most 65535/],
    ] as [string[], number, RegExp][])
      await failsWith("cloud", args, code, line);
    server.close();
  });

  test("killed under load, it has every acknowledged QoS 1 message for a persistent session", async () => {
    const cloud = await TestCloud.start({ choices: { connectRate: 0 } });
    const device = await cloud.freeDevice("loaded");
    const subscriber = await WireClient.connect(cloud, device, {
      clean: false,
    });
    await subscriber.subscribe("load");
    await subscriber.disconnect();
    await cloud.cloud.stop();
    const server = run("cloud", "--port", "0", "--state", cloud.directory);
    const [, port] = await printed(server, /^port +(\d+)$/m);
    const target = {
      cloud: {
        port: Number(port),
        endpoint: "localhost",
        authority: {
          roots: readFileSync(join(cloud.directory, "root-ca.pem"), "utf8"),
        },
      },
    } as unknown as TestCloud;
    const sender = await WireClient.open(target, device);
    assert.equal(
      (await sender.sendConnect({ clientId: "sender" }))?.returnCode,
      0,
    );
    for (let id = 1; id <= 90; id++)
      sender.publish("load", String(id), { qos: 1, messageId: id });
    await sender.next("puback");
    server.child.kill("SIGKILL");
    await server.ended;
    await sender.closed;
    const acknowledged =
      1 + sender.packets.filter(({ cmd }) => cmd === "puback").length;
    const after = await restarted(cloud);
    const back = await WireClient.connect(after, device, { clean: false });
    const got = new Set<string>();
    for (;;) {
      const message = await back.message(200);
      if (!message) break;
      got.add(message[1]);
    }
    for (let id = 1; id <= acknowledged; id++)
      assert.ok(
        got.has(String(id)),
        `message ${id} of ${acknowledged} is lost`,
      );
    await back.disconnect();
    await after.stop();
  });
});

/** A cloud in this process on the state that another left. */
async function restarted(cloud: TestCloud): Promise<TestCloud> {
  await cloud.restart({ replayRate: 0, publishRate: 0, connectRate: 0 });
  return cloud;
}

describe("flags", () => {
  const flags = {
    state: { type: "string", value: "DIR", help: "folder" },
    count: { type: "number", help: "count" },
    quiet: { type: "boolean", help: "quiet" },
  } as const;

  test("are read by name, with = or without, numbers as numbers", () => {
    assert.deepEqual(
      parseFlags(["--state", "a", "--count=3", "--quiet"], flags),
      { state: "a", count: 3, quiet: true },
    );
    assert.deepEqual(parseFlags([], flags), {});
  });

  for (const [args, message] of [
    [["--sate", "x"], "Unknown flag --sate: did you mean --state?"],
    [
      ["--zzzzzz"],
      "Unknown flag --zzzzzz. The flags are --state, --count, --quiet.",
    ],
    [["-s"], "Unknown flag -s. The flags are --state, --count, --quiet."],
    [["--state"], "--state needs a value: folder."],
    [["--state", "--quiet"], "--state needs a value: folder."],
    [["--count", "-1"], '--count needs a whole number, not "-1".'],
    [["--quiet=yes"], '--quiet takes no value ("yes").'],
    [["--state", "a", "--state", "b"], "--state is given twice."],
    [["x"], '"x" belongs to no flag. The flags are --state, --count, --quiet.'],
    [
      ["--constructor", "x"],
      "Unknown flag --constructor. The flags are --state, --count, --quiet.",
    ],
  ] as [string[], string][])
    test(`${args.join(" ")} is refused`, () => {
      assert.throws(
        () => parseFlags(args, flags),
        (error) =>
          error instanceof UsageError &&
          error.message === message &&
          error.exitCode === 2,
        message,
      );
    });
});
