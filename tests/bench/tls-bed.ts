import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TlsOptions } from "node:tls";
import { promisify } from "node:util";
import { root } from "../../simulator/commands/project.js";
import x509 from "../../simulator/cloud/x509.js";
import { NodeServer } from "../interop/node-server.js";
import {
  authority,
  chainPem,
  device,
  keyObject,
  server,
  type Kind,
} from "../interop/pki.js";
import { makeFlash } from "../interop/subject.js";

/** A build of the device and of the C client on one TLS library. */
export interface Build {
  title: string;
  folder: string;
  versions: Version[];
}

type Version = "TLSv1.2" | "TLSv1.3";

/** What a connection does after its handshake; sizes in bytes. */
export interface Work {
  rounds: number;
  up: number;
  down: number;
  piece: number;
}

/** What a connection of the node held; see tests/unit/secure-socket/subject-bench.ts. */
export interface Held {
  loaded: number;
  peak: number;
  open: number;
  slots: number;
  chunks: number;
}

const builds = join(root, "build", "device");

/** Roots of the field have one, of any 20 bytes, and what they sign refers to it: Moddable's TLS finds them by it. */
const rootKeyId = "0123456789abcdef0123456789abcdef01234567";

/** The builds that are there: the system's mbedTLS, 3.6, and what a board has. */
export const buildsToMeasure = (): Build[] =>
  ["release", "mbedtls-3.6", "board"]
    .map((name) => join(builds, name))
    .filter((folder) => existsSync(join(folder, "tls-client")))
    .map((folder) => {
      const words = execFileSync(join(folder, "fieldnode"), ["--version"], {
        encoding: "utf8",
      });
      const version = /mbedTLS [\d.]+/i.exec(words)?.[0] ?? "mbedTLS";
      const kind = folder.endsWith("board")
        ? "32 bit, a board's configuration"
        : "64 bit";
      const versions: Version[] = words.includes("TLS 1.3")
        ? ["TLSv1.2", "TLSv1.3"]
        : ["TLSv1.2"];
      return { title: `${version}, ${kind}`, folder, versions };
    });

/**
 * A server with certificates of one kind, a node's identity of another, and the commands that connect them. The server
 * sends what the last command that was asked for wants, in records of its `piece`.
 */
export class TlsBed {
  readonly #peer: NodeServer;
  readonly #flash: string;
  readonly #sends: { work: Work };

  private constructor(peer: NodeServer, flash: string, sends: { work: Work }) {
    this.#peer = peer;
    this.#flash = flash;
    this.#sends = sends;
  }

  /**
   * @param chain kind of the server's root, intermediate and own key
   * @param own kind of the node's key
   * @param more options of the server
   */
  static async open(
    chain: Kind,
    own: Kind,
    version: Version,
    more: TlsOptions = {},
  ): Promise<TlsBed> {
    const trust = await authority({
      name: "root",
      kind: chain,
      more: [new x509.SubjectKeyIdentifierExtension(rootKeyId)],
    });
    const between = await authority({
      issuer: trust,
      name: "between",
      kind: chain,
      more: [new x509.AuthorityKeyIdentifierExtension(rootKeyId)],
    });
    const clients = await authority({ name: "clients", kind: own });
    const node = await device(clients, { kind: own });
    const sends = { work: handshake(1) };
    const peer = await NodeServer.start(
      await server(between, { kind: chain }),
      (socket) => {
        const { down, piece } = sends.work;
        const bytes = Buffer.alloc(piece);
        socket.on("data", () => {});
        for (let sent = 0; sent < down; sent += piece) socket.write(bytes);
      },
      {
        requestCert: true,
        ca: chainPem(clients),
        maxVersion: version,
        honorCipherOrder: false,
        ...more,
      },
    );
    const flash = await makeFlash({ trust: [trust], identity: node });
    const key = (await keyObject(node)).export({
      type: "pkcs8",
      format: "der",
    });
    for (const [name, der] of [
      ["trust", Buffer.from(trust.certificate.rawData)],
      ["cert", Buffer.from(node.certificate.rawData)],
      ["key", key],
    ] as const)
      writeFileSync(join(flash, `${name}.der`), der, { mode: 0o600 });
    return new TlsBed(peer, flash, sends);
  }

  /** The command line of the node. */
  node(build: Build, work: Work): string[] {
    this.#sends.work = work;
    const name = Object.values(work).join("-");
    mkdirSync(join(this.#flash, "configs"), { recursive: true });
    const config = join(this.#flash, "configs", `${name}.json`);
    writeFileSync(config, JSON.stringify({ port: this.#peer.port, ...work }));
    return [
      ...[join(build.folder, "fieldnode"), "--js", join(builds, "js")],
      ...["--flash", this.#flash, "--clock", "desktop", "--config", config],
      "tests/unit/secure-socket/subject-bench",
    ];
  }

  /** The command line of the client in C. */
  client(build: Build, work: Work): string[] {
    const { rounds, up, down, piece } = (this.#sends.work = work);
    return [
      ...[join(build.folder, "tls-client"), this.#flash],
      ...[this.#peer.port, rounds, up, down, piece].map(String),
    ];
  }

  /** What one connection of the node holds in memory. */
  async memory(build: Build): Promise<Held> {
    const [program, ...args] = this.node(build, handshake(1));
    const { stdout } = await promisify(execFile)(program, args, {
      env: { ...process.env, FIELDNODE_FAIL_ALLOCATION: "0" },
    });
    return JSON.parse(stdout) as Held;
  }

  /** For a program of another make: the server's port, and folder of `trust.der`, `cert.der` and `key.der` (PKCS #8). */
  get address(): { port: number; folder: string } {
    return { port: this.#peer.port, folder: this.#flash };
  }

  async close(): Promise<void> {
    await this.#peer.stop();
    rmSync(this.#flash, { recursive: true });
  }
}

/** Handshakes and nothing else. */
export const handshake = (rounds: number): Work => ({
  rounds,
  up: 0,
  down: 0,
  piece: 16,
});
