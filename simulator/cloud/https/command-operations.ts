import { optional } from "../api/members.js";
import type { Operation } from "../api/router.js";

/** StartCommandExecution: for applications; a device's certificate needs the action on everything. */
export const startCommandExecution: Operation = (request, { services }) =>
  services.commands.start({
    targetArn: request.text("targetArn"),
    commandArn: request.text("commandArn"),
    ...optional(
      "executionTimeoutSeconds",
      request.optionalNumber("executionTimeoutSeconds"),
    ),
    ...optional("parameters", request.optionalMap("parameters")),
  });
