import type { ApiRequest } from "../api/api-request.js";
import type { Operation, Route } from "../api/router.js";
import type { ApiService } from "../api/signature.js";
import type { HttpsAction } from "../policy/authorizer.js";
import { startCommandExecution } from "./command-operations.js";
import * as jobs from "./job-operations.js";
import * as messages from "./message-operations.js";
import * as shadows from "./shadow-operations.js";

/** What the policies are asked for a request: actions, one of which must be allowed, on the part of an ARN after the account. */
export interface Permission {
  readonly actions: readonly HttpsAction[];
  readonly resource: string;
}

/** An operation of the data plane, with what a device's certificate needs for it. */
export interface DataRoute extends Route {
  readonly permissions: (request: ApiRequest) => readonly Permission[];
}

/** The data plane: what devices do over HTTPS, and applications with the SDK's clients of `iot-data` and `iot-jobs-data`. */
export const dataRoutes: readonly DataRoute[] = [
  data("Publish", "POST /topics/{topic}", messages.publish, (request) => {
    const resource = `topic/${request.label("topic")}`;
    return [
      { actions: ["iot:Publish"] as const, resource },
      ...(request.queryFlag("retain")
        ? [{ actions: ["iot:RetainPublish"] as const, resource }]
        : []),
    ];
  }),
  data(
    "GetRetainedMessage",
    "GET /retainedMessage/{topic}",
    messages.getRetainedMessage,
    (request) => [
      {
        actions: ["iot:GetRetainedMessage"],
        resource: `topic/${request.label("topic")}`,
      },
    ],
  ),
  data(
    "ListRetainedMessages",
    "GET /retainedMessage",
    messages.listRetainedMessages,
    () => [{ actions: ["iot:ListRetainedMessages"], resource: "*" }],
  ),
  data(
    "DeleteConnection",
    "DELETE /connections/{clientId}",
    messages.deleteConnection,
    (request) => [
      {
        actions: ["iot:DeleteConnection"],
        resource: `client/${request.label("clientId")}`,
      },
    ],
  ),
  shadow("GetThingShadow", "GET", shadows.getThingShadow),
  shadow("UpdateThingShadow", "POST", shadows.updateThingShadow),
  shadow("DeleteThingShadow", "DELETE", shadows.deleteThingShadow),
  data(
    "ListNamedShadowsForThing",
    "GET /api/things/shadow/ListNamedShadowsForThing/{thingName}",
    shadows.listNamedShadows,
    (request) => [
      {
        actions: ["iot:ListNamedShadowsForThing"],
        resource: `thing/${request.label("thingName")}`,
      },
    ],
  ),
  job("GetPendingJobExecutions", "GET", "", jobs.getPendingJobExecutions),
  job(
    "StartNextPendingJobExecution",
    "PUT",
    "/$next",
    jobs.startNextPendingJobExecution,
  ),
  job("DescribeJobExecution", "GET", "/{jobId}", jobs.describeJobExecution),
  job("UpdateJobExecution", "POST", "/{jobId}", jobs.updateJobExecution),
  data(
    "StartCommandExecution",
    "POST /command-executions",
    startCommandExecution,
    () => [{ actions: ["iot:StartCommandExecution"], resource: "*" }],
    "iot-jobs-data",
  ),
];

function data(
  name: string,
  methodAndPath: string,
  operation: Operation,
  permissions: DataRoute["permissions"],
  service: ApiService = "iotdata",
): DataRoute {
  const [method = "", path = ""] = methodAndPath.split(" ");
  return { service, name, method, path, operation, permissions };
}

function shadow(name: string, method: string, operation: Operation): DataRoute {
  return data(
    name,
    `${method} /things/{thingName}/shadow`,
    operation,
    (request) => {
      const { thingName, shadowName } = shadows.shadowOf(request);
      return [
        {
          actions: [`iot:${name}`],
          resource: `thing/${thingName}${shadowName === undefined ? "" : `/${shadowName}`}`,
        },
      ];
    },
  );
}

/** The actions of jobs have two prefixes: `iot`, and `iotjobsdata` in newer text of AWS. */
function job(
  name: string,
  method: string,
  path: string,
  operation: Operation,
): DataRoute {
  return data(
    name,
    `${method} /things/{thingName}/jobs${path}`,
    operation,
    (request) => [
      {
        actions: [`iot:${name}`, `iotjobsdata:${name}`],
        resource: `thing/${request.label("thingName")}`,
      },
    ],
    "iot-jobs-data",
  );
}
