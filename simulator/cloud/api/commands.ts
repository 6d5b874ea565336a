import type { CommandPayload } from "../commands/command.js";
import { Commands } from "../commands/commands.js";
import { ServiceError } from "../service-error.js";
import { isMap, type PayloadMap } from "../services/payload.js";
import type { ApiRequest } from "./api-request.js";
import { oneOf, optional } from "./members.js";
import { newestFirst, oldestFirst, page } from "./page.js";
import { RawAnswer } from "./raw-answer.js";
import type { Operation } from "./router.js";
import { putTags } from "./tags.js";

/** CreateCommand. Templates of payloads, and what fills them, are not here. */
export const createCommand: Operation = (request, services) => {
  for (const member of ["payloadTemplate", "preprocessor"])
    refuseMember(request, member);
  if (request.structures("mandatoryParameters").length > 0)
    refuseMember(request, "mandatoryParameters");
  const made = services.services.commands.create({
    commandId: request.label("commandId"),
    payload: request.structure("payload").members as unknown as CommandPayload,
    ...namesOf(request),
    ...optional("namespace", request.optionalText("namespace")),
  });
  putTags(request, services, made.commandArn);
  return made;
};

/** GetCommand. */
export const getCommand: Operation = (request, { services }) =>
  services.commands.describe(request.label("commandId"));

/** ListCommands, the newest first. */
export const listCommands: Operation = (request, { services }) => {
  const namespace = request.query("namespace");
  return page(
    request,
    "nextToken",
    "commands",
    services.commands
      .list()
      .filter(
        (item) => namespace === undefined || item.namespace === namespace,
      ),
    byTime(
      request.query("sortOrder"),
      ({ createdAt }: ReturnType<Commands["describe"]>) => createdAt,
      ({ commandId }) => commandId,
    ),
    ({ payload: _payload, description: _text, namespace: _space, ...shown }) =>
      shown,
  );
};

/** UpdateCommand. */
export const updateCommand: Operation = (request, { services }) => {
  const { commandId, displayName, description, deprecated, lastUpdatedAt } =
    services.commands.update(request.label("commandId"), {
      ...namesOf(request),
      ...optional("deprecated", request.optionalFlag("deprecated")),
    });
  return { commandId, displayName, description, deprecated, lastUpdatedAt };
};

/** DeleteCommand: 204, as the command is gone at once. */
export const deleteCommand: Operation = (request, { services }) => {
  services.commands.delete(request.label("commandId"));
  return new RawAnswer(Buffer.alloc(0), "application/json", 204);
};

/** GetCommandExecution; with the device's result when asked to. */
export const getCommandExecution: Operation = (request, { services }) => {
  const {
    commandId: _command,
    result,
    ...shown
  } = services.commands.describeExecution(
    request.label("executionId"),
    request.query("targetArn"),
  );
  return {
    ...shown,
    ...(result &&
      request.queryFlag("includeResult") && { result: shownResult(result) }),
  };
};

/** ListCommandExecutions of a target or of a command, the newest first. @throws ServiceError ValidationException */
export const listCommandExecutions: Operation = (request, { services }) => {
  const targetArn = request.optionalText("targetArn");
  const commandArn = request.optionalText("commandArn");
  const status = request.optionalText("status");
  if (targetArn === undefined && commandArn === undefined)
    throw new ServiceError(
      "ValidationException",
      "Either targetArn or commandArn must be given",
    );
  const started = periodOf(request, "startedTimeFilter");
  const completed = periodOf(request, "completedTimeFilter");
  return page(
    request,
    "nextToken",
    "commandExecutions",
    services.commands
      .listExecutions()
      .filter(
        (item) =>
          (targetArn ?? item.targetArn) === item.targetArn &&
          (commandArn ?? item.commandArn) === item.commandArn &&
          (status ?? item.status) === item.status &&
          started(item.startedAt) &&
          completed(item.completedAt),
      ),
    byTime(
      request.optionalText("sortOrder"),
      ({ createdAt }: ReturnType<Commands["describeExecution"]>) => createdAt,
      ({ executionId }) => executionId,
    ),
    (item) => ({
      commandArn: item.commandArn,
      executionId: item.executionId,
      targetArn: item.targetArn,
      status: item.status,
      createdAt: item.createdAt,
      ...optional("startedAt", item.startedAt),
      ...optional("completedAt", item.completedAt),
    }),
  );
};

/** DeleteCommandExecution. */
export const deleteCommandExecution: Operation = (request, { services }) => {
  const executionId = request.label("executionId");
  services.commands.describeExecution(executionId, request.query("targetArn"));
  services.commands.deleteExecution(executionId);
  return {};
};

function refuseMember(request: ApiRequest, member: string): void {
  if (request.members[member] !== undefined)
    throw new ServiceError(
      "ValidationException",
      `${member} is not implemented by this local cloud: give the payload as it is`,
    );
}

function namesOf(request: ApiRequest) {
  return {
    ...optional("displayName", request.optionalText("displayName")),
    ...optional("description", request.optionalText("description")),
  };
}

/** Key of an item in the order that a request wants. */
function byTime<T>(
  sortOrder: string | undefined,
  timeOf: (item: T) => number,
  idOf: (item: T) => string,
): (item: T) => string {
  const order = oneOf("sortOrder", sortOrder, ["ASCENDING", "DESCENDING"]);
  const key = order === "ASCENDING" ? oldestFirst : newestFirst;
  return (item) => key(timeOf(item), idOf(item));
}

/** Whether a moment, seconds since 1970, is in the period that a request names; without one every moment is. */
function periodOf(
  request: ApiRequest,
  name: string,
): (moment: number | undefined) => boolean {
  const period = request.structure(name);
  const after = momentOf(period, "after") ?? -Infinity;
  const before = momentOf(period, "before") ?? Infinity;
  if (after === -Infinity && before === Infinity) return () => true;
  return (moment) => moment !== undefined && moment > after && moment < before;
}

function momentOf(period: ApiRequest, name: string): number | undefined {
  const text = period.optionalText(name);
  if (text === undefined) return undefined;
  // AWS writes these moments without a zone and means UTC.
  const moment = Date.parse(
    /T.*(Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`,
  );
  if (Number.isNaN(moment))
    throw new ServiceError(
      "ValidationException",
      `${name} "${text.slice(0, 40)}" is no moment like 2026-01-31T08:15`,
    );
  return moment / 1000;
}

/** A device's result as the API has it: kinds in capitals (`S`, `B`, `BIN`), bytes in Base64 where they came as CBOR's. */
function shownResult(result: PayloadMap): PayloadMap {
  return Object.fromEntries(
    Object.entries(result).map(([key, value]) => [
      key,
      isMap(value)
        ? Object.fromEntries(
            Object.entries(value).map(([kind, inner]) => [
              kind.toUpperCase(),
              inner instanceof Uint8Array
                ? Buffer.from(inner).toString("base64")
                : inner,
            ]),
          )
        : value,
    ]),
  );
}
