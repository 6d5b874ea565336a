import type { IPublishPacket } from "mqtt-packet";
import type { Choices } from "../choices.js";
import { limits } from "../limits.js";
import { reason } from "./reason.js";
import { isKnownReserved, isReserved, topicProblem } from "./topic.js";

/** What is wrong with a publish, and the MQTT 5 reason code for it. */
export interface PublishProblem {
  readonly code: number;
  readonly problem: string;
}

/** Topic aliases that one client set (MQTT 5 section 3.3.2.3.4). */
export class TopicAliases {
  readonly #topics = new Map<number, string>();

  /** The topic that a publish means, by name or by alias. */
  resolve(packet: IPublishPacket): { topic: string } | PublishProblem {
    const alias = packet.properties?.topicAlias;
    if (alias === undefined) return { topic: packet.topic };
    if (alias < 1 || alias > limits.topicAliases)
      return {
        code: reason.topicAliasInvalid,
        problem: `topic alias ${alias}, 1 to ${limits.topicAliases} are allowed`,
      };
    if (packet.topic !== "") this.#topics.set(alias, packet.topic);
    const topic = this.#topics.get(alias);
    return topic === undefined
      ? {
          code: reason.protocolError,
          problem: `topic alias ${alias} was never set`,
        }
      : { topic };
  }
}

/** Holds a publish to MQTT's rules and AWS's limits. */
export function publishProblem(
  packet: IPublishPacket,
  topic: string,
  payload: Buffer,
  choices: Choices,
): PublishProblem | undefined {
  const flaw =
    topicProblem(topic) ??
    (isReserved(topic) && !isKnownReserved(topic)
      ? "the topic is reserved"
      : isReserved(topic) && packet.retain
        ? "a reserved topic cannot be retained"
        : undefined);
  if (flaw) return { code: reason.topicNameInvalid, problem: flaw };
  if (payload.length > limits.payload)
    return {
      code: choices.tooLargeReason,
      problem: `a payload of ${payload.length} bytes, ${limits.payload} are allowed`,
    };
  return propertyProblem(packet);
}

function propertyProblem(packet: IPublishPacket): PublishProblem | undefined {
  const properties = packet.properties;
  if (!properties) return undefined;
  const { contentType, correlationData, responseTopic, userProperties } =
    properties;
  const quota = (problem: string) => ({ code: reason.quotaExceeded, problem });
  if (properties.subscriptionIdentifier !== undefined)
    return {
      code: reason.protocolError,
      problem: "a client's PUBLISH has no subscription identifier",
    };
  if (
    contentType !== undefined &&
    Buffer.byteLength(contentType) > limits.contentType
  )
    return quota(`a content type of more than ${limits.contentType} bytes`);
  if (
    correlationData !== undefined &&
    correlationData.length > limits.correlationData
  )
    return quota(
      `correlation data of more than ${limits.correlationData} bytes`,
    );
  if (responseTopic !== undefined) {
    const flaw = topicProblem(responseTopic);
    if (flaw)
      return {
        code: reason.topicNameInvalid,
        problem: `the response topic is refused: ${flaw}`,
      };
  }
  let bytes = 0;
  for (const [name, values] of Object.entries(userProperties ?? {}))
    for (const value of [values].flat())
      bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  return bytes > limits.userProperties
    ? quota(`user properties of more than ${limits.userProperties} bytes`)
    : undefined;
}
