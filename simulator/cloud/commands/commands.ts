import { randomUUID } from "node:crypto";
import { arn, nameFromArn } from "../names.js";
import { ServiceError } from "../service-error.js";
import { isMap, type PayloadMap } from "../services/payload.js";
import type { Store } from "../store.js";
import {
  commandStatuses,
  isOver,
  noResponse,
  type CommandExecution,
  type CommandPayload,
  type CommandRecord,
  type CommandStatus,
  type StatusReason,
} from "./command.js";

/** What `CreateCommand` takes, in AWS's keys; templates of payloads are not here. */
export interface CreateCommandInput {
  readonly commandId: string;
  readonly displayName?: string;
  readonly description?: string;
  readonly namespace?: string;
  readonly payload: CommandPayload;
}

/** What `StartCommandExecution` takes. */
export interface StartCommandInput {
  readonly targetArn: string;
  readonly commandArn: string;
  readonly executionTimeoutSeconds?: number;
  readonly parameters?: object;
}

/** Who or what a command is for. */
export interface CommandTarget {
  readonly kind: "things" | "clients";
  readonly name: string;
}

/** What commands stand on. */
export interface CommandsParts {
  readonly store: Store;
  readonly thingExists: (thingName: string) => boolean;
  /** Sends a command to its device. */
  readonly send: (
    target: CommandTarget,
    executionId: string,
    payload: CommandPayload,
  ) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

const idPattern = /^[a-zA-Z0-9_-]{1,64}$/;
const reasonPattern = /^[A-Z0-9_-]{1,64}$/;
/** Seconds that a device has for its answer. */
const timeout = { usual: 10, most: 43_200 };
/** States that a device may report. */
const reportable = commandStatuses.filter((status) => status !== "CREATED");

/** Commands and their executions (AWS, "Remote commands"). Times that come out are seconds since 1970. */
export class Commands {
  readonly #parts: CommandsParts;
  readonly #now: () => number;
  /** Executions that time out by themselves, by id. */
  readonly #waiting = new Map<string, CommandExecution>();

  constructor(parts: CommandsParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
    for (const id of this.#keys("execution")) this.#watch(this.#execution(id));
  }

  /** ARN of a command. */
  static arn(commandId: string): string {
    return arn(`command/${commandId}`);
  }

  /** CreateCommand. @throws ServiceError ValidationException, ConflictException */
  create(input: CreateCommandInput): { commandId: string; commandArn: string } {
    const { commandId, payload, displayName, description, namespace } = input;
    if (!idPattern.test(commandId)) throw invalid("commandId is invalid");
    if (
      typeof (payload as CommandPayload | undefined)?.content !== "string" ||
      typeof payload.contentType !== "string"
    )
      throw invalid("payload must have content and contentType");
    const now = this.#now();
    return this.#parts.store.transaction(() => {
      if (this.#parts.store.commands.get(["command", commandId]))
        throw new ServiceError(
          "ConflictException",
          `Command ${commandId} already exists`,
        );
      this.#putCommand({
        commandId,
        ...(displayName !== undefined && { displayName }),
        ...(description !== undefined && { description }),
        ...(namespace !== undefined && { namespace }),
        payload,
        deprecated: false,
        createdAt: now,
        lastUpdatedAt: now,
      });
      return { commandId, commandArn: Commands.arn(commandId) };
    });
  }

  /** GetCommand. @throws ServiceError ResourceNotFoundException */
  describe(commandId: string) {
    const record = this.#find(commandId);
    return {
      ...record,
      commandArn: Commands.arn(commandId),
      createdAt: record.createdAt / 1000,
      lastUpdatedAt: record.lastUpdatedAt / 1000,
      pendingDeletion: false,
    };
  }

  /** Every command, as `describe` tells it. */
  list(): ReturnType<Commands["describe"]>[] {
    return this.#keys("command").map((key) => this.describe(key));
  }

  /** UpdateCommand. @throws ServiceError ResourceNotFoundException */
  update(
    commandId: string,
    changes: Partial<
      Pick<CommandRecord, "displayName" | "description" | "deprecated">
    >,
  ): ReturnType<Commands["describe"]> {
    this.#parts.store.transaction(() =>
      this.#putCommand({
        ...this.#find(commandId),
        ...changes,
        lastUpdatedAt: this.#now(),
      }),
    );
    return this.describe(commandId);
  }

  /** DeleteCommand; what is not there is already deleted. */
  delete(commandId: string): void {
    this.#parts.store.commands.removeSync(["command", commandId]);
  }

  /** StartCommandExecution: keeps the execution and sends the command. @throws ServiceError */
  start(input: StartCommandInput): { executionId: string } {
    const target = targetOf(input.targetArn);
    const commandId = nameFromArn("command", input.commandArn);
    if (!target || commandId === undefined)
      throw invalid("targetArn or commandArn is invalid");
    if (input.parameters !== undefined)
      throw invalid("parameters are not implemented by this local cloud");
    const command = this.#find(commandId);
    if (command.deprecated)
      throw new ServiceError(
        "ConflictException",
        `Command ${commandId} is deprecated`,
      );
    if (target.kind === "things" && !this.#parts.thingExists(target.name))
      throw notFound(`Thing ${target.name} not found`);
    const seconds = input.executionTimeoutSeconds ?? timeout.usual;
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > timeout.most)
      throw invalid(`executionTimeoutSeconds must be 1 to ${timeout.most}`);
    const executionId = randomUUID();
    const now = this.#now();
    this.#put({
      executionId,
      commandId,
      targetArn: input.targetArn,
      status: "CREATED",
      executionTimeoutSeconds: seconds,
      createdAt: now,
      lastUpdatedAt: now,
    });
    this.#parts.send(target, executionId, command.payload);
    return { executionId };
  }

  /** GetCommandExecution. @throws ServiceError ResourceNotFoundException */
  describeExecution(executionId: string, targetArn?: string) {
    const execution = this.#execution(executionId);
    if (targetArn !== undefined && targetArn !== execution.targetArn)
      throw notFound(`Execution ${executionId} is another target's`);
    const { commandId, createdAt, lastUpdatedAt, startedAt, completedAt } =
      execution;
    return {
      ...execution,
      commandArn: Commands.arn(commandId),
      createdAt: createdAt / 1000,
      lastUpdatedAt: lastUpdatedAt / 1000,
      ...(startedAt !== undefined && { startedAt: startedAt / 1000 }),
      ...(completedAt !== undefined && { completedAt: completedAt / 1000 }),
    };
  }

  /** Every execution, as `describeExecution` tells it. */
  listExecutions(): ReturnType<Commands["describeExecution"]>[] {
    return this.#keys("execution").map((key) => this.describeExecution(key));
  }

  /** DeleteCommandExecution. @throws ServiceError ConflictException while it is not over */
  deleteExecution(executionId: string): void {
    if (!isOver(this.#execution(executionId)))
      throw new ServiceError(
        "ConflictException",
        `Execution ${executionId} is not over`,
      );
    this.#parts.store.commands.removeSync(["execution", executionId]);
  }

  /** A device's answer. @throws ServiceError */
  respond(
    target: CommandTarget,
    executionId: string,
    response: PayloadMap,
  ): void {
    const status = reportable.find((known) => known === response.status);
    if (!status) throw invalid("status is none that a device reports");
    const statusReason = reasonOf(response.statusReason);
    const { result } = response;
    if (result !== undefined && !isMap(result))
      throw invalid("result must be a map");
    this.#parts.store.transaction(() => {
      const execution = this.#execution(executionId);
      const own = targetOf(execution.targetArn);
      if (own?.kind !== target.kind || own.name !== target.name)
        throw notFound(`Execution ${executionId} is another target's`);
      if (isOver(execution))
        throw new ServiceError(
          "ConflictException",
          `Execution ${executionId} is ${execution.status} already`,
        );
      this.#move(execution, status, statusReason, result);
    });
  }

  /** Times out executions that their devices did not answer. Called about once a second. */
  expire(): void {
    const now = this.#now();
    for (const execution of this.#waiting.values())
      if (now >= execution.createdAt + execution.executionTimeoutSeconds * 1000)
        this.#move(execution, "TIMED_OUT", { reasonCode: noResponse });
  }

  #watch(execution: CommandExecution): void {
    const { executionId, status } = execution;
    if (status === "CREATED" || status === "IN_PROGRESS")
      this.#waiting.set(executionId, execution);
    else this.#waiting.delete(executionId);
  }

  #move(
    execution: CommandExecution,
    status: CommandStatus,
    statusReason: StatusReason | undefined,
    result?: PayloadMap,
  ): void {
    const now = this.#now();
    const moved: CommandExecution = {
      ...execution,
      status,
      lastUpdatedAt: now,
      ...(statusReason && { statusReason }),
      ...(result && { result }),
      ...(status === "IN_PROGRESS" && { startedAt: now }),
    };
    this.#put(isOver(moved) ? { ...moved, completedAt: now } : moved);
  }

  #keys(kind: string): string[] {
    return [
      ...this.#parts.store.commands.getKeys({
        start: [kind],
        end: [kind, "\uffff"],
      }),
    ].map((key) => (key as string[])[1]);
  }

  #find(commandId: string): CommandRecord {
    const record = this.#parts.store.commands.get(["command", commandId]);
    if (!record) throw notFound(`Command ${commandId} not found`);
    return record as CommandRecord;
  }

  #execution(executionId: string): CommandExecution {
    const record = this.#parts.store.commands.get([
      "execution",
      executionId.slice(0, 64),
    ]);
    if (!record) throw notFound(`Execution ${executionId} not found`);
    return record as CommandExecution;
  }

  #putCommand(record: CommandRecord): void {
    this.#parts.store.commands.putSync(["command", record.commandId], record);
  }

  #put(execution: CommandExecution): void {
    this.#parts.store.commands.putSync(
      ["execution", execution.executionId],
      execution,
    );
    this.#watch(execution);
  }
}

function targetOf(targetArn: string): CommandTarget | undefined {
  const thing = nameFromArn("thing", targetArn);
  if (thing !== undefined) return { kind: "things", name: thing };
  const client = nameFromArn("client", targetArn);
  return client === undefined ? undefined : { kind: "clients", name: client };
}

function reasonOf(reason: PayloadMap[string]): StatusReason | undefined {
  if (reason === undefined || reason === null) return undefined;
  const { reasonCode, reasonDescription } = isMap(reason) ? reason : {};
  if (typeof reasonCode !== "string" || !reasonPattern.test(reasonCode))
    throw invalid("statusReason.reasonCode is invalid");
  if (reasonDescription === undefined) return { reasonCode };
  if (typeof reasonDescription !== "string" || reasonDescription.length > 1024)
    throw invalid("statusReason.reasonDescription is invalid");
  return { reasonCode, reasonDescription };
}

function invalid(message: string): ServiceError {
  return new ServiceError("ValidationException", message);
}

function notFound(message: string): ServiceError {
  return new ServiceError("ResourceNotFoundException", message);
}
