import type { EventLog } from "../event-log.js";
import type { Broker } from "../mqtt/broker.js";
import type {
  ReservedService,
  ServiceRequest,
} from "../mqtt/reserved-topics.js";
import { ServiceError } from "../service-error.js";
import {
  PayloadError,
  readMap,
  type PayloadFormat,
  type PayloadMap,
} from "../services/payload.js";
import type { ServicePublisher } from "../services/service-publisher.js";
import type { CommandPayload } from "./command.js";
import type { Commands, CommandTarget } from "./commands.js";

const formats: readonly PayloadFormat[] = ["json", "cbor"];

/** Sends a command to its device: its bytes as they were stored; what they are stands in the topic's last level. */
export function sendCommand(
  broker: Broker,
  { kind, name }: CommandTarget,
  executionId: string,
  { content, contentType }: CommandPayload,
): void {
  const format = formats.find(
    (known) => contentType === `application/${known}`,
  );
  broker.publish({
    topic: `$aws/commands/${kind}/${name}/executions/${executionId}/request${format ? `/${format}` : ""}`,
    payload: Buffer.from(content, "base64"),
    qos: 1,
    retain: false,
    properties: { contentType },
  });
}

/** What devices answer to commands over MQTT, in JSON and CBOR. */
export class CommandTopics implements ReservedService {
  readonly name = "commands";
  readonly visible = false;
  readonly filters = ["things", "clients"].flatMap((kind) =>
    formats.map(
      (format) => `$aws/commands/${kind}/+/executions/+/response/${format}`,
    ),
  );
  readonly #commands: Commands;
  readonly #publisher: ServicePublisher;
  readonly #log: EventLog;

  constructor(commands: Commands, publisher: ServicePublisher, log: EventLog) {
    this.#commands = commands;
    this.#publisher = publisher;
    this.#log = log;
  }

  handle({ levels, payload, requester }: ServiceRequest): void {
    const [, , kind, name, , executionId] = levels;
    const format = levels.at(-1) as PayloadFormat;
    const base = levels.slice(0, -1).join("/");
    let outcome = "accepted";
    let answer: PayloadMap = { executionId };
    try {
      this.#commands.respond(
        { kind: kind as CommandTarget["kind"], name },
        executionId,
        readMap(format, payload),
      );
    } catch (error) {
      if (!(error instanceof ServiceError || error instanceof PayloadError))
        throw error;
      const code =
        error instanceof ServiceError ? error.code : "ValidationException";
      outcome = `${code}: ${error.message}`;
      answer = { error: code, errorMessage: error.message, executionId };
    }
    const kindOfAnswer = outcome === "accepted" ? "accepted" : "rejected";
    this.#publisher.publish(
      `${base}/${kindOfAnswer}/${format}`,
      answer,
      format,
    );
    this.#log.add({
      type: "service",
      service: this.name,
      client: requester.clientId,
      operation: "response",
      subject: `${executionId} of ${name}`,
      outcome,
    });
  }
}
