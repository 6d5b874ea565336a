import assert from "node:assert/strict";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  parseFlags,
  UsageError,
} from "../../simulator/commands/command-line.js";
import {
  anyPorts,
  failsWith,
  printed,
  run,
  stateFolder,
  type Command,
} from "./cloud-command.js";
import { TestCloud, temporaryFolder, WireClient } from "./cloud-fixture.js";

/** Any ports, but this one for one of them. */
function portsWith(flag: string, port: number): string[] {
  const index = anyPorts.indexOf(flag);
  return anyPorts.with(index + 1, String(port));
}

describe("npm run cloud", () => {
  test("prints endpoint, port and root certificate, then what happens, and ends cleanly on Ctrl-C", async () => {
    const state = await stateFolder();
    const command = run("cloud", ...anyPorts, "--state", state);
    const [, endpoint] = await printed(command, /^endpoint +(\S+)$/m);
    assert.match(endpoint, /^[a-z0-9]{14}-ats\.iot\.local-1\.localhost$/);
    const [, port] = await printed(command, /^port +(\d+)$/m);
    const [, root] = await printed(command, /^root CA +(\S+)$/m);
    assert.match(readFileSync(root, "utf8"), /BEGIN CERTIFICATE/);
    net.connect(Number(port), "127.0.0.1").end("hello");
    await printed(command, /tls-failed .*the first bytes are no ClientHello/);
    command.child.kill("SIGINT");
    assert.equal(await command.ended, 0);
    const again = run("cloud", ...anyPorts, "--state", state);
    assert.equal((await printed(again, /^endpoint +(\S+)$/m))[1], endpoint);
    await failsWith(
      "cloud",
      [...anyPorts, "--state", state],
      1,
      /A cloud already runs on/,
    );
    again.child.kill("SIGKILL");
    await again.ended;
    const third = run("cloud", ...anyPorts, "--state", state);
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
        [...portsWith("--port", port), "--state", state],
        1,
        /Port \d+ on 127\.0\.0\.1 is in use/,
      ],
      [
        [...portsWith("--api-port", port), "--state", state],
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
    const { server, target } = await apart(cloud);
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

  test("killed under load, it has every shadow version and job state that was confirmed", async () => {
    const cloud = await TestCloud.start({ choices: { connectRate: 0 } });
    const device = await cloud.freeDevice("worker");
    const thing = "arn:aws:iot:local-1:000000000000:thing/worker";
    for (let n = 0; n < 30; n++)
      cloud.cloud.services.jobs.create({
        jobId: `job-${n}`,
        targets: [thing],
        document: "{}",
      });
    await cloud.cloud.stop();
    const { server, target } = await apart(cloud);
    const worker = await WireClient.open(target, device);
    await worker.sendConnect({ clientId: "worker" });
    const base = "$aws/things/worker";
    await worker.subscribe(`${base}/shadow/update/accepted`);
    for (let n = 0; n < 30; n++) {
      const state = JSON.stringify({ state: { reported: { n } } });
      worker.publish(`${base}/shadow/update`, state);
      worker.publish(`${base}/jobs/job-${n}/update`, '{"status":"SUCCEEDED"}');
    }
    let confirmed: Shadow = { version: 0, state: { reported: { n: -1 } } };
    const done: string[] = [];
    const take = (message: [string, string]) => {
      const job = /jobs\/(.+)\/update\/accepted$/.exec(message[0])?.[1];
      if (job !== undefined) done.push(job);
      else confirmed = JSON.parse(message[1]) as Shadow;
    };
    while (confirmed.version < 10 || done.length < 10)
      take((await worker.message(60_000))!);
    server.child.kill("SIGKILL");
    await server.ended;
    await worker.closed;
    for (const packet of worker.packets)
      if (packet.cmd === "publish")
        take([packet.topic, packet.payload.toString()]);
    const after = await restarted(cloud);
    const { jobs } = after.cloud.services;
    for (const job of done)
      assert.equal(jobs.describeExecution("worker", job).status, "SUCCEEDED");
    const back = await WireClient.connect(after, device);
    await back.subscribe(`${base}/shadow/get/accepted`);
    back.publish(`${base}/shadow/get`, "");
    const [, text] = (await back.message(60_000))!;
    // It may be ahead: of what was stored and not confirmed any more. An update that is throttled makes no version.
    const shadow = JSON.parse(text) as Shadow;
    const versions = shadow.version - confirmed.version;
    const updates = shadow.state.reported.n - confirmed.state.reported.n;
    assert.ok(versions >= 0, `${shadow.version} < ${confirmed.version}`);
    assert.ok(versions === 0 ? updates === 0 : updates >= versions, text);
    await back.disconnect();
    await after.stop();
  });
});

interface Shadow {
  version: number;
  state: { reported: { n: number } };
}

/** The cloud of this state in a process of its own, and where to reach it. */
async function apart(
  cloud: TestCloud,
): Promise<{ server: Command; target: TestCloud }> {
  const server = run("cloud", ...anyPorts, "--state", cloud.directory);
  const [, port] = await printed(server, /^port +(\d+)$/m);
  const roots = readFileSync(join(cloud.directory, "root-ca.pem"), "utf8");
  return {
    server,
    target: {
      cloud: {
        port: Number(port),
        endpoint: "localhost",
        authority: { roots },
      },
    } as unknown as TestCloud,
  };
}

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
