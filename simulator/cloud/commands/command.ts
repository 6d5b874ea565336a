import type { PayloadMap } from "../services/payload.js";

/** States of one execution of a command. */
export const commandStatuses = [
  "CREATED",
  "IN_PROGRESS",
  "SUCCEEDED",
  "FAILED",
  "REJECTED",
  "TIMED_OUT",
] as const;

/** State of an execution. */
export type CommandStatus = (typeof commandStatuses)[number];

/** Why an execution is as it is. */
export interface StatusReason {
  readonly reasonCode: string;
  readonly reasonDescription?: string;
}

/** What a command sends. */
export interface CommandPayload {
  /** Base64. */
  readonly content: string;
  readonly contentType: string;
}

/** A command as it is kept. Times are milliseconds since 1970. */
export interface CommandRecord {
  readonly commandId: string;
  readonly displayName?: string;
  readonly description?: string;
  readonly namespace?: string;
  readonly payload: CommandPayload;
  readonly deprecated: boolean;
  readonly createdAt: number;
  readonly lastUpdatedAt: number;
}

/** One execution as it is kept. Times are milliseconds since 1970. */
export interface CommandExecution {
  readonly executionId: string;
  readonly commandId: string;
  readonly targetArn: string;
  readonly status: CommandStatus;
  readonly statusReason?: StatusReason;
  readonly result?: PayloadMap;
  readonly executionTimeoutSeconds: number;
  readonly createdAt: number;
  readonly lastUpdatedAt: number;
  readonly startedAt?: number;
  readonly completedAt?: number;
}

/** Reason of an execution that the device did not answer in time. */
export const noResponse = "$NO_RESPONSE_FROM_DEVICE";

/**
 * Whether an execution is over. One that timed out in the cloud is not: a late answer still counts (AWS, "Command execution
 * status").
 */
export function isOver({ status, statusReason }: CommandExecution): boolean {
  if (status === "TIMED_OUT") return statusReason?.reasonCode !== noResponse;
  return status !== "CREATED" && status !== "IN_PROGRESS";
}
