import { spawn, type ChildProcessByStdio } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { chainPem, keyPem, type Credential } from "./pki.js";

/** `openssl s_server` on a free port of 127.0.0.1, with the credential of a test. */
export class OpensslServer {
  readonly port: number;
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #folder: string;
  readonly #ended: Promise<unknown>;
  #log: string;

  private constructor(
    child: ChildProcessByStdio<Writable, Readable, Readable>,
    folder: string,
    port: number,
    log: string,
  ) {
    this.#process = child;
    this.#folder = folder;
    this.#ended = new Promise((resolve) => child.on("close", resolve));
    this.port = port;
    this.#log = log;
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (text: string) => (this.#log += text));
  }

  /**
   * Starts a server. With `clients`, it demands a certificate signed by that authority.
   *
   * @param more further arguments of s_server, for instance ["-tls1_2", "-rev"]
   */
  static async start(
    credential: Credential,
    { clients, more = [] }: { clients?: Credential; more?: string[] } = {},
  ): Promise<OpensslServer> {
    const folder = mkdtempSync(join(tmpdir(), "fieldnode-openssl-"));
    const file = (name: string, content: string): string => {
      const path = join(folder, name);
      writeFileSync(path, content, { mode: 0o600 });
      return path;
    };
    const demand = clients
      ? [
          "-Verify",
          "4",
          "-verify_return_error",
          "-CAfile",
          file("clients.pem", chainPem(clients)),
        ]
      : [];
    const child = spawn(
      "openssl",
      [
        ...["s_server", "-accept", "127.0.0.1:0"],
        ...["-cert", file("server.pem", chainPem(credential))],
        ...["-cert_chain", join(folder, "server.pem")],
        ...["-key", file("server.key", await keyPem(credential))],
        ...demand,
        ...more,
      ],
      { stdio: ["pipe", "pipe", "pipe"] },
    );
    child.stdout.setEncoding("utf8");
    child.stderr.setEncoding("utf8");
    const [port, log] = await new Promise<[number, string]>(
      (resolve, reject) => {
        let text = "";
        const look = (more: string): void => {
          text += more;
          const found = /ACCEPT \S*:(\d+)/.exec(text);
          if (found) resolve([Number(found[1]), text]);
        };
        child.stdout.on("data", look);
        child.stderr.on("data", look);
        child.on("close", () => reject(new Error(`s_server ended: ${text}`)));
      },
    );
    return new OpensslServer(child, folder, port, log);
  }

  /** What it has printed so far. */
  get log(): string {
    return this.#log;
  }

  /** Gives it a line of input: data for the client, or a command such as `r`, which asks it to negotiate anew. */
  type(line: string): void {
    this.#process.stdin.write(`${line}\n`);
  }

  /** Ends it, and gives what it printed. */
  async stop(): Promise<string> {
    this.#process.kill("SIGTERM");
    await this.#ended;
    rmSync(this.#folder, { recursive: true });
    return this.#log;
  }
}
