import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Cloud } from "../../simulator/cloud/cloud.js";
import { provisionThing } from "../../simulator/cloud/provisioning.js";
import { Certificates } from "../../simulator/cloud/registry/certificates.js";
import { freePort } from "../interop/mosquitto.js";
import { LoadClient, type LoadTarget } from "./load-client.js";

/** A broker that runs in a process of its own. */
interface Subject {
  readonly name: string;
  readonly child: ChildProcess;
  readonly target: LoadTarget;
}

/** Clients that are connected while memory is measured. */
const clientCount = 1_000;
/** Deliveries that one figure is made of, and those before it that are not measured: both brokers warm up. */
const deliveryCount = 40_000;
const warmUpCount = 10_000;
const rounds = 5;
const payloadSize = 100;
const topic = "bench/load";

/**
 * Prints what a connected TLS client costs the cloud in memory, how many QoS 1 messages a second go to one subscriber and
 * to 100, and how long one takes; beside mosquitto, with the same clients in the same run. The two take turns, and the
 * median of the rounds is printed: what else the machine does meets both.
 */
export async function measureCloud(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "fieldnode-bench-"));
  const identity = await prepare(folder);
  console.log(
    `QoS 1, ${payloadSize} bytes, TLS with client certificates, ${clientCount} clients, medians of ${rounds} rounds\n`,
  );
  const subjects: Subject[] = [];
  try {
    for (const start of [startCloud, startMosquitto])
      subjects.push(await start(folder, identity));
    const measured = await measure(subjects);
    console.log(
      row(["", "KB a client", "1 subscriber", "100 subscribers", "p50", "p99"]),
    );
    for (const [index, { name }] of subjects.entries()) {
      const { memory, one, hundred, p50, p99 } = measured[index];
      console.log(
        row([
          name,
          memory.toFixed(1),
          `${Math.round(one)}/s`,
          `${Math.round(hundred)}/s`,
          `${p50.toFixed(2)} ms`,
          `${p99.toFixed(2)} ms`,
        ]),
      );
    }
    const [cloud, mosquitto] = measured;
    const part = (name: "one" | "hundred") =>
      `${Math.round((cloud[name] / mosquitto[name]) * 100)} %`;
    console.log(row(["of mosquitto", "", part("one"), part("hundred")]));
  } finally {
    for (const { child } of subjects) {
      const ended = child.exitCode ?? child.signalCode;
      if (ended === null && child.kill("SIGTERM")) await once(child, "exit");
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What is measured of one broker: kilobytes a client, deliveries a second, milliseconds. */
type Figures = Record<"memory" | "one" | "hundred" | "p50" | "p99", number>;

async function measure(subjects: Subject[]): Promise<Figures[]> {
  const memory: number[] = [];
  for (const { child, target } of subjects)
    memory.push(await memoryOfClients(child.pid ?? 0, target));
  const samples = subjects.map(() => [] as Omit<Figures, "memory">[]);
  for (let round = 0; round < rounds; round++)
    for (const [index, { target }] of subjects.entries())
      samples[index].push({
        one: await throughput(target, 1, 100),
        hundred: await throughput(target, 100, 10),
        ...(await latency(target)),
      });
  return samples.map((taken, index) => {
    const of = (name: "one" | "hundred" | "p50" | "p99") =>
      median(taken.map((sample) => sample[name]));
    return {
      memory: memory[index],
      one: of("one"),
      hundred: of("hundred"),
      p50: of("p50"),
      p99: of("p99"),
    };
  });
}

const median = (numbers: number[]): number =>
  numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

const row = (columns: string[]): string =>
  columns.map((text, index) => text.padEnd(index === 0 ? 14 : 17)).join("");

/** What the clients and mosquitto need, made by a cloud that is stopped again. */
interface Identity {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
  readonly serverKey: string;
  readonly serverChain: string;
  readonly deviceAuthority: string;
}

async function prepare(folder: string): Promise<Identity> {
  const cloud = await new Cloud({
    stateDir: join(folder, "cloud"),
    port: 0,
  }).start();
  const { registry, authority, endpoint } = cloud;
  const thing = await provisionThing(registry, authority, "load");
  registry.policies.create(
    "everything",
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "iot:*", Resource: "*" }],
    }),
  );
  registry.attachPolicy("everything", Certificates.arn(thing.certificateId));
  const server = await authority.serverCertificate("RSA-2048", endpoint);
  const identity = {
    key: thing.privateKey,
    cert: thing.certificate,
    ca: authority.roots,
    serverKey: server.privateKey,
    serverChain: server.chain,
    deviceAuthority: authority.deviceIssuer,
  };
  await cloud.stop();
  return identity;
}

async function startCloud(
  folder: string,
  identity: Identity,
): Promise<Subject> {
  const script = fileURLToPath(new URL("./cloud-server.js", import.meta.url));
  const child = spawn(process.execPath, [script, join(folder, "cloud")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [port] = (await once(createInterface(child.stdout), "line")) as [
    string,
  ];
  return { name: "cloud", child, target: { ...identity, port: Number(port) } };
}

async function startMosquitto(
  folder: string,
  identity: Identity,
): Promise<Subject> {
  chmodSync(folder, 0o755);
  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o644 });
    return path;
  };
  const port = await freePort();
  const configuration = file(
    "mosquitto.conf",
    [
      `listener ${port} 127.0.0.1`,
      "allow_anonymous true",
      "require_certificate true",
      `cafile ${file("device-ca.pem", identity.deviceAuthority)}`,
      `certfile ${file("server.pem", identity.serverChain)}`,
      `keyfile ${file("server-key.pem", identity.serverKey)}`,
      "max_inflight_messages 100",
      "max_queued_messages 0",
      "log_type none",
    ].join("\n"),
  );
  const path = `${process.env.PATH ?? ""}:/usr/sbin:/usr/local/sbin`;
  const child = spawn("mosquitto", ["-c", configuration], {
    stdio: "ignore",
    env: { ...process.env, PATH: path },
  });
  const target = { ...identity, port };
  for (let attempt = 0; ; attempt++)
    try {
      (await LoadClient.connect(target, "first")).close();
      return { name: "mosquitto", child, target };
    } catch (error) {
      if (attempt > 100) throw error;
      await delay(50);
    }
}

/** Kilobytes of the broker's memory for each connected client. */
async function memoryOfClients(
  pid: number,
  target: LoadTarget,
): Promise<number> {
  const before = residentKilobytes(pid);
  const clients: LoadClient[] = [];
  for (let count = 0; count < clientCount; count += 10)
    clients.push(
      ...(await Promise.all(
        Array.from({ length: 10 }, (_, n) =>
          LoadClient.connect(target, `idle-${count + n}`),
        ),
      )),
    );
  await delay(1_000);
  const each = (residentKilobytes(pid) - before) / clientCount;
  for (const client of clients) client.close();
  await delay(1_000);
  return each;
}

function residentKilobytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
}

/** Deliveries a second, with `window` messages under way. */
async function throughput(
  target: LoadTarget,
  subscribers: number,
  window: number,
): Promise<number> {
  const publisher = await LoadClient.connect(target, "publisher");
  const receivers = await Promise.all(
    Array.from({ length: subscribers }, (_, n) =>
      LoadClient.connect(target, `receiver-${n}`),
    ),
  );
  const clients = [publisher, ...receivers];
  for (const receiver of receivers) await receiver.subscribe(topic);
  const lost = clients.map((client) => client.lost);
  const carry = (count: number) =>
    Promise.race([deliver(publisher, receivers, count, window), ...lost]);
  await carry(warmUpCount);
  const started = performance.now();
  await carry(deliveryCount);
  const seconds = (performance.now() - started) / 1000;
  for (const client of clients) client.close();
  return deliveryCount / seconds;
}

/** Publishes until that many deliveries have come. */
async function deliver(
  publisher: LoadClient,
  receivers: LoadClient[],
  deliveries: number,
  window: number,
): Promise<void> {
  const payload = Buffer.alloc(payloadSize, "x");
  const messages = deliveries / receivers.length;
  let sent = 0;
  let delivered = 0;
  await new Promise<void>((resolve) => {
    const more = () => {
      while (sent < messages && sent - delivered / receivers.length < window) {
        publisher.publish(topic, payload);
        sent += 1;
      }
      if (delivered === deliveries) resolve();
    };
    for (const receiver of receivers)
      receiver.onMessage = () => {
        delivered += 1;
        more();
      };
    more();
  });
}

/** Milliseconds from a publish to its delivery, one message at a time. */
async function latency(
  target: LoadTarget,
): Promise<{ p50: number; p99: number }> {
  const publisher = await LoadClient.connect(target, "publisher");
  const receiver = await LoadClient.connect(target, "receiver");
  await receiver.subscribe(topic);
  const times: number[] = [];
  for (let count = 0; count < 1_000; count++) {
    const started = performance.now();
    const arrived = new Promise<void>((resolve) => {
      receiver.onMessage = () => resolve();
      publisher.publish(topic, Buffer.alloc(payloadSize, "x"));
    });
    await Promise.race([arrived, publisher.lost, receiver.lost]);
    times.push(performance.now() - started);
  }
  publisher.close();
  receiver.close();
  times.sort((a, b) => a - b);
  return {
    p50: times[Math.floor(times.length * 0.5)],
    p99: times[Math.floor(times.length * 0.99)],
  };
}
