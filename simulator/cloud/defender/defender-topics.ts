import type { Choices } from "../choices.js";
import type { EventLog } from "../event-log.js";
import { RateLimits } from "../mqtt/rate-limits.js";
import type {
  ReservedService,
  ServiceRequest,
} from "../mqtt/reserved-topics.js";
import {
  PayloadError,
  readMap,
  type PayloadFormat,
  type PayloadMap,
} from "../services/payload.js";
import type { ServicePublisher } from "../services/service-publisher.js";
import { checkReport, ReportError } from "./report.js";

/** Longest name of a thing, bytes. */
const thingNameLimit = 128;

/** Device Defender's metrics over MQTT, in JSON and CBOR: a report is accepted, or rejected with what is wrong. */
export class DefenderTopics implements ReservedService {
  readonly name = "defender";
  readonly visible = false;
  readonly filters = ["json", "cbor"].map(
    (format) => `$aws/things/+/defender/metrics/${format}`,
  );
  readonly #publisher: ServicePublisher;
  readonly #choices: Choices;
  readonly #log: EventLog;
  readonly #rates: RateLimits;

  constructor(publisher: ServicePublisher, choices: Choices, log: EventLog) {
    this.#publisher = publisher;
    this.#choices = choices;
    this.#log = log;
    const { defenderInterval } = choices;
    this.#rates = new RateLimits(
      defenderInterval === 0 ? 0 : 1 / defenderInterval,
      1,
    );
  }

  handle({ topic, levels, payload, requester }: ServiceRequest): void {
    const thingName = levels[2];
    const format = levels[5] as PayloadFormat;
    let kind = "accepted";
    let outcome: string;
    let answer: PayloadMap;
    try {
      const reportId = this.#accept(thingName, format, payload);
      outcome = `report ${reportId} accepted`;
      answer = { reportId, status: "ACCEPTED" };
    } catch (error) {
      if (!(error instanceof ReportError || error instanceof PayloadError))
        throw error;
      const ErrorCode = "code" in error ? error.code : "InvalidPayload";
      kind = "rejected";
      outcome = `${ErrorCode}: ${error.message}`;
      const ErrorMessage =
        ErrorCode === "InvalidPayload"
          ? "Malformed metrics report"
          : error.message;
      answer = {
        status: "REJECTED",
        statusDetails: { ErrorCode, ErrorMessage },
      };
    }
    this.#publisher.publish(
      `${topic}/${kind}`,
      { thingName, ...answer, timestamp: Date.now() },
      format,
    );
    this.#log.add({
      type: "service",
      service: this.name,
      client: requester.clientId,
      operation: "metrics",
      subject: thingName,
      outcome,
    });
  }

  /** @returns the report's id @throws ReportError, PayloadError */
  #accept(thingName: string, format: PayloadFormat, payload: Buffer): number {
    if (Buffer.byteLength(thingName) > thingNameLimit)
      throw new ReportError(
        `The thing's name is longer than ${thingNameLimit} bytes`,
      );
    const reportId = checkReport(readMap(format, payload));
    if (!this.#rates.take(thingName))
      throw new ReportError(
        `One report in ${this.#choices.defenderInterval} s is accepted`,
        "Throttled",
      );
    return reportId;
  }
}
