import type { Operation } from "../api/router.js";
import type { PayloadMap } from "../services/payload.js";
import { inHttps } from "./data-error.js";

/** GetPendingJobExecutions. */
export const getPendingJobExecutions: Operation = (request, { services }) =>
  inHttps(() => services.jobs.device.pending(request.label("thingName")));

/** StartNextPendingJobExecution. */
export const startNextPendingJobExecution: Operation = (
  request,
  { services },
) =>
  inHttps(() =>
    services.jobs.device.startNext(
      request.label("thingName"),
      request.members as PayloadMap,
    ),
  );

/** DescribeJobExecution; the job's document is text, unlike over MQTT. */
export const describeJobExecution: Operation = (request, { services }) =>
  inHttps(() => {
    const withDocument = request.query("includeJobDocument");
    return services.jobs.device.describeExecution(
      request.label("thingName"),
      request.label("jobId"),
      {
        executionNumber: request.queryNumber("executionNumber"),
        includeJobDocument: withDocument !== "false",
      },
    );
  });

/** UpdateJobExecution. */
export const updateJobExecution: Operation = (request, { services }) =>
  inHttps(() =>
    services.jobs.device.update(
      request.label("thingName"),
      request.label("jobId"),
      request.members as PayloadMap,
    ),
  );
