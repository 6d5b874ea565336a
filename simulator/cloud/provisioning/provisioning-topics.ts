import type { Choices } from "../choices.js";
import type { EventLog } from "../event-log.js";
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
import { serviceMessage } from "../services/service-publisher.js";
import type { FleetProvisioning } from "./fleet-provisioning.js";
import { ProvisioningError } from "./provisioning-error.js";

/**
 * Fleet provisioning over MQTT, in JSON and CBOR. Answers go to the client that asked, when it is subscribed: nobody else is
 * to see a private key.
 */
export class ProvisioningTopics implements ReservedService {
  readonly name = "provisioning";
  readonly visible = false;
  readonly filters = (["json", "cbor"] as const).flatMap((format) => [
    `$aws/certificates/create/${format}`,
    `$aws/certificates/create-from-csr/${format}`,
    `$aws/provisioning-templates/+/provision/${format}`,
  ]);
  readonly #provisioning: FleetProvisioning;
  readonly #choices: Choices;
  readonly #log: EventLog;
  readonly #running = new Set<Promise<void>>();

  constructor(
    provisioning: FleetProvisioning,
    choices: Choices,
    log: EventLog,
  ) {
    this.#provisioning = provisioning;
    this.#choices = choices;
    this.#log = log;
  }

  handle(request: ServiceRequest): void {
    const running = this.#answer(request).finally(() =>
      this.#running.delete(running),
    );
    this.#running.add(running);
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #answer(request: ServiceRequest): Promise<void> {
    const { topic, levels, qos, requester } = request;
    const format = levels.at(-1) as PayloadFormat;
    let answer: PayloadMap;
    let kind = "accepted";
    let outcome = "accepted";
    try {
      answer = await this.#run(request, format);
    } catch (error) {
      const refusal =
        error instanceof ProvisioningError
          ? error
          : new ProvisioningError(500, "InternalFailure", String(error));
      kind = "rejected";
      outcome = `${refusal.statusCode} ${refusal.errorCode}: ${refusal.message}`;
      answer = {
        statusCode: refusal.statusCode,
        errorCode: refusal.errorCode,
        errorMessage: refusal.message,
      };
    }
    const { directAnswerQoS } = this.#choices;
    requester.answerSubscribed({
      ...serviceMessage(`${topic}/${kind}`, answer, format),
      qos: directAnswerQoS === "request" ? qos : directAnswerQoS,
    });
    this.#log.add({
      type: "service",
      service: this.name,
      client: requester.clientId,
      operation: levels.at(-2)!,
      subject: levels.length === 5 ? levels[2] : "a certificate",
      outcome,
    });
  }

  async #run(
    { levels, payload, requester }: ServiceRequest,
    format: PayloadFormat,
  ): Promise<PayloadMap> {
    let body: PayloadMap;
    try {
      body = readMap(format, payload);
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error;
      const { provisioningCodes } = this.#choices;
      throw new ProvisioningError(
        400,
        provisioningCodes.payload,
        error.message,
      );
    }
    switch (levels.at(-2)) {
      case "create":
        return this.#provisioning.createKeys();
      case "create-from-csr":
        return this.#provisioning.createFromRequest(body);
      default:
        return this.#provisioning.registerThing(levels[2], body, requester);
    }
  }
}
