import { ExpectedError } from "./expected-error.js";

/** One thing that a check found: what it is, and what to do when it is not right. */
export interface Finding {
  /** A warning is for somebody to decide about; an error keeps a node from connecting. */
  readonly grade: "ok" | "warning" | "error";
  readonly what: string;
  readonly todo?: string;
}

export const good = (what: string): Finding => ({ grade: "ok", what });
export const doubtful = (what: string, todo: string): Finding => ({
  grade: "warning",
  what,
  todo,
});
export const wrong = (what: string, todo: string): Finding => ({
  grade: "error",
  what,
  todo,
});

/** One line: `error    The key does not belong to …. Use the two that were made together.` */
export const formatFinding = ({ grade, what, todo }: Finding): string =>
  `${grade.padEnd(7)}  ${sentence({ what, todo })}`;

const sentence = ({ what, todo }: Pick<Finding, "what" | "todo">): string =>
  todo === undefined ? what : `${what} ${todo}`;

/** Throws the first error as an ExpectedError; the findings that are none are returned. */
export function refuseErrors(findings: readonly Finding[]): Finding[] {
  for (const finding of findings)
    if (finding.grade === "error") throw new ExpectedError(sentence(finding));
  return [...findings];
}
