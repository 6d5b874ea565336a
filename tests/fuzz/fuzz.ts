import { execFile, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "../../simulator/commands/project.js";
import { NodeServer } from "../interop/node-server.js";
import {
  authority,
  chainPem,
  device,
  issue,
  keyObject,
  server,
  type Credential,
} from "../interop/pki.js";
import { makeFlash } from "../interop/subject.js";

/** What can be fuzzed: tests/fuzz/NAME.c. */
export const targets = ["tls", "identity", "flash"] as const;
export type Target = (typeof targets)[number];

const folder = join(root, "build", "fuzz");
/** The key, certificate and roots that a target works with: those of its last run, so that a finding can be looked at. */
const nodeOf = (target: Target): string => join(folder, "node", target);
const environmentOf = (target: Target) => ({
  ...process.env,
  FIELDNODE_FUZZ: nodeOf(target),
});
const program = (target: Target): string => join(folder, target);

/** Whether the targets have been built: that takes clang. */
export const canFuzz = (): boolean => existsSync(program("tls"));

/** Where a target's inputs are collected, from run to run, and where its findings are put. */
const corpusOf = (target: Target): string => join(folder, "corpus", target);
const findingsOf = (target: Target): string =>
  join(folder, "findings", target, "/");

/**
 * Makes the first inputs of a target, for its corpus: what this folder holds, and what only real keys and real servers
 * can give. Returns their names.
 */
export async function makeSeeds(target: Target): Promise<string[]> {
  const corpus = corpusOf(target);
  mkdirSync(corpus, { recursive: true });
  mkdirSync(findingsOf(target), { recursive: true });
  cpSync(join(root, "tests", "fuzz", "seeds", target), corpus, {
    recursive: true,
  });
  const seeds = {
    tls: recordAnswers,
    identity: collectIdentities,
    flash: collectFiles,
  };
  return seeds[target](corpus);
}

/** What a target makes of one input of its corpus, in its own words. */
export async function replay(target: Target, name: string): Promise<string> {
  const { stderr } = await promisify(execFile)(
    program(target),
    [join(corpusOf(target), name)],
    { env: { ...environmentOf(target), FIELDNODE_FUZZ_TELL: "1" } },
  );
  return stderr;
}

/** Runs a target for some seconds; the command that runs it on a finding is in the words. */
export async function fuzz(
  target: Target,
  seconds: number,
  print: (text: string) => void,
): Promise<boolean> {
  const child = spawn(
    program(target),
    [
      ...[corpusOf(target), `-max_total_time=${seconds}`, "-max_len=16384"],
      ...[`-artifact_prefix=${findingsOf(target)}`, "-timeout=20"],
      ...["-rss_limit_mb=1024", "-print_final_stats=1"],
    ],
    { env: environmentOf(target), stdio: ["ignore", "pipe", "pipe"] },
  );
  child.stdout.setEncoding("utf8").on("data", print);
  child.stderr.setEncoding("utf8").on("data", print);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject).on("close", resolve);
  });
  if (code !== 0)
    print(
      `Again: FIELDNODE_FUZZ=${nodeOf(target)} ${program(target)} FILE, with a file of ${findingsOf(target)}\n`,
    );
  return code === 0;
}

interface Parties {
  roots: Credential[];
  clients: Credential;
}

/** A server's certificates of either kind, and the node that trusts them. */
async function makeParties(target: Target): Promise<Parties> {
  const node = nodeOf(target);
  const roots = [
    await authority({ name: "EC root" }),
    await authority({ name: "RSA root", kind: "RSA-2048" }),
  ];
  const clients = await authority({ name: "clients" });
  const made = await makeFlash({
    trust: roots,
    identity: await device(clients),
  });
  rmSync(node, { recursive: true, force: true });
  cpSync(made, node, { recursive: true });
  rmSync(made, { recursive: true });
  return { roots, clients };
}

/** Lets the target talk to real servers: both versions, both kinds of chains, a certificate asked for or not. */
async function recordAnswers(corpus: string): Promise<string[]> {
  const { roots, clients } = await makeParties("tls");
  const names: string[] = [];
  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const)
    for (const trust of roots)
      for (const requestCert of [true, false]) {
        const between = await authority({ ...trust, issuer: trust });
        const peer = await NodeServer.start(
          await server(between, { kind: trust.kind }),
          (socket) => {
            socket.write("first");
            socket.end(Buffer.alloc(2000, "second"));
          },
          {
            maxVersion,
            requestCert,
            ca: chainPem(clients),
            honorCipherOrder: false,
          },
        );
        const name = `${maxVersion}-${trust.kind}-${requestCert ? "mutual" : "server"}`;
        await promisify(execFile)(program("tls"), [], {
          env: {
            ...environmentOf("tls"),
            FIELDNODE_FUZZ_RECORD: `${peer.port}:${join(corpus, name)}`,
          },
        });
        await peer.stop();
        names.push(name, `${name}-open`);
      }
  return names;
}

/** Keys, certificates and roots in every form that a node reads; the first byte says what they are (identity.c). */
async function collectIdentities(corpus: string): Promise<string[]> {
  const { roots, clients } = await makeParties("identity");
  const names: string[] = [];
  const seed = (name: string, subject: number, content: string | Buffer) => {
    names.push(name);
    writeFileSync(
      join(corpus, name),
      Buffer.concat([Buffer.of(subject), Buffer.from(content)]),
    );
  };
  for (const kind of ["P-256", "P-384", "RSA-2048"] as const) {
    const one = await issue({ kind, issuer: clients });
    const key = await keyObject(one);
    for (const type of ["pkcs8", kind === "RSA-2048" ? "pkcs1" : "sec1"]) {
      const form = { type: type as "pkcs8" };
      seed(`${kind}-${type}`, 0, key.export({ ...form, format: "der" }));
      seed(`${kind}-${type}-pem`, 0, key.export({ ...form, format: "pem" }));
    }
    seed(`${kind}-cert`, 1, Buffer.from(one.certificate.rawData));
    seed(`${kind}-cert-pem`, 1, chainPem(one));
    seed(`${kind}-stored`, 5, chainPem(one));
  }
  const trust = roots.map((each) => Buffer.from(each.certificate.rawData));
  seed("roots", 2, Buffer.concat(trust));
  seed("roots-pem", 2, roots.map(chainPem).join("\n"));
  seed("roots-stored", 4, roots.map(chainPem).join("\n"));
  seed("active", 3, Buffer.of(1));
  seed("subject", 6, "CN=greenhouse-1,O=Example\0");
  return names;
}

/** The files of a node's identity; the first byte says which of its entries they are (flash.c). */
async function collectFiles(corpus: string): Promise<string[]> {
  await makeParties("flash");
  const entries = { key0: 1, cert0: 2, trust: 5 };
  for (const [name, entry] of Object.entries(entries))
    writeFileSync(
      join(corpus, name),
      Buffer.concat([
        Buffer.of(entry),
        readFileSync(join(nodeOf("flash"), "identity", name)),
      ]),
    );
  return Object.keys(entries);
}
