import type { Kind } from "../interop/pki.js";
import {
  countParts,
  countStretches,
  ownOf,
  type Instructions,
} from "./callgrind.js";
import { handshake, TlsBed, type Build } from "./tls-bed.js";

/** Kinds of the server's chain and of the node's key, and what they are called. */
export type Chains = [name: string, chain: Kind, own: Kind][];

/** libc's function with which both sides open TCP, and the one that each calls when the handshake is over. */
const tcpConnect = "connect";
const isOver = { inC: "handshake_is_over", node: "xs_heap_take_native_peak" };
/** Of these connections, the first finds its caches empty, and around the last one the node measures its memory. */
const rounds = 7;

/** What one connection took, in the mean of some. */
interface Cost {
  total: number;
  /** Outside of mbedTLS's handshake, what it calls back included, collection of garbage not. */
  outside: number;
  /** Own instructions of mbedTLS's SSL layer, which knows nothing of arithmetic. */
  layer: number;
  garbage: number;
}

/**
 * Prints what the node adds to a handshake beside a client in C.
 *
 * The two totals cannot be compared to half a per cent: the arithmetic of keys takes more or less by random numbers. So
 * mbedTLS's handshake is taken out on both sides, with all that it calls but its callbacks (bytes in and out, the
 * judgement of a certificate); what its SSL layer does more because it is asked step by step is put back.
 */
export async function measureHandshakes(
  build: Build,
  chains: Chains,
): Promise<void> {
  console.log(
    `\nMutual TLS 1.2 handshake on ${build.title}: instructions from TCP's connect to the handshake's end, by callgrind, in the\n` +
      `mean of ${rounds - 2} connections. "Added" is what the node does outside of mbedTLS's handshake more than the client in C, its\n` +
      `callbacks and further calls of mbedTLS's SSL layer included; collection of garbage stands beside it, because here it\n` +
      `marks all of JavaScript's own objects, which on a board lie in ROM. "Before" is added before TCP's connect: the socket's\n` +
      `objects and the library's set-up. The longest turn of the event loop and its share are a first connection's.`,
  );
  console.log(
    row("", ...["in C", "added", "", "before", "garbage", "longest turn", ""]),
  );
  for (const [name, chain, own] of chains) {
    const bed = await TlsBed.open(chain, own, "TLSv1.2");
    const work = handshake(rounds);
    const inC = await costsOf(bed.client(build, work), isOver.inC);
    const node = await costsOf(bed.node(build, work), isOver.node);
    const added =
      node.handshake.outside -
      inC.handshake.outside +
      node.handshake.layer -
      inC.handshake.layer;
    const before = node.before.total - node.before.garbage - inC.before.total;
    // Before the first wait, modules are loaded, and key and certificates.
    const [, ...turns] = await countStretches(bed.node(build, handshake(1)));
    const longest = Math.max(...turns);
    await bed.close();
    console.log(
      row(
        name,
        millions(inC.handshake.total),
        thousands(added),
        percent(added / inC.handshake.total, 2),
        thousands(before),
        thousands(node.handshake.garbage),
        millions(longest),
        percent(longest / turns.reduce((sum, turn) => sum + turn), 1),
      ),
    );
  }
}

/** What a handshake takes, and what lies between the end of one and TCP's connect for the next. */
async function costsOf(
  command: string[],
  end: string,
): Promise<{ handshake: Cost; before: Cost }> {
  const parts = await countParts(command, [tcpConnect, end]);
  const between = (from: string, to: string): Instructions[] =>
    parts.filter((part, at) => part.end === to && parts[at - 1]?.end === from);
  return {
    handshake: mean(between(tcpConnect, end)),
    before: mean(between(end, tcpConnect)),
  };
}

/** The mean of all stretches but the first and the last. */
function mean(stretches: Instructions[]): Cost {
  const costs = stretches.slice(1, -1).map(costOf);
  const of = (part: keyof Cost): number =>
    costs.reduce((sum, cost) => sum + cost[part], 0) / costs.length;
  return {
    total: of("total"),
    outside: of("outside"),
    layer: of("layer"),
    garbage: of("garbage"),
  };
}

function costOf(stretch: Instructions): Cost {
  const { total, calls } = stretch;
  const between = (from: (name: string) => boolean, to: RegExp): number =>
    calls
      .filter(({ caller, callee }) => from(caller) && to.test(callee))
      .reduce((sum, { cost }) => sum + cost, 0);
  const isLibrary = (name: string): boolean => /^(mbedtls|x509)_/.test(name);
  const inside = between(
    (name) => !isLibrary(name),
    /^mbedtls_ssl_handshake(_step)?$/,
  );
  const callbacks = between(
    isLibrary,
    /^(receive|transmit|receive_bytes|send_bytes|tls_verify)$/,
  );
  const garbage = between(() => true, /^fxCollect$/);
  return {
    total,
    outside: total - inside + callbacks - garbage,
    layer: ownOf(stretch, /^(mbedtls_)?ssl_/),
    garbage,
  };
}

const millions = (count: number): string => (count / 1e6).toFixed(2) + " M";
const thousands = (count: number): string => (count / 1e3).toFixed(1) + " k";
const percent = (share: number, digits: number): string =>
  `${(share * 100).toFixed(digits)} %`;

function row(name: string, ...cells: string[]): string {
  return name.padEnd(22) + cells.map((cell) => cell.padStart(13)).join("");
}
