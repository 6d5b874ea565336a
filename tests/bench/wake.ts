import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ExpectedError } from "../../simulator/commands/expected-error.js";
import { root } from "../../simulator/commands/project.js";
import { AccessPoint } from "../../simulator/device/access-point/access-point.js";
import { Field } from "../system/field.js";

/** ESP32-C3: mA as its data sheet gives them (5.4, RF and low-power modes), at 3.3 V; the core at 160 MHz. */
const current = { radio: 84, core: 23, sleep: 0.005 };
const volts = 3.3;
const clock = 160e6;

/** Assumed of the network: a round trip to the cloud, and an association with WPA2 without a search. */
const roundTrip = 0.05;
const association = 0.4;

/** What a wake that connects waits for, one after the other; the time server is asked beside it. */
const roundTrips = {
  DHCP: 1,
  name: 1,
  TCP: 1,
  "TLS 1.2": 2,
  MQTT: 1,
  publishes: 1,
};

/** Minutes from one wake that connects to the next. */
const every = 10;

/** Prints what a wake costs that measures, connects, sends and sleeps. */
export async function measureWake(): Promise<void> {
  const field = new Field();
  try {
    await field.startCloud();
    await field.provision();
    const bytes = await bytesOfWake(field);
    const all = await instructions(field, {});
    // It ends when everything is loaded and put together, before the radio is on.
    const faults = [{ kind: "none of these" }];
    const driver = "embedded:sensor/Humidity-Temperature/SHT3x";
    const loading = await instructions(field, {
      sensors: [{ driver, options: { faults } }],
      wifi: { SSID: "elsewhere" },
    });
    print(bytes, all - loading);
  } finally {
    await field.close();
  }
}

function print(bytes: number, count: number): void {
  const trips = Object.values(roundTrips).reduce((sum, one) => sum + one);
  const busy = count / clock;
  const radio = association + trips * roundTrip + busy;
  const awake = volts * (current.radio * radio + current.core * busy);
  const asleep = volts * current.sleep * (every * 60 - radio);
  const perDay = ((awake + asleep) * (1440 / every)) / 1000;
  const line = (what: string, value: string): void =>
    console.log(`${what.padEnd(36)}${value}`);
  console.log(
    `\nA wake that measures, connects, sends and sleeps, without loading the modules:`,
  );
  line("bytes by TCP, both ways", bytes.toLocaleString("en"));
  const names = Object.entries(roundTrips).map(([name, n]) => `${name} ${n}`);
  line("round trips, one after the other", `${trips} (${names.join(", ")})`);
  line("instructions (x86-64)", `${(count / 1e6).toFixed(1)} million`);
  console.log(
    `Energy on an ESP32-C3, estimated: ${volts} V x (${current.radio} mA x radio + ${current.core} mA x core + ${current.sleep} mA x sleep),\n` +
      `  core = instructions / 160 MHz = ${busy.toFixed(2)} s, radio = association ${association} s + ${trips} x ${roundTrip} s + core = ${radio.toFixed(2)} s`,
  );
  line("  a wake", `${awake.toFixed(0)} mJ`);
  line(`  asleep for ${every} minutes`, `${asleep.toFixed(0)} mJ`);
  line(`  a day, connecting every ${every} min`, `${perDay.toFixed(1)} J`);
}

/** As the node tells it, of the wakes after the first one. */
async function bytesOfWake(field: Field): Promise<number> {
  const node = await field.startNode({
    interval: 100,
    settings: { sleep: { connectEvery: 1 } },
  });
  await node.prints("sleep     awake", 6, 120_000);
  await node.stop();
  const all = node.lines
    .map((line) => /sleep +awake .* (\d+) bytes/.exec(line))
    .filter((match) => match !== null)
    .map(([, bytes]) => Number(bytes))
    .slice(1);
  return Math.round(all.reduce((sum, one) => sum + one) / all.length);
}

/** Of a node that ends after a sample, or when it is told that its settings are wrong. */
async function instructions(field: Field, settings: object): Promise<number> {
  const accessPoint = await new AccessPoint().open();
  const folder = mkdtempSync(join(tmpdir(), "fieldnode-bench-"));
  const node = await field.startNode({ count: 1, settings: { ...settings } });
  await node.ended;
  const flash = field.flashOf("node-1");
  const out = join(folder, "out");
  try {
    const printed = await new Promise<string>((resolve) => {
      execFile(
        "valgrind",
        [
          ...["--tool=callgrind", `--callgrind-out-file=${out}`],
          join(root, "build", "device", "release", "fieldnode"),
          ...["--flash", flash, "--config", join(flash, "config.json")],
          ...accessPoint.deviceOptions,
          "main",
        ],
        (_, stdout) => resolve(stdout),
      );
    });
    if (printed.includes("next attempt"))
      throw new ExpectedError(
        "The machine is too busy: the node had to connect more than once.",
      );
    return Number(/^totals: (\d+)/m.exec(readFileSync(out, "utf8"))?.[1]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    accessPoint.close();
  }
}
