import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ExpectedError } from "../../simulator/commands/expected-error.js";
import { AccessPoint } from "../../simulator/device/access-point/access-point.js";
import { Field } from "../system/field.js";
import { countParts, ownOf, type Instructions } from "./callgrind.js";
import { DelayedWire } from "./delayed-wire.js";

/**
 * mA of an ESP32-C3 at 3.3 V and 25 °C: ESP32-C3 Series Datasheet v2.4, 5.6 Current Consumption. Table 5-7: `send` is TX,
 * 802.11b, 1 Mbps, 21 dBm, the peak at 100 % duty cycle; `receive` is RX, HT20. Table 5-8, modem-sleep, 160 MHz, clocks of
 * the peripherals on: `run` while the CPU runs. Table 5-9: `sleep` is deep sleep with RTC timer and RTC memory.
 */
const current = { send: 335, receive: 84, run: 28, sleep: 0.005 };
const volts = 3.3;

/** What is assumed and cannot be measured here. Times in seconds. */
const assumed = {
  /** From the end of the sleep to the firmware's first instruction: ROM, bootloader, ESP-IDF. */
  boot: 0.2,
  /** With WPA2, channel and BSSID known. */
  association: 0.4,
  roundTrip: 0.05,
  /** What a WakeCycle gives its goodbye to leave. */
  farewell: 0.05,
  /** Instructions of the core in a second: 160 MHz, two cycles each, most of them from flash. */
  instructions: 80e6,
  /** Bits of Wi-Fi in a second, of the rate at which `send` is the current. */
  bits: 1e6,
};
/**
 * Round trips one after the other that TCP does not see: the name of the endpoint, for the time server is asked beside it;
 * and DHCP's REQUEST and ACK for the address of last time. The model's Wi-Fi has no such packets: of the protocol, RFC 2131.
 */
const before = { name: 1, DHCP: 1 };

/** A wake a minute, and a connection on each tenth. */
const everyWakes = 10;
const interval = 60;
const day = 86_400;

/** What a wake costs. The radio's seconds are those of this machine. */
interface Wake {
  radio: number;
  sent: number;
  received: number;
  roundTrips: number;
  answers: number;
  loading: Instructions;
  work: Instructions;
}

/**
 * Prints what a wake costs that measures, stores and sleeps, and one that also connects and sends.
 *
 * @param device the program of a device
 */
export async function measureWake(device: string): Promise<void> {
  const field = new Field();
  try {
    await field.startCloud();
    await field.provision();
    const wire = new DelayedWire(
      field.cloud.port,
      (assumed.roundTrip * 1000) / 2,
    );
    const port = await wire.listen();
    try {
      const stores = await wake(field, device, port, 1_000_000);
      const connects = await wake(field, device, port, 1);
      print(stores, connects);
    } finally {
      wire.close();
    }
  } finally {
    await field.close();
  }
}

/** Lets a node sleep, then wake once to see what it sends, and once more to count its instructions. */
async function wake(
  field: Field,
  device: string,
  port: number,
  connectEvery: number,
): Promise<Wake> {
  const node = await field.startNode({
    endpoint: `${field.cloud.endpoint}:${port}`,
    interval: 100,
    settings: { sleep: { connectEvery, limit: 600_000 } },
  });
  await node.prints("sleep     awake", 2, 120_000);
  await node.stop();
  const accessPoint = await new AccessPoint().open();
  try {
    const flash = field.flashOf("node-1");
    const command = [
      ...[device, "--flash", flash, "--config", join(flash, "config.json")],
      ...["--lives", ...accessPoint.deviceOptions, "main"],
    ];
    const environment = {
      FIELDNODE_RESET: "sleep",
      FIELDNODE_WALL: `${Date.now()}000`,
    };
    const [radio, sent, received, roundTrips, answers] = await lifeOf(
      command,
      environment,
    );
    const [loading, ...rest] = await countParts(
      command,
      ["xs_power_get_reset_reason", "execv"],
      environment,
    );
    const work = rest.reduce(sum);
    return {
      radio: radio / 1000,
      sent,
      received,
      roundTrips,
      answers,
      loading,
      work,
    };
  } finally {
    accessPoint.close();
  }
}

/** What the device tells of the second life: the first one fills the cache of byte code. */
async function lifeOf(
  [program, ...args]: string[],
  environment: Record<string, string>,
): Promise<number[]> {
  const node = spawn(program, args, {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(node, "exit");
  const lives: string[] = [];
  for await (const line of createInterface(node.stdout)) {
    if (line.startsWith("life")) lives.push(line);
    if (lives.length === 2) break;
  }
  node.kill("SIGKILL");
  await ended;
  const figures = lives.at(1)?.split(" ").slice(2).map(Number);
  if (figures === undefined)
    throw new ExpectedError(`${program} ended without having slept.`);
  return figures;
}

const sum = (a: Instructions, b: Instructions): Instructions => {
  const functions = new Map(a.functions);
  for (const [name, count] of b.functions)
    functions.set(name, (functions.get(name) ?? 0) + count);
  return {
    total: a.total + b.total,
    functions,
    calls: [...a.calls, ...b.calls],
    end: b.end,
  };
};

const collector = /^fx(Mark|Collect|Sweep)/;
const mbedtls =
  /^(mbedtls_|mpi_|ecp_|ecdh_|ecdsa_|ssl_|x509_|pk_|rsa_|gcm_|aes_|sha\d|ctr_drbg_|entropy_)/;

/** Seconds and millijoules. */
interface Estimate {
  core: number;
  radio: number;
  air: number;
  energy: number;
}

function estimate({ work, sent, roundTrips }: Wake): Estimate {
  const core = work.total / assumed.instructions;
  const isConnected = sent > 0;
  const radio = isConnected
    ? assumed.association +
      (roundTrips + before.name + before.DHCP) * assumed.roundTrip +
      core +
      assumed.farewell
    : 0;
  const air = (sent * 8) / assumed.bits;
  const energy =
    volts *
    (current.run * (assumed.boot + core) +
      current.receive * radio +
      (current.send - current.receive) * air);
  return { core, radio, air, energy };
}

function print(stores: Wake, connects: Wake): void {
  const both = [stores, connects];
  const row = (what: string, values: (string | number)[]): void =>
    console.log(
      `${what.padEnd(44)}${values.map((value) => value.toLocaleString("en").padStart(14)).join("")}`,
    );
  const millions = (count: number): string => (count / 1e6).toFixed(1);
  const each = (value: (wake: Wake) => string | number) => both.map(value);
  console.log("\nA wake, as the device's host sees it:");
  row("", ["stores", "connects"]);
  row(
    "bytes sent by TCP",
    each((one) => one.sent),
  );
  row(
    "bytes received by TCP",
    each((one) => one.received),
  );
  row(
    "round trips by TCP (its own, TLS, MQTT)",
    each((one) => one.roundTrips),
  );
  row(
    "answers by UDP (DNS, SNTP)",
    each((one) => one.answers),
  );
  row(
    `radio, s, here, at ${assumed.roundTrip * 1000} ms a round trip`,
    each(({ radio }) => radio.toFixed(2)),
  );
  row(
    "million instructions",
    each(({ work }) => millions(work.total)),
  );
  row(
    "  of these mbedTLS",
    each(({ work }) => millions(ownOf(work, mbedtls))),
  );
  row(
    "  of these XS's garbage collector",
    each(({ work }) => millions(ownOf(work, collector))),
  );
  row(
    "beside them, to load the modules (ROM)",
    each(({ loading }) => millions(loading.total)),
  );
  const estimates = both.map(estimate);
  row(
    "core, s",
    estimates.map(({ core }) => core.toFixed(2)),
  );
  row(
    "radio, s",
    estimates.map(({ radio }) => radio.toFixed(2)),
  );
  row(
    "sending, s",
    estimates.map(({ air }) => air.toFixed(3)),
  );
  row(
    "energy, mJ",
    estimates.map(({ energy }) => energy.toFixed(0)),
  );
  const { boot, association, roundTrip, farewell, instructions } = assumed;
  console.log(
    `Energy of an ESP32-C3, estimated (data sheet v2.4, tables 5-7 to 5-9):\n` +
      `  ${volts} V x (${current.run} mA x (boot + core) + ${current.receive} mA x radio + (${current.send} - ${current.receive}) mA x sending)\n` +
      `  core = instructions / ${instructions / 1e6} million a second (160 MHz, two cycles each), sending = bytes sent at 1 Mbit/s,\n` +
      `  radio = association + (round trips by TCP + name ${before.name} + DHCP ${before.DHCP}) x ${roundTrip} s + core + farewell ${farewell} s; assumed: boot ${boot} s, association ${association} s\n` +
      `  DHCP is counted from the protocol, what is sent by TCP and UDP on the wire, SNTP goes on beside it; mbedTLS without the chip's accelerators`,
  );
  const [store, connect] = estimates.map(({ energy }) => energy);
  const wakes = day / interval;
  const awake = (store * (everyWakes - 1) + connect) * (wakes / everyWakes);
  const asleep = volts * current.sleep * day;
  console.log(
    `A day with a wake a minute, connected on every ${everyWakes}th: ${((awake + asleep) / 1000).toFixed(0)} J, of these asleep (${current.sleep * 1000} µA) ${(asleep / 1000).toFixed(1)} J`,
  );
}
