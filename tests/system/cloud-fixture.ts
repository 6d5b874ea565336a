import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import tls, { type TLSSocket } from "node:tls";
import mqttPacket, {
  type IConnackPacket,
  type IConnectPacket,
  type Packet,
} from "mqtt-packet";
import { CertificateAuthority } from "../../simulator/cloud/certificates/certificate-authority.js";
import type { Choices } from "../../simulator/cloud/choices.js";
import { Cloud, type CloudOptions } from "../../simulator/cloud/cloud.js";
import type {
  CloudEvent,
  LoggedEvent,
} from "../../simulator/cloud/event-log.js";
import { nodePolicyName } from "../../simulator/cloud/node-policy.js";
import { provisionThing } from "../../simulator/cloud/provisioning.js";
import { Certificates } from "../../simulator/cloud/registry/certificates.js";
import { Store } from "../../simulator/cloud/store.js";

/** What a test's device has. */
export interface Device {
  readonly name: string;
  readonly certificateId: string;
  readonly privateKey: string;
  readonly certificate: string;
}

/** Clouds that a test which failed did not come to stop. */
const running = new Set<TestCloud>();
after(async () => {
  for (const cloud of running) await cloud.stop();
});

/** A cloud for the tests of one file, in a folder of its own that goes when it stops. */
export class TestCloud {
  readonly directory: string;
  readonly events: LoggedEvent[] = [];
  readonly #options: Partial<CloudOptions>;
  #cloud: Cloud;

  private constructor(directory: string, options: Partial<CloudOptions>) {
    this.directory = directory;
    this.#options = options;
    this.#cloud = this.#make();
  }

  static async start(options: Partial<CloudOptions> = {}): Promise<TestCloud> {
    const directory = temporaryFolder();
    copyAuthority(await authorityFolder(), directory);
    const test = new TestCloud(directory, options);
    await test.#cloud.start();
    running.add(test);
    return test;
  }

  get cloud(): Cloud {
    return this.#cloud;
  }

  /** Stops the cloud, if it runs, and starts another on the same state. */
  async restart(choices: Partial<Choices> = {}): Promise<void> {
    await this.#cloud.stop();
    this.#cloud = this.#make(choices);
    await this.#cloud.start();
  }

  async stop(): Promise<void> {
    running.delete(this);
    await this.#cloud.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** A thing with key and certificate; its policy is the nodes' or the one given. */
  async device(name: string, statements?: object[]): Promise<Device> {
    const { registry, authority } = this.#cloud;
    const thing = await provisionThing(registry, authority, name);
    if (statements) {
      const target = Certificates.arn(thing.certificateId);
      registry.detachPolicy(nodePolicyName, target);
      registry.policies.create(`policy-${name}`, policyOf(statements));
      registry.attachPolicy(`policy-${name}`, target);
    }
    return { ...thing, name };
  }

  /** A device that may do everything. */
  async freeDevice(name: string): Promise<Device> {
    return this.device(name, [allow("iot:*", "*")]);
  }

  /** Resolves with the first event that `wanted` accepts, from those so far or to come. */
  async event<T extends CloudEvent["type"]>(
    type: T,
    wanted: (event: Extract<LoggedEvent, { type: T }>) => boolean = () => true,
  ): Promise<Extract<LoggedEvent, { type: T }>> {
    for (let wait = 0; wait < 500; wait++) {
      for (const event of this.events)
        if (event.type === type) {
          const found = event as Extract<LoggedEvent, { type: T }>;
          if (wanted(found)) return found;
        }
      await sleep(10);
    }
    throw new Error(
      `No event ${type}; the last were ${JSON.stringify(this.events.slice(-5))}`,
    );
  }

  #make(choices: Partial<Choices> = {}): Cloud {
    return new Cloud({
      port: 0,
      ...this.#options,
      choices: { ...this.#options.choices, ...choices },
      stateDir: this.directory,
      onEvent: (event) => this.events.push(event),
    });
  }
}

let authority: Promise<string> | undefined;

/** A folder with an authority in it, made once for all clouds of this process: RSA keys take their time. */
function authorityFolder(): Promise<string> {
  authority ??= (async () => {
    const directory = temporaryFolder();
    const store = new Store(directory);
    await CertificateAuthority.open(store);
    await store.close();
    return directory;
  })();
  return authority;
}

function copyAuthority(from: string, to: string): void {
  copyFileSync(join(from, "data.mdb"), join(to, "data.mdb"));
}

const folders = new Set<string>();
process.on("exit", () => {
  for (const folder of folders)
    rmSync(folder, { recursive: true, force: true });
});

/** A new folder below the system's one for temporary files; it goes when the process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "fieldnode-cloud-"));
  folders.add(folder);
  return folder;
}

/** A policy document of these statements. */
export function policyOf(statements: object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

/** An Allow statement; a resource without `arn:` is in this account. */
export function allow(
  action: string | string[],
  ...resources: string[]
): object {
  return { Effect: "Allow", Action: action, Resource: resources.map(full) };
}

/** A Deny statement. */
export function deny(
  action: string | string[],
  ...resources: string[]
): object {
  return { Effect: "Deny", Action: action, Resource: resources.map(full) };
}

function full(resource: string): string {
  return resource === "*" || resource.startsWith("arn:")
    ? resource
    : `arn:aws:iot:local-1:000000000000:${resource}`;
}

/** Waits. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits for `promise`, but not longer than this. */
export async function within(
  promise: Promise<unknown>,
  ms: number,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, enough]);
  clearTimeout(timer);
}

/** How a wire client connects. */
export interface WireOptions {
  readonly port?: number;
  readonly servername?: string | null;
  readonly alpn?: string[];
  readonly tls?: tls.ConnectionOptions;
}

/** An MQTT client that hides nothing: packets as they are, and the moment when the line goes dead. */
export class WireClient {
  readonly socket: TLSSocket;
  readonly packets: Packet[] = [];
  /** Resolves when the connection is over. */
  readonly closed: Promise<void>;
  #version: 4 | 5 = 4;
  #isClosed = false;
  #answers = true;
  readonly #waiting: (() => void)[] = [];

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    const parser = mqttPacket.parser({ protocolVersion: 4 });
    this.closed = new Promise((resolve) =>
      socket.on("close", () => {
        this.#isClosed = true;
        this.#wake();
        resolve();
      }),
    );
    socket.on("error", () => socket.destroy());
    socket.on("end", () => socket.end());
    parser.on("packet", (packet: Packet) => {
      this.packets.push(packet);
      if (packet.cmd === "publish" && packet.qos === 1 && this.#answers)
        this.send({
          cmd: "puback",
          messageId: packet.messageId!,
          reasonCode: 0,
        });
      this.#wake();
    });
    socket.on("data", (bytes: Buffer) => {
      (parser as unknown as { settings: object }).settings = {
        protocolVersion: this.#version,
      };
      parser.parse(bytes);
    });
  }

  /** Does the TLS handshake. */
  static async open(
    test: TestCloud,
    device: Device | undefined,
    options: WireOptions = {},
  ): Promise<WireClient> {
    const { cloud } = test;
    const socket = tls.connect({
      host: "127.0.0.1",
      port: options.port ?? cloud.port,
      ca: cloud.authority.roots,
      ...(options.servername !== null && {
        servername: options.servername ?? cloud.endpoint,
      }),
      checkServerIdentity: () => undefined,
      ...(device && { key: device.privateKey, cert: device.certificate }),
      ...(options.alpn && { ALPNProtocols: options.alpn }),
      ...options.tls,
    });
    const client = new WireClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("secureConnect", resolve);
      socket.once("error", reject);
    });
    return client;
  }

  /** Opens, sends a CONNECT and returns after the CONNACK (or the close). */
  static async connect(
    test: TestCloud,
    device: Device,
    packet: Partial<IConnectPacket> = {},
  ): Promise<WireClient> {
    const client = await WireClient.open(test, device);
    await client.sendConnect({ clientId: device.name, ...packet });
    return client;
  }

  /** Sends a CONNECT. @returns the CONNACK, or undefined when the line went dead instead */
  async sendConnect(
    packet: Partial<IConnectPacket>,
  ): Promise<IConnackPacket | undefined> {
    this.#version = packet.protocolVersion === 5 ? 5 : 4;
    this.send({
      cmd: "connect",
      protocolId: "MQTT",
      protocolVersion: this.#version,
      clean: true,
      keepalive: 60,
      clientId: "",
      ...packet,
    });
    return (await this.next("connack")) as IConnackPacket | undefined;
  }

  /** Leaves QoS 1 messages unacknowledged from now on. */
  stopAnswering(): void {
    this.#answers = false;
  }

  send(packet: Packet): void {
    if (this.#isClosed) return;
    this.socket.write(
      mqttPacket.generate(packet, { protocolVersion: this.#version }),
    );
  }

  /** Publishes; with QoS 1 under identifier 1 unless told otherwise. */
  publish(
    topic: string,
    payload: string | Buffer,
    more: Record<string, unknown> = {},
  ): void {
    this.send({
      cmd: "publish",
      topic,
      payload,
      qos: 0,
      dup: false,
      retain: false,
      messageId: 1,
      ...more,
    });
  }

  /** Subscribes to one filter with QoS 1, or as told. @returns the codes of the SUBACK, or undefined after a close */
  async subscribe(
    filters: string | { topic: string; qos: 0 | 1 | 2; rh?: number }[],
    messageId = 7,
  ): Promise<number[] | undefined> {
    const subscriptions =
      typeof filters === "string"
        ? [{ topic: filters, qos: 1 as const }]
        : filters;
    this.send({ cmd: "subscribe", messageId, subscriptions });
    const answer = await this.next("suback");
    return answer?.cmd === "suback" ? (answer.granted as number[]) : undefined;
  }

  /** The next packet of this kind that was not taken yet; undefined when the connection ends, or (after `wait` ms) stays silent. */
  async next(cmd: Packet["cmd"], wait = 4_000): Promise<Packet | undefined> {
    const end = Date.now() + wait;
    for (;;) {
      const index = this.packets.findIndex((packet) => packet.cmd === cmd);
      if (index >= 0) return this.packets.splice(index, 1)[0];
      const left = end - Date.now();
      if (this.#isClosed || left <= 0) return undefined;
      await within(
        new Promise<void>((resolve) => this.#waiting.push(resolve)),
        left,
      );
    }
  }

  /** Topic and text of the next message. */
  async message(wait?: number): Promise<[string, string] | undefined> {
    const packet = await this.next("publish", wait);
    return packet?.cmd === "publish"
      ? [packet.topic, packet.payload.toString()]
      : undefined;
  }

  /** A round trip: everything sent before it has been handled, and everything that the cloud sent for it is here. */
  async ping(): Promise<boolean> {
    this.send({ cmd: "pingreq" });
    return (await this.next("pingresp")) !== undefined;
  }

  /** True when the line went dead without a DISCONNECT. */
  async hungUp(): Promise<boolean> {
    await within(this.closed, 4_000);
    return (
      this.#isClosed && !this.packets.some(({ cmd }) => cmd === "disconnect")
    );
  }

  /** Reason code of the server's DISCONNECT. */
  async disconnectCode(): Promise<number | undefined> {
    const packet = await this.next("disconnect");
    await within(this.closed, 4_000);
    return packet?.cmd === "disconnect" && this.#isClosed
      ? packet.reasonCode
      : undefined;
  }

  /** Ends with a DISCONNECT. */
  async disconnect(): Promise<void> {
    this.send({ cmd: "disconnect" });
    await this.closed;
  }

  /** Ends without a word. */
  async drop(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
