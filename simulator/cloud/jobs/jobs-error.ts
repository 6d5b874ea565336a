import type { JobExecution, StatusDetails } from "./job.js";

/** Error codes of the Jobs device API over MQTT (AWS, "Jobs device MQTT API", "Error codes"). */
export type JobsErrorCode =
  | "InvalidTopic"
  | "InvalidJson"
  | "InvalidRequest"
  | "InvalidStateTransition"
  | "ResourceNotFound"
  | "VersionMismatch"
  | "TerminalStateReached";

/** State of an execution, as answers tell it. */
export interface ExecutionState {
  readonly status: string;
  readonly statusDetails: StatusDetails;
  readonly versionNumber: number;
}

/** A device's request that the Jobs service refuses. */
export class JobsError extends Error {
  override readonly name = "JobsError";
  readonly code: JobsErrorCode;
  /** Told with InvalidStateTransition and VersionMismatch only. */
  readonly executionState: ExecutionState | undefined;

  constructor(code: JobsErrorCode, message: string, execution?: JobExecution) {
    super(message);
    this.code = code;
    this.executionState = execution && stateOf(execution);
  }
}

/** The state of an execution as devices are told it. */
export function stateOf(execution: JobExecution): ExecutionState {
  const { status, statusDetails, versionNumber } = execution;
  return { status, statusDetails: statusDetails ?? {}, versionNumber };
}
