import { countInstructions } from "./callgrind.js";
import {
  buildsToMeasure,
  handshake,
  TlsBed,
  type Build,
  type Work,
} from "./tls-bed.js";
import { measureHandshakes, type Chains } from "./tls-handshake.js";
import { measureModdableTls } from "./tls-moddable.js";

/** Bytes of XS's slots. */
const slotSize = { desktop: 32, board: 16 };
/** What mbedTLS has to get by with on a board, in bytes, at the peak of a handshake. */
const memoryTarget = 28 * 1024;
const chains: Chains = [
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
 * Prints what a TLS connection of the node costs beside a client in C that does nothing else (tls-client.c), on the same
 * library, with the same offer and certificates, against the same server: Node's, on this machine.
 */
export async function measureTls(): Promise<void> {
  const builds = buildsToMeasure();
  for (const build of builds) await measureHandshakes(build, chains);
  await measureMemory(builds);
  await measureThroughput(builds[0]);
  await measureModdableTls(builds[0]);
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

function row(name: string, ...cells: (string | number)[]): string {
  return (
    name.padEnd(28) + cells.map((cell) => String(cell).padStart(13)).join("")
  );
}
