import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { root } from "../../simulator/commands/project.js";

const program = (build: string) =>
  join(root, "build", "device", build, "fieldnode");

let folder = "";

before(() => (folder = mkdtempSync(join(tmpdir(), "fieldnode-device-"))));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the device program; with `files` on JavaScript of the test's own, with the simulator's modules and the firmware's beside it. */
function run(
  args: string[],
  {
    build = "release",
    files,
  }: { build?: string; files?: Record<string, string> } = {},
) {
  const options: string[] = [];
  if (files) {
    const js = mkdtempSync(join(folder, "js-"));
    mkdirSync(join(js, "simulator"));
    symlinkSync(
      join(root, "build", "device", "js", "simulator", "device"),
      join(js, "simulator", "device"),
    );
    symlinkSync(
      join(root, "build", "device", "js", "modules"),
      join(js, "modules"),
    );
    for (const [name, text] of Object.entries(files))
      writeFileSync(join(js, `${name}.js`), text);
    options.push("--js", js);
  }
  const result = spawnSync(program(build), [...options, ...args], {
    encoding: "utf8",
    cwd: root,
  });
  return {
    code: result.status,
    out: result.stdout,
    errors: result.stderr.trim(),
  };
}

const runMain = (text: string, args: string[] = []) =>
  run([...args, "main"], { files: { main: text } });

test("ends with 0 when nothing is left to do", () => {
  assert.deepEqual(
    runMain('import Timer from "timer"; Timer.set(() => trace("done\\n"), 5);'),
    { code: 0, out: "done\n", errors: "" },
  );
});

test("a node that was just switched on believes that it is 1970", () => {
  const { out } = runMain("trace(new Date().toISOString());");
  assert.match(out, /^1970-01-01T00:00:00/);
});

test("the option --clock sets the node's clock, and Time.set does not set the desktop's", () => {
  const { out } = runMain(
    'import Time from "time"; trace(Date.now(), " "); Time.set(5); trace(Date.now());',
    ["--clock", "1700000000000"],
  );
  assert.match(out, /^17000000000\d\d 50\d\d$/);
  assert.ok(Date.now() > 1_700_000_000_000);
});

test("with --time-scale an hour of timers, ticks and clock passes in a moment", () => {
  const { out } = runMain(
    `import Time from "time"; import Timer from "timer";
    const start = Time.ticks;
    Timer.delay(1800000);
    Timer.set(() => trace(Time.delta(start), " ", Date.now()), 1800000);`,
    ["--time-scale", "100000"],
  );
  const [ticks, clock] = out.split(" ").map(Number);
  assert.ok(ticks >= 3_600_000, out);
  assert.ok(clock >= 3_600_000, out);
});

test("an uncaught error ends the run with 1 and names functions, and in the debug build the lines of the .ts file", () => {
  const release = run(["tests/unit/device/programs/uncaught"]);
  assert.equal(release.code, 1);
  assert.match(release.errors, /^uncaught exception: TypeError[^]* at read /);
  const debug = run(["tests/unit/device/programs/uncaught"], {
    build: "debug",
  });
  assert.equal(debug.code, 1);
  assert.match(
    debug.errors,
    / at read \(tests\/unit\/device\/programs\/uncaught\.ts:6\)\n at \(tests\/unit\/device\/programs\/uncaught\.ts:11\)/,
  );
});

test("an unhandled rejection ends the run with 1, with the error's causes", () => {
  const { code, errors } = runMain(
    'void Promise.reject(new Error("outer", { cause: new RangeError("inner") }));',
  );
  assert.equal(code, 1);
  assert.match(
    errors,
    /^uncaught rejection: Error: outer[^]*RangeError: inner/,
  );
});

test("a rejection that is handled in the same turn is none", () => {
  assert.equal(
    runMain('const p = Promise.reject(new Error("x")); p.catch(() => {});')
      .code,
    0,
  );
});

test("nothing runs after the first uncaught error", () => {
  const { code, out } = runMain(
    'import Timer from "timer"; Timer.set(() => { throw new Error("x"); }); Timer.set(() => trace("after"), 5);',
  );
  assert.equal(code, 1);
  assert.equal(out, "");
});

test("what was written before an uncaught error still leaves", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const js = mkdtempSync(join(folder, "js-"));
  mkdirSync(join(js, "simulator"));
  symlinkSync(
    join(root, "build", "device", "js", "simulator", "device"),
    join(js, "simulator", "device"),
  );
  writeFileSync(
    join(js, "main.js"),
    `import TCP from "embedded:io/socket/tcp";
    new TCP({ address: "127.0.0.1", port: ${port}, onWritable() {
      this.write(Uint8Array.of(1, 2, 3));
      throw new Error("the end");
    } });`,
  );
  const child = spawn(program("release"), ["--js", js, "main"]);
  const [socket] = (await once(server, "connection")) as [Socket];
  const [bytes] = (await once(socket, "data")) as [Buffer];
  assert.deepEqual([...bytes], [1, 2, 3]);
  if (child.exitCode === null) await once(child, "exit");
  assert.equal(child.exitCode, 1);
  socket.destroy();
  server.close();
});

test("a Failure is one line and ends with 2", () => {
  const { code, errors } = runMain(
    'class Failure extends Error { name = "Failure"; toString() { return "The flash is empty. Fill it."; } } throw new Failure();',
  );
  assert.equal(code, 2);
  assert.equal(errors, "The flash is empty. Fill it.");
});

test("says which imported module is missing or wrong, and where", () => {
  const main = 'import { a } from "./part"; a();';
  const missing = run(["main"], { files: { main } });
  assert.equal(missing.code, 1);
  assert.match(missing.errors, /^main imports ".\/part", and there is no such/);
  const wrong = run(["main"], {
    files: { main, part: "export function a() {\n  return 1 +;\n}" },
  });
  assert.equal(wrong.code, 1);
  assert.match(wrong.errors, /^part cannot be loaded: .*part\.js:2: /);
  const unlinked = run(["main"], {
    files: {
      main,
      part: 'export function a() { return native("xs_absent").call(this); }',
    },
  });
  assert.equal(unlinked.code, 1);
  assert.match(unlinked.errors, /xs_absent/);
});

test("refuses a native constructor that would lose its class's fields on a board", () => {
  const { code, errors } = runMain(
    'class A extends Native("xs_timer_destructor") { kept = 1; constructor(o) { super(); native("xs_timer_start").call(this, o); } }',
  );
  assert.equal(code, 1);
  assert.match(errors, /main\.js:1: .*fields of the class are lost/);
});

test("says that a module waits for what cannot happen any more", () => {
  const { code, errors } = runMain("await new Promise(() => {});");
  assert.equal(code, 1);
  assert.match(errors, /main waits at its top level/);
});

test("keeps the heap's limit", () => {
  const hungry =
    "const kept = []; for (let i = 0; i < 2000; i++) kept.push(new Uint8Array(100));";
  assert.equal(runMain(hungry).code, 0);
  const { code, errors } = runMain(hungry, ["--heap", "400000"]);
  assert.equal(code, 1);
  assert.equal(
    errors.split("\n").at(-1),
    "fieldnode: the JavaScript heap is full (limit: 400000 bytes)",
  );
});

test("endless recursion is an error, not a crash", () => {
  const { code, errors } = runMain("function f() { return 1 + f(); } f();");
  assert.equal(code, 1);
  assert.match(errors, /stack is full/);
});

test("the file of --config becomes mc/config, whatever is in it", () => {
  const config = { text: 'quote " \\ newline \n é €' };
  const file = join(folder, "config.json");
  const text = JSON.stringify(config).replace("{", '{"__proto__":{"a":1},');
  writeFileSync(file, text);
  const { out } = runMain(
    'import config from "mc/config"; trace(JSON.stringify(config));',
    ["--config", file],
  );
  assert.equal(out, text);
  writeFileSync(file, '{"a": }');
  const wrong = runMain('import config from "mc/config"; trace(config);', [
    "--config",
    file,
  ]);
  assert.equal(wrong.code, 1);
  assert.ok(wrong.errors.includes(`${file} is not valid JSON`), wrong.errors);
});

test("a misspelt or incomplete option is one line and exit code 64", () => {
  for (const args of [
    ["--falsh", folder, "main"],
    ["--heap", "much", "main"],
    ["--clock", "noon", "main"],
    ["--time-scale", "0", "main"],
    ["--route", "udp:1.2.3.4=5.6.7.8:9", "main"],
    ["--wifi", "password=x", "main"],
    ["--config", join(folder, "nowhere.json"), "main"],
    ["--js", join(folder, "nowhere"), "main"],
    ["--heap"],
    [],
    ["main", "other"],
  ]) {
    const { code, errors } = run(args);
    assert.equal(code, 64, args.join(" "));
    assert.equal(errors.split("\n").length, 1, errors);
  }
});

test("SIGINT and SIGTERM end it at once, also out of an endless loop", async () => {
  const js = mkdtempSync(join(folder, "js-"));
  writeFileSync(join(js, "main.js"), 'trace("on\\n"); for (;;);');
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    const child = spawn(program("release"), ["--js", js, "main"]);
    await once(child.stdout, "data");
    child.kill(signal);
    assert.deepEqual(await once(child, "exit"), [code, null]);
  }
});

test("System.restart starts the program anew, with what is in its flash", () => {
  const flash = join(folder, "restarting");
  const { code, out } = runMain(
    `import System from "embedded:io/system"; import KeyValue from "embedded:storage/key-value";
    const starts = KeyValue.open({ path: "starts", format: "uint8" });
    const count = (starts.read("count") ?? 0) + 1;
    starts.write("count", count);
    trace(count, "\\n");
    if (count < 3) System.restart();`,
    ["--flash", flash],
  );
  assert.equal(code, 0);
  assert.equal(out, "1\n2\n3\n");
  assert.ok(readFileSync(join(flash, "starts.kv")).length > 12);
});

test("sleeps and restarts as a chip does: what is retained and the clock go on, until it is switched on anew", () => {
  const args = [
    ...["--flash", join(folder, "sleeping"), "--clock", "3600000000000"],
    ...["--time-scale", "10000", "tests/unit/device/programs/power"],
  ];
  const lives =
    "power-on - 0 1000000\nsleep timer 1 1000002\nsoftware - 2 1000002\n";
  for (const _ of ["once", "again"]) {
    const { code, out } = run(args);
    assert.equal(code, 0);
    assert.equal(out, lives);
  }
});

test("a turn of the event loop that does not end is ended by the watchdog, which is the reason for the next life", () => {
  const { code, out } = runMain(
    `import Power from "embedded:x-fieldnode/power"; import Timer from "timer";
    const { resetReason } = new Power();
    trace(resetReason, "\\n");
    if (resetReason === "power-on") Timer.set(() => { for (;;); });
    else Timer.set(() => trace("waited\\n"), 1500);`,
    ["--flash", join(folder, "hanging"), "--watchdog", "1"],
  );
  assert.equal(code, 0);
  assert.equal(out, "power-on\nwatchdog\nwaited\n");
});

test("the Wi-Fi of the model joins, refuses, fails and comes back", () => {
  const { code, out, errors } = run([
    "--wifi",
    "ssid=garden,password=gate,delay=100,outage=1500-2500",
    "tests/unit/device/programs/wifi",
  ]);
  assert.equal(code, 0, `${out}${errors}`);
  assert.equal(out.match(/^ok /gm)?.length, 8, out);
});

test("tells what each module weighs when asked to", () => {
  const { code, out } = runMain("globalThis.weight = 1;", ["--sizes"]);
  assert.equal(code, 0);
  const [, bytes, names] = /^size main (\d+) (\d+)$/m.exec(out) ?? [];
  assert.ok(Number(bytes) > 0 && Number(names) > "weight".length, out);
});

test("tells the versions it is made of, for tests and reports", () => {
  const { code, out } = run(["--version"]);
  assert.equal(code, 0);
  assert.match(
    out,
    /^fieldnode: XS \d+\.\d+\.\d+, mbedTLS \d+\.\d+\.\d+, TLS 1\.2(, TLS 1\.3)?\n$/,
  );
});
