import { failures, type FailureCode } from "./failures.js";

/** The step of a node's work that a failure stopped. */
export type Stage =
  | "config"
  | "flash"
  | "identity"
  | "wifi"
  | "time"
  | "dns"
  | "tcp"
  | "tls"
  | "mqtt"
  | "policy"
  | "sensor";

/**
 * Something that went wrong, in words for the person who has to put it right.
 *
 * Every failure of the firmware is one of these, and its words stand in one table (`failures.ts`). A `code` is
 * `stage.name`; `meaning` says what happened, `reason` what the usual cause is, `fix` what to do; `heals` tells whether
 * trying again later can succeed without anybody doing anything; `detail` is what only this occurrence knows (a host name,
 * a date, an mbedTLS error number). No key, secret or payload is ever part of one.
 */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly code: FailureCode;
  readonly detail: string;
  /** True once the words stand on the node's time line, so that nobody needs to print them again. */
  told = false;

  /**
   * @param code a row of the table in `failures.ts`
   * @param detail what distinguishes this occurrence; empty when nothing does
   */
  constructor(code: FailureCode, detail = "") {
    super(
      detail ? `${failures[code].meaning} (${detail})` : failures[code].meaning,
    );
    this.code = code;
    this.detail = detail;
  }

  /** The step of the node's work: the part of the code before its dot. */
  get stage(): Stage {
    return this.code.slice(0, this.code.indexOf(".")) as Stage;
  }

  /** What happened. */
  get meaning(): string {
    return failures[this.code].meaning;
  }

  /** Why it usually happens. */
  get reason(): string {
    return failures[this.code].reason;
  }

  /** What to do about it. */
  get fix(): string {
    return failures[this.code].fix;
  }

  /** True when a later attempt can succeed by itself. */
  get heals(): boolean {
    return failures[this.code].heals;
  }

  /** One line: what happened, the usual reason, what to do, and the code to search for. */
  override toString(): string {
    return `${this.message}. ${this.reason} ${this.fix} [${this.code}]`;
  }

  /** The failure that an error is: itself, or `otherwise` with the error's message as detail. */
  static from(error: unknown, otherwise: FailureCode): Failure {
    if (error instanceof Failure) return error;
    return new Failure(
      otherwise,
      error instanceof Error ? error.message : String(error),
    );
  }
}
