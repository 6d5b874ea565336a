import { readFileSync } from "node:fs";
import { connect, type TLSSocket } from "node:tls";
import mqttPacket, { type Packet } from "mqtt-packet";
import type {
  RunningSubject,
  Subject,
  SubjectStart,
} from "../../simulator/advisor/subjects/subject.js";

/** How a client behaves: right unless told otherwise. Times in seconds. */
export interface Behaviour {
  /** Waits before the attempt of that number, from 0. */
  wait: (attempt: number) => number;
  /** What becomes of a PUBLISH or SUBSCRIBE that is not acknowledged. */
  retry: "same id" | "new id" | "same id without DUP" | "never";
  /** When it subscribes. */
  subscribes: "when the session is lost" | "always" | "once";
  /** Whether its sessions are to be kept. */
  clean: boolean;
  /** Whether it looks if PINGRESP comes. */
  noticesSilence: boolean;
  /** Whether it takes any certificate. */
  trusting: boolean;
  acknowledges: boolean;
  ciphers: string;
  /** Name in its ClientHello; the endpoint's unless given. */
  serverName?: string;
  alpn?: string[];
  keepAlive: number;
}

const right: Behaviour = {
  wait: (attempt) => Math.random() * Math.min(120, 2 ** attempt),
  retry: "same id",
  subscribes: "when the session is lost",
  clean: false,
  noticesSilence: true,
  trusting: false,
  acknowledges: true,
  ciphers: "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256",
  keepAlive: 60,
};

const connackLimit = 4;
const retryAfter = 10;

/** An MQTT 3.1.1 client that is wrong in the ways it is told to be, to see whether the advisor notices. */
export class AdvisorClient implements Subject {
  readonly name = "a client of the advisor's tests";
  readonly host = "localhost";
  readonly scalable = true;
  readonly #behaviour: Behaviour;

  constructor(faults: Partial<Behaviour> = {}) {
    this.#behaviour = { ...right, ...faults };
  }

  start(start: SubjectStart): Promise<RunningSubject> {
    const run = new ClientRun(start, this.#behaviour);
    return Promise.resolve({
      ended: new Promise<string>(() => {}),
      stop: () => {
        run.stop();
        return Promise.resolve();
      },
    });
  }
}

/** A client from its start to its end, over many connections. */
class ClientRun {
  readonly #start: SubjectStart;
  readonly #is: Behaviour;
  readonly #timers = new Set<NodeJS.Timeout>();
  #socket: TLSSocket | undefined;
  #attempts = 0;
  #subscribed = false;
  #nextId = 1;
  #stopped = false;

  constructor(start: SubjectStart, behaviour: Behaviour) {
    this.#start = start;
    this.#is = behaviour;
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    this.#forgetTimers();
    this.#socket?.destroy();
  }

  #after(seconds: number, then: () => void): void {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        then();
      },
      (seconds * 1000) / this.#start.scale,
    );
    this.#timers.add(timer);
  }

  #forgetTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #connect(): void {
    const { host, port, cert, key, trust } = this.#start;
    const { ciphers, trusting, serverName = host, alpn } = this.#is;
    const socket = connect({
      host: "127.0.0.1",
      port,
      servername: serverName,
      cert: readFileSync(cert),
      key: readFileSync(key),
      ca: readFileSync(trust),
      ciphers,
      maxVersion: "TLSv1.2",
      rejectUnauthorized: !trusting,
      ...(alpn && { ALPNProtocols: alpn }),
    });
    this.#socket = socket;
    const parser = mqttPacket.parser();
    parser.on("packet", (packet: Packet) => this.#received(packet));
    socket.on("data", (bytes: Buffer) => parser.parse(bytes));
    socket.on("error", () => {});
    socket.on("secureConnect", () => {
      this.#send({
        cmd: "connect",
        clientId: this.#start.thing,
        protocolId: "MQTT",
        protocolVersion: 4,
        clean: this.#is.clean,
        keepalive: this.#is.keepAlive,
      });
      this.#after(connackLimit, () => socket.destroy());
    });
    socket.on("close", () => {
      if (this.#stopped) return;
      this.#forgetTimers();
      this.#after(this.#is.wait(this.#attempts++), () => this.#connect());
    });
  }

  #send(packet: Packet): void {
    this.#socket?.write(mqttPacket.generate(packet, { protocolVersion: 4 }));
  }

  #received(packet: Packet): void {
    if (packet.cmd === "connack") this.#connected(packet.sessionPresent);
    else if (packet.cmd === "puback" || packet.cmd === "suback")
      this.#waiting.delete(packet.messageId ?? 0);
    else if (packet.cmd === "pingresp") this.#pings = 0;
    else if (packet.cmd === "publish" && this.#is.acknowledges)
      this.#send({ cmd: "puback", messageId: packet.messageId ?? 0 });
  }

  readonly #waiting = new Set<number>();
  #pings = 0;

  #connected(sessionPresent: boolean): void {
    this.#forgetTimers();
    this.#waiting.clear();
    this.#pings = 0;
    const { subscribes, keepAlive } = this.#is;
    if (
      subscribes === "always" ||
      (subscribes === "once" ? !this.#subscribed : !sessionPresent)
    )
      this.#acknowledged(() => ({
        cmd: "subscribe",
        subscriptions: [{ topic: "trigger/1", qos: 1 }],
      }));
    this.#subscribed = true;
    this.#send(this.#message(0));
    this.#acknowledged((again) => ({
      ...this.#message(1),
      dup: again && this.#is.retry === "same id",
    }));
    if (keepAlive > 0) this.#ping();
  }

  #message(qos: 0 | 1) {
    return {
      cmd: "publish",
      topic: `sent/${qos}`,
      payload: "twenty-one degrees",
      qos,
      retain: false,
      dup: false,
    } as const;
  }

  /** Sends a packet until it is acknowledged, as it is told to. */
  #acknowledged(packet: (again: boolean) => Packet, before?: number): void {
    const { retry } = this.#is;
    const again = before !== undefined;
    const id = again && retry !== "new id" ? before : this.#nextId++;
    this.#waiting.add(id);
    this.#send({ ...packet(again), messageId: id });
    if (retry === "never") return;
    this.#after(retryAfter, () => {
      if (this.#waiting.delete(id)) this.#acknowledged(packet, id);
    });
  }

  #ping(): void {
    this.#after(this.#is.keepAlive / 2, () => {
      if (this.#is.noticesSilence && this.#pings > 0) {
        this.#socket?.destroy();
        return;
      }
      this.#pings++;
      this.#send({ cmd: "pingreq" });
      this.#ping();
    });
  }
}
