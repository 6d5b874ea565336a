import type { Choices } from "../choices.js";
import type { EventLog } from "../event-log.js";
import type {
  ReservedService,
  ServiceRequest,
} from "../mqtt/reserved-topics.js";
import {
  isMap,
  PayloadError,
  readMap,
  type PayloadMap,
} from "../services/payload.js";
import { serviceMessage } from "../services/service-publisher.js";
import type { DeviceJobs } from "./device-jobs.js";
import { seconds } from "./job.js";
import { withParsedDocument } from "./job-notifications.js";
import { JobsError } from "./jobs-error.js";

const jobIdPattern = /^[a-zA-Z0-9_-]{1,64}$/;
/** Longest `clientToken`, in characters. */
const tokenLimit = 64;

/**
 * What devices ask the Jobs service over MQTT. Answers go straight to the client that asked, subscribed or not, and to
 * nobody else (AWS, "Jobs device MQTT API operations").
 */
export class JobsTopics implements ReservedService {
  readonly name = "jobs";
  readonly visible = false;
  readonly filters = ["$aws/things/+/jobs/#"];
  readonly #jobs: DeviceJobs;
  readonly #choices: Choices;
  readonly #log: EventLog;

  constructor(jobs: DeviceJobs, choices: Choices, log: EventLog) {
    this.#jobs = jobs;
    this.#choices = choices;
    this.#log = log;
  }

  handle({ topic, levels, payload, qos, requester }: ServiceRequest): void {
    const [, , thingName, , ...path] = levels;
    let request: PayloadMap = {};
    let answer: PayloadMap;
    let kind = "accepted";
    let outcome = "accepted";
    try {
      request = read(payload);
      answer = this.#run(thingName, path, request);
    } catch (error) {
      if (!(error instanceof JobsError)) throw error;
      kind = "rejected";
      outcome = `${error.code}: ${error.message}`;
      answer = {
        code: error.code,
        message: error.message,
        ...(error.executionState && {
          executionState: { ...error.executionState },
        }),
      };
    }
    const { clientToken } = request;
    const message = serviceMessage(`${topic}/${kind}`, {
      ...answer,
      timestamp: seconds(Date.now()),
      ...(typeof clientToken === "string" && { clientToken }),
    });
    const { directAnswerQoS } = this.#choices;
    requester.answer({
      ...message,
      qos: directAnswerQoS === "request" ? qos : directAnswerQoS,
    });
    this.#log.add({
      type: "service",
      service: this.name,
      client: requester.clientId,
      operation: path.at(-1)!,
      subject: path.length > 1 ? `${path[0]} of ${thingName}` : thingName,
      outcome,
    });
  }

  #run(thingName: string, path: string[], request: PayloadMap): PayloadMap {
    const [jobId] = path;
    switch (path.length === 1 ? jobId : ["+", ...path.slice(1)].join("/")) {
      case "get":
        return inMqtt(this.#jobs.pending(thingName));
      case "start-next":
        return inMqtt(this.#jobs.startNext(thingName, request));
      case "+/get":
        assertJobId(jobId, true);
        return inMqtt(this.#jobs.describeExecution(thingName, jobId, request));
      case "+/update":
        assertJobId(jobId, false);
        return inMqtt(this.#jobs.update(thingName, jobId, request));
      default:
        throw new JobsError("InvalidTopic", "The topic is none of Jobs");
    }
  }
}

function assertJobId(jobId: string, mayBeNext: boolean): void {
  if (!jobIdPattern.test(jobId) && !(mayBeNext && jobId === "$next"))
    throw new JobsError("InvalidTopic", `"${jobId}" is no job here`);
}

function read(payload: Buffer): PayloadMap {
  let request: PayloadMap;
  try {
    request = readMap("json", payload);
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    throw new JobsError("InvalidJson", error.message);
  }
  const { clientToken } = request;
  if (
    clientToken !== undefined &&
    (typeof clientToken !== "string" || clientToken.length > tokenLimit)
  )
    throw new JobsError("InvalidRequest", "clientToken is invalid");
  return request;
}

function inMqtt(answer: PayloadMap): PayloadMap {
  const { execution } = answer;
  return withParsedDocument(
    isMap(execution)
      ? { ...answer, execution: withParsedDocument(execution) }
      : answer,
  );
}
