import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { sleep, TestCloud, WireClient, type Device } from "./cloud-fixture.js";

/** How often the cloud is killed. */
const rounds = process.env.FIELDNODE_LONG ? 200 : 5;
/** Longest that a round's load runs before the kill, in milliseconds. */
const longestLoad = 600;
/** Requests of each kind that are under way at once. */
const window = 5;
/** Milliseconds that anything may take on a busy machine. */
const patience = 60_000;

const base = "$aws/things/worker";

describe("kill -9 at any moment under load", () => {
  test(`${rounds} times: acknowledged QoS 1 messages, confirmed shadow versions and job states are there after the restart`, async () => {
    const cloud = await TestCloud.start();
    const device = await cloud.freeDevice("worker");
    cloud.cloud.services.jobs.create({
      jobId: "long",
      targets: ["arn:aws:iot:local-1:000000000000:thing/worker"],
      document: "{}",
    });
    await cloud.cloud.stop();
    const known = new Confirmed();
    for (let round = 1; ; round++) {
      const server = await Server.start(cloud.directory);
      await assertKept(server, device, known, `after ${round - 1} kills`);
      if (round > rounds) {
        await server.kill();
        break;
      }
      const [sender, shadower, worker] = await Promise.all(
        ["sender", "shadower", "worker"].map((clientId) =>
          server.connect(device, { clientId }),
        ),
      );
      await shadower.subscribe(`${base}/shadow/update/accepted`);
      // In every other round the subscriber is there when the cloud is killed.
      const subscriber =
        round % 2 === 0 ? await subscribe(server, device) : undefined;
      const loads = [
        publishMessages(sender, known),
        updateShadow(shadower, known),
        updateJob(worker, known),
        ...(subscriber ? [receive(subscriber, known)] : []),
      ];
      await sleep(Math.random() * longestLoad);
      await server.kill();
      await Promise.all(loads);
    }
    assert.ok(known.acknowledged.size > 0, "no message");
    assert.ok(known.shadow.version > 0, "no shadow version");
    assert.ok(known.job.versionNumber > 0, "no job state");
    console.log(
      `# ${known.acknowledged.size} messages, ${known.shadow.version} shadow versions, ${known.job.versionNumber} job states`,
    );
  });
});

/** What the cloud has confirmed, and what its clients have. */
class Confirmed {
  /** Messages sent so far. */
  sent = 0;
  readonly acknowledged = new Set<string>();
  readonly received = new Set<string>();
  shadow: Shadow = { version: 0, state: { reported: { n: 0 } } };
  job: JobState = { versionNumber: 0, statusDetails: { n: "0" } };
}

interface Shadow {
  version: number;
  state: { reported: { n: number } };
}

interface JobState {
  versionNumber: number;
  statusDetails: { n: string };
}

/** Publishes QoS 1 messages until the line goes dead. */
async function publishMessages(
  sender: WireClient,
  known: Confirmed,
): Promise<void> {
  const underWay = new Map<number, string>();
  const publish = () => {
    const id = (known.sent % 0xffff) + 1;
    const text = String(known.sent++);
    underWay.set(id, text);
    sender.publish("load", text, { qos: 1, messageId: id });
  };
  for (let count = 0; count < window; count++) publish();
  for (;;) {
    const answer = await sender.next("puback", patience);
    if (answer?.cmd !== "puback") return;
    known.acknowledged.add(underWay.get(answer.messageId!)!);
    publish();
  }
}

/** Reports a number that grows to a shadow until the line goes dead. */
async function updateShadow(
  client: WireClient,
  known: Confirmed,
): Promise<void> {
  let n = known.shadow.state.reported.n;
  const update = () => {
    const state = { reported: { n: ++n } };
    client.publish(`${base}/shadow/update`, JSON.stringify({ state }));
  };
  for (let count = 0; count < window; count++) update();
  for (;;) {
    const message = await client.message(patience);
    if (!message) return;
    known.shadow = JSON.parse(message[1]) as Shadow;
    update();
  }
}

/** Reports progress of a job until the line goes dead. */
async function updateJob(client: WireClient, known: Confirmed): Promise<void> {
  let n = Number(known.job.statusDetails.n);
  const update = () =>
    client.publish(
      `${base}/jobs/long/update`,
      JSON.stringify({
        status: "IN_PROGRESS",
        statusDetails: { n: String(++n) },
        includeJobExecutionState: true,
      }),
    );
  for (let count = 0; count < window; count++) update();
  for (;;) {
    const message = await client.message(patience);
    if (!message) return;
    const answer = JSON.parse(message[1]) as { executionState: JobState };
    known.job = answer.executionState;
    update();
  }
}

/** Takes messages until the line goes dead. */
async function receive(client: WireClient, known: Confirmed): Promise<void> {
  for (;;) {
    const message = await client.message(patience);
    if (!message) return;
    known.received.add(message[1]);
  }
}

/** Everything that was confirmed is in the cloud, or came to the subscriber. The cloud may have more than was confirmed. */
async function assertKept(
  server: Server,
  device: Device,
  known: Confirmed,
  when: string,
): Promise<void> {
  const subscriber = await subscribe(server, device);
  for (const text of known.acknowledged)
    while (!known.received.has(text)) {
      const message = await subscriber.message(patience);
      assert.ok(message, `message ${text} is lost ${when}`);
      known.received.add(message[1]);
    }
  await subscriber.disconnect();

  const reader = await server.connect(device, { clientId: "reader" });
  await reader.subscribe(`${base}/shadow/get/accepted`);
  if (known.shadow.version > 0) {
    reader.publish(`${base}/shadow/get`, "");
    const [, text] = (await reader.message(patience))!;
    const shadow = JSON.parse(text) as Shadow;
    assertNotBehind(
      [shadow.version, shadow.state.reported.n],
      [known.shadow.version, known.shadow.state.reported.n],
      `the shadow ${when}`,
    );
    known.shadow = shadow;
  }
  if (known.job.versionNumber > 0) {
    reader.publish(`${base}/jobs/long/get`, "");
    const [, text] = (await reader.message(patience))!;
    const { execution } = JSON.parse(text) as { execution: JobState };
    assertNotBehind(
      [execution.versionNumber, Number(execution.statusDetails.n)],
      [known.job.versionNumber, Number(known.job.statusDetails.n)],
      `the job ${when}`,
    );
    known.job = execution;
  }
  await reader.disconnect();
}

/** A version and its content are those that were confirmed, or both are later ones. */
function assertNotBehind(
  [version, content]: [number, number],
  [confirmedVersion, confirmedContent]: [number, number],
  what: string,
): void {
  assert.equal(
    content - confirmedContent,
    version - confirmedVersion,
    `${what}: version ${version} has ${content}`,
  );
  assert.ok(version >= confirmedVersion, `${what}: version ${version} is old`);
}

/** The persistent session that everything is published to. */
async function subscribe(server: Server, device: Device): Promise<WireClient> {
  const client = await server.connect(device, {
    clientId: "subscriber",
    clean: false,
  });
  await client.subscribe("load");
  return client;
}

const children = new Set<ChildProcess>();
after(() => {
  for (const child of children) child.kill("SIGKILL");
});

/** A cloud in a process of its own, to be killed. */
class Server {
  readonly #child: ChildProcess;
  readonly #target: TestCloud;

  private constructor(child: ChildProcess, target: TestCloud) {
    this.#child = child;
    this.#target = target;
  }

  static async start(stateDir: string): Promise<Server> {
    const script = fileURLToPath(
      new URL("../bench/cloud-server.js", import.meta.url),
    );
    const child = spawn(process.execPath, [script, stateDir], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.add(child);
    const [port] = (await once(createInterface(child.stdout), "line")) as [
      string,
    ];
    const roots = readFileSync(join(stateDir, "root-ca.pem"), "utf8");
    const cloud = {
      port: Number(port),
      endpoint: "localhost",
      authority: { roots },
    };
    return new Server(child, { cloud } as unknown as TestCloud);
  }

  async connect(
    device: Device,
    packet: { clientId: string; clean?: boolean },
  ): Promise<WireClient> {
    const client = await WireClient.open(this.#target, device);
    const answer = await client.sendConnect(packet);
    assert.equal(answer?.returnCode, 0);
    return client;
  }

  async kill(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
    children.delete(this.#child);
  }
}
