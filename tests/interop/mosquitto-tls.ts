import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, Mosquitto } from "./mosquitto.js";
import { chainPem, keyPem, type Credential } from "./pki.js";

/** MQTT 3.1.1's CONNECT of a client "tls"; a broker answers four bytes, or nothing at all. */
export const connectPacket = [
  ...Buffer.from("\x10\x0f\0\x04MQTT\x04\x02\0\x3c\0\x03tls"),
];

/** A stock mosquitto that demands certificates, with a listener for each of several certificates of its own. */
export class TlsMosquitto {
  /** Of its listeners, in the order of their certificates. */
  readonly ports: number[];
  /** The broker itself, by its listener without TLS. */
  readonly plain: Mosquitto;
  readonly #folder: string;

  private constructor(plain: Mosquitto, ports: number[], folder: string) {
    this.plain = plain;
    this.ports = ports;
    this.#folder = folder;
  }

  /**
   * @param servers a listener's certificate and key each
   * @param clients who signs the certificates that are demanded
   * @param lines further lines of each listener
   */
  static async start(
    servers: Credential[],
    clients: Credential,
    lines: string[] = [],
  ): Promise<TlsMosquitto> {
    const folder = mkdtempSync(join(tmpdir(), "fieldnode-mosquitto-tls-"));
    // Started by root, mosquitto becomes a user of its own.
    chmodSync(folder, 0o755);
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text, { mode: 0o644 });
      return join(folder, name);
    };
    const ports: number[] = [];
    const listeners: string[] = [];
    for (const [index, own] of servers.entries()) {
      ports.push(await freePort());
      listeners.push(
        `listener ${ports[index]} 127.0.0.1`,
        `cafile ${file("clients.pem", chainPem(clients))}`,
        `certfile ${file(`${index}.pem`, chainPem(own))}`,
        `keyfile ${file(`${index}.key`, await keyPem(own))}`,
        "require_certificate true",
        ...lines,
      );
    }
    return new TlsMosquitto(await Mosquitto.start(listeners), ports, folder);
  }

  /** What it has logged. */
  get log(): string {
    return this.plain.log;
  }

  async stop(): Promise<void> {
    await this.plain.stop();
    rmSync(this.#folder, { recursive: true });
  }
}
