/** How a case ends, in Device Advisor's words (API reference, "TestCaseRun"). */
export type Status = "PASS" | "PASS_WITH_WARNINGS" | "FAIL" | "ERROR";

/** A case's result, and the reason in a sentence. */
export interface Verdict {
  readonly status: Status;
  readonly reason: string;
}

export const pass = (reason: string): Verdict => ({ status: "PASS", reason });

export const warn = (reason: string): Verdict => ({
  status: "PASS_WITH_WARNINGS",
  reason,
});

export const fail = (reason: string): Verdict => ({ status: "FAIL", reason });

/** Thrown by a wait that a case cannot go on without. The case fails with the message. */
export class NotSeen extends Error {
  override readonly name = "NotSeen";
}
