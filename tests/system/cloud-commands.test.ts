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
} from "./cloud-command.js";
import { temporaryFolder } from "./cloud-fixture.js";

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
      [["--security-policy", "TLS"], 2, /one of IoTSecurityPolicy_.*not "TLS"/],
      [["--refuse-certificate-at", "once"], 2, /one of connect, .*"once"/],
      [
        [
          "--refuse-certificate-at",
          "handshake",
          "--security-policy",
          "IoTSecurityPolicy_TLS13_1_3_2022_10",
        ],
        2,
        /needs TLS 1\.2/,
      ],
    ] as [string[], number, RegExp][])
      await failsWith("cloud", args, code, line);
    server.close();
  });
});

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
