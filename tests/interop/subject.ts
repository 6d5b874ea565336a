import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { root } from "../../simulator/commands/project.js";
import { keyObject, type Credential } from "./pki.js";

/** One line that the subject printed. */
export interface SubjectEvent {
  /** "open", "read", "failure", "wrong", "memory", "stress", "overflow" or "done". */
  event: string;
  /** Which of the connections, counted from 1. */
  round?: number;
  code?: string;
  detail?: string;
  count?: number;
  text?: string;
  at?: number;
  on?: boolean;
  slots?: number;
  chunks?: number;
  /** Bytes of memory outside of XS. */
  bytes?: number;
  peer?: {
    version: string;
    cipherSuite: string;
    alpn?: string;
    subject: string;
  };
}

/** What a run of the subject came to. */
export interface Outcome {
  events: SubjectEvent[];
  exitCode: number | null;
  stderr: string;
  /** The event of that name; undefined when it did not happen. */
  find(event: string): SubjectEvent | undefined;
}

/** What the node has in its flash. */
export interface Flash {
  trust?: Credential[] | Buffer;
  identity?: Credential;
  /** In place of the identity's own. */
  key?: Buffer;
  certificate?: Buffer;
  keyForm?: "pkcs8" | "sec1" | "pkcs1";
}

/** The program that runs modules on XS; FIELDNODE_HOST and FIELDNODE_JS choose another build. */
export const host =
  process.env.FIELDNODE_HOST ??
  join(root, "build", "device", "release", "fieldnode");
const js = (): string =>
  process.env.FIELDNODE_JS ?? join(root, "build", "device", "js");

/** The same program with what tests/unit/natives puts into it: a key in "hardware", flash whose power is cut. */
export const testHost = join(dirname(host), "fieldnode-test");

/** What the device says of itself. */
const version = execFileSync(host, ["--version"], { encoding: "utf8" });

/** Whether the device's TLS library has TLS 1.3: 2.28, of Debian 12, has not. */
export const hasTls13 = version.includes("TLS 1.3");

/** Whether its receive buffers are as long as the record on its way (modules/secure-socket/record-buffer.h). */
export const hasVariableBuffers = version.includes("variable buffers");

/** The device's mbedTLS, as in "3.6.5", and its first number. */
export const mbedtlsVersion = /mbedTLS ([\d.]+)/.exec(version)![1];
export const mbedtlsMajor = Number.parseInt(mbedtlsVersion, 10);

/** A flash folder in the layout of modules/identity/identity-flash-file.c. */
export async function makeFlash(flash: Flash): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "fieldnode-flash-"));
  mkdirSync(join(folder, "identity"), { mode: 0o700 });
  const write = (name: string, content: Uint8Array): void => {
    const header = Buffer.alloc(12);
    header.write("FNID", 0, "latin1");
    header.writeUInt32LE(content.length, 4);
    header.writeUInt32LE(crc32(content), 8);
    writeFileSync(
      join(folder, "identity", name),
      Buffer.concat([header, content]),
      { mode: 0o600 },
    );
  };
  const { trust, identity } = flash;
  if (trust)
    write(
      "trust",
      Buffer.isBuffer(trust)
        ? trust
        : Buffer.concat(
            trust.map((one) => Buffer.from(one.certificate.rawData)),
          ),
    );
  const key =
    flash.key ??
    (identity &&
      (await keyObject(identity)).export({
        type: (flash.keyForm ?? "pkcs8") as "pkcs8",
        format: "der",
      }));
  const certificate =
    flash.certificate ??
    (identity &&
      Buffer.concat(
        [identity.certificate, ...identity.chain].map((one) =>
          Buffer.from(one.rawData),
        ),
      ));
  if (key) write("key0", key);
  if (certificate) write("cert0", certificate);
  return folder;
}

/**
 * Runs a subject of tests/unit on XS until it ends.
 *
 * @param wrapper a command to run the host under, such as valgrind
 * @param watch called with each event as it happens, and the number of the process
 * @param environment more variables for the process
 * @param program the host, or `testHost`
 */
export async function runSubject(
  flash: Flash | string,
  config: Record<string, unknown>,
  module = "tests/unit/secure-socket/subject-client",
  wrapper: string[] = [],
  watch?: (event: SubjectEvent, pid: number) => void,
  environment: Record<string, string> = {},
  program = host,
): Promise<Outcome> {
  const folder = typeof flash === "string" ? flash : await makeFlash(flash);
  const settings = join(folder, "config.json");
  writeFileSync(
    settings,
    JSON.stringify({
      address: "127.0.0.1",
      serverName: "server.test",
      ...config,
    }),
  );
  const command = [
    ...wrapper,
    program,
    "--js",
    js(),
    "--flash",
    folder,
    "--clock",
    "desktop",
    "--config",
    settings,
    module,
  ];
  const child = spawn(command[0], command.slice(1), {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    for (const line of text.split("\n"))
      if (watch && line.startsWith("{"))
        watch(JSON.parse(line) as SubjectEvent, child.pid!);
  });
  child.stderr
    .setEncoding("utf8")
    .on("data", (text: string) => (stderr += text));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject).on("close", resolve);
  });
  if (typeof flash !== "string") rmSync(folder, { recursive: true });
  const events = stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as SubjectEvent);
  return {
    events,
    exitCode,
    stderr: stderr + stdout.replace(/^\{.*\n/gm, ""),
    find: (event) => events.find((one) => one.event === event),
  };
}
