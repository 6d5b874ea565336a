/**
 * Does to the identity in flash what `mc/config` lists, step by step, and prints what came of each as one JSON object a
 * line. The tests in tests/interop start it; a run of its own is a node that was switched on again.
 */
import config from "mc/config";
import Timer from "timer";
import { Identity } from "../../../modules/identity/identity.js";
import { TrustAnchors } from "../../../modules/identity/trust-anchors.js";
import { Failure } from "../../../modules/system/failure.js";

const { steps, hold } = config as unknown as {
  /** The step and, after a space, what it is given. */
  steps: string[];
  /** Stay for so many ms after each step, to be looked into. */
  hold?: number;
};

const work: Record<string, (given: string) => unknown> = {
  generate: () => Identity.generate(),
  csr: (subject) => Identity.csr(subject),
  store: (pem) => Identity.store(pem),
  storeBytes: (pem) => Identity.store(ArrayBuffer.fromString(pem)),
  activate: () => Identity.activate(),
  rollBack: () => Identity.rollBack(),
  open: () => fingerprint("active"),
  pending: () => fingerprint("pending"),
  expiry: (now) => {
    const identity = new Identity();
    const told: Failure[] = [];
    identity.expiry(Number(now), (failure) => told.push(failure));
    identity.close();
    return told.map(String).join("\n");
  },
  setTrust: (pem) => TrustAnchors.store(pem),
  addTrust: (pem) => TrustAnchors.add(pem),
  trust: () => {
    const trust = new TrustAnchors();
    const { count } = trust;
    trust.close();
    return count;
  },
};

function fingerprint(slot: "active" | "pending"): string {
  const identity = new Identity({ slot });
  const { fingerprint } = identity.certificate;
  identity.close();
  return fingerprint;
}

function one(index: number): void {
  if (index === steps.length) return;
  const step = steps[index];
  const space = step.indexOf(" ");
  const name = space < 0 ? step : step.slice(0, space);
  let outcome: object;
  try {
    outcome = { text: work[name](space < 0 ? "" : step.slice(space + 1)) };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    outcome = { code: error.code, detail: error.detail };
  }
  trace(`${JSON.stringify({ event: name, ...outcome })}\n`);
  if (hold) Timer.set(() => one(index + 1), hold);
  else one(index + 1);
}

one(0);
