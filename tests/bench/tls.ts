import type { Kind } from "../interop/pki.js";
import {
  countInstructions,
  countStretches,
  type Instructions,
} from "./callgrind.js";
import {
  buildsToMeasure,
  handshake,
  TlsBed,
  type Build,
  type Work,
} from "./tls-bed.js";
import { measureModdableTls } from "./tls-moddable.js";

/** Bytes of XS's slots. */
const slotSize = { desktop: 32, board: 16 };
/** What mbedTLS has to get by with on a board, in bytes, at the peak of a handshake. */
const memoryTarget = 28 * 1024;
const chains: [name: string, chain: Kind, own: Kind][] = [
  ["EC chain, EC key", "P-256", "P-256"],
  ["RSA chain, EC key", "RSA-2048", "P-256"],
  ["RSA chain, RSA key", "RSA-2048", "RSA-2048"],
];
/** How much is sent in writes of one size, so that each figure stands on a thousand records at most. */
const amounts: [piece: number, bytes: number][] = [
  [16, 16_384],
  [256, 131_072],
  [4096, 1_048_576],
  [16_384, 1_048_576],
];
/**
 * A connection in steady state: the difference of so many, so that start and certificates' loading cancel out, and what
 * random numbers make of arithmetic evens out.
 */
const rounds = { few: 1, many: 6 };
/** With its first call the connections begin to close. */
const closing = "mbedtls_ssl_close_notify";

/**
 * Prints what a TLS connection of the node costs beside a client in C that does nothing else (tls-client.c), on the same
 * library, with the same offer and certificates, against the same server: Node's, on this machine.
 */
export async function measureTls(): Promise<void> {
  const builds = buildsToMeasure();
  for (const build of builds) await measureHandshakes(build);
  await measureMemory(builds);
  await measureThroughput(builds[0]);
  await measureModdableTls(builds[0], perConnection);
}

async function measureHandshakes(build: Build): Promise<void> {
  console.log(
    `\nMutual TLS 1.2 handshake on ${build.title}: instructions from TCP's connect to the handshake's end, in millions.`,
  );
  console.log(
    `Callgrind; a connection is the difference of ${rounds.many} and ${rounds.few}, divided. "Added" leaves out collection of garbage, which\n` +
      `here marks all of JavaScript's own objects (on a board they lie in ROM), and the host's counting of allocations.`,
  );
  console.log(
    `The longest turn of the event loop and its share are those of a first connection.`,
  );
  console.log(
    row("", "in C", "node", "added", "", "garbage", "longest turn", ""),
  );
  for (const [name, chain, own] of chains) {
    const bed = await TlsBed.open(chain, own, "TLSv1.2");
    const inC = await perConnection((work) => bed.client(build, work));
    const node = await perConnection((work) => bed.node(build, work));
    const garbage = sumOf(node, /^fx(Collect|Mark|Sweep)/);
    const counting = sumOf(node, /^(calloc|free|allocation_for_host)$/, inC);
    const added = node.total - inC.total - garbage - counting;
    // Before the first wait, modules are loaded, and key and certificates.
    const [, ...turns] = await countStretches(bed.node(build, handshake(1)));
    const longest = Math.max(...turns);
    await bed.close();
    console.log(
      row(
        name,
        millions(inC.total),
        millions(node.total - counting),
        millions(added),
        percent(added / inC.total),
        millions(garbage),
        millions(longest),
        percent(longest / turns.reduce((sum, turn) => sum + turn)),
      ),
    );
  }
}

/** Instructions of one connection in a series of them. */
async function perConnection(
  command: (work: Work) => string[],
): Promise<Instructions> {
  const few = await countInstructions(command(handshake(rounds.few)), closing);
  const many = await countInstructions(
    command(handshake(rounds.many)),
    closing,
  );
  const divisor = rounds.many - rounds.few;
  const functions = new Map<string, number>();
  for (const [name, cost] of many.functions)
    functions.set(name, (cost - (few.functions.get(name) ?? 0)) / divisor);
  return { total: (many.total - few.total) / divisor, functions };
}

/** What the functions of those names took; without those of a run where the same names are libc's. */
function sumOf(
  { functions }: Instructions,
  names: RegExp,
  without?: Instructions,
): number {
  let sum = 0;
  for (const [name, cost] of functions)
    if (names.test(name)) sum += cost - (without?.functions.get(name) ?? 0);
  return sum;
}

async function measureMemory(builds: Build[]): Promise<void> {
  console.log(
    `\nMemory of one connection in bytes: mbedTLS and the natives (calloc, as malloc rounds it), and JavaScript's heap after\n` +
      `a collection. "Identity" is there all the time; the rest comes on top of it. TCP's own buffers are not counted.`,
  );
  console.log(
    row("", "identity", "peak", "open", "sum at peak", "slots", "chunks", "XS"),
  );
  for (const build of builds) {
    console.log(build.title);
    for (const version of build.versions)
      for (const [name, chain, own] of chains) {
        const bed = await TlsBed.open(chain, own, version);
        const { loaded, peak, open, slots, chunks } = await bed.memory(build);
        await bed.close();
        const size = build.folder.endsWith("board")
          ? slotSize.board
          : slotSize.desktop;
        console.log(
          row(
            `  ${version.slice(3)}, ${name}`,
            ...[loaded, peak - loaded, open - loaded, peak, slots, chunks],
            slots * size + chunks,
          ),
        );
      }
  }
  console.log(
    `A board is allowed ${memoryTarget} bytes at the peak. There the receive buffer is as large as the record on its way; the peak\n` +
      `is the moment at which mbedTLS is set up, with a full buffer that is replaced at once. The first build's has one length.`,
  );
}

async function measureThroughput(build: Build): Promise<void> {
  console.log(
    `\nApplication data on ${build.title}: instructions per byte, without the handshake.`,
  );
  console.log(row("", "out, in C", "out, node", "in, in C", "in, node"));
  const bed = await TlsBed.open("RSA-2048", "P-256", "TLSv1.2");
  const commands = [
    (work: Work) => bed.client(build, work),
    (work: Work) => bed.node(build, work),
  ];
  const bases = [];
  for (const command of commands)
    bases.push((await countInstructions(command(handshake(1)))).total);
  for (const [piece, bytes] of amounts) {
    const figures = [];
    for (const direction of ["up", "down"] as const)
      for (const [i, command] of commands.entries()) {
        const work = { ...handshake(1), piece, [direction]: bytes };
        const { total } = await countInstructions(command(work));
        figures.push(((total - bases[i]) / bytes).toFixed(1));
      }
    console.log(row(`writes of ${piece} B`, ...figures));
  }
  await bed.close();
}

const millions = (count: number): string => (count / 1e6).toFixed(2);
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

function row(name: string, ...cells: (string | number)[]): string {
  return (
    name.padEnd(28) + cells.map((cell) => String(cell).padStart(13)).join("")
  );
}
