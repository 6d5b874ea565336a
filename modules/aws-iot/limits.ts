import type { Properties } from "../mqtt/properties.js";
import { checkTopicFilter, checkTopicName } from "../mqtt/topics.js";
import { Failure } from "../system/failure.js";

// What AWS IoT Core allows (AWS General Reference, "AWS IoT Core message broker and protocol limits and quotas"). Beyond it
// the service closes the connection, often without a word, so the node holds to it by itself and says which limit it is.

/** Bytes of a message's payload. */
export const payloadLimit = 131_072;
/** Filters in one SUBSCRIBE. */
export const filterLimit = 8;
/** Subscriptions of one connection. */
export const subscriptionLimit = 50;
/** QoS 1 messages that are not acknowledged. */
export const unacknowledgedLimit = 100;

const clientIdBytes = 128;
const topicBytes = 256;
const slashes = 7;
const shareNameBytes = 128;
/** Keep-alive, in milliseconds: what is shorter or longer the service makes this. */
const keepAliveRange = { least: 30_000, most: 1_200_000 };
const contentTypeBytes = 256;
const correlationDataBytes = 8192;
const userPropertiesBytes = 8192;

/**
 * Checks what is published. A node publishes to few topics over and over, so the last one is not looked at again.
 */
export class PublishLimits {
  #topic: string | undefined;

  /**
   * @param byteLength of the payload
   * @throws Failure `mqtt.topic-invalid` or `mqtt.too-large`, with the limit
   */
  check(topic: string, byteLength: number, properties?: Properties): void {
    if (topic !== this.#topic) {
      checkTopic(topic);
      this.#topic = topic;
    }
    atMost(byteLength, payloadLimit, "payload", "bytes");
    if (properties) checkProperties(properties);
  }
}

/** Checks a topic to publish to. Throws a Failure `mqtt.topic-invalid` that names the limit. */
export function checkTopic(topic: string): void {
  inWords(() => checkTopicName(topic));
  // Basic Ingest: what stands before the topic of the rule does not count.
  const ingest = /^\$aws\/rules\/[^/]+\//.exec(topic);
  checkLevels(topic, ingest ? topic.slice(ingest[0].length) : topic);
}

/** Checks a filter to subscribe to. Throws a Failure `mqtt.topic-invalid` that names the limit. */
export function checkFilter(filter: string): void {
  inWords(() => checkTopicFilter(filter));
  const share = /^\$share\/([^/]+)\//.exec(filter);
  if (share && bytesOf(share[1]) > shareNameBytes)
    throw beyond(filter, bytesOf(share[1]), shareNameBytes, "bytes in a group");
  checkLevels(filter, share ? filter.slice(share[0].length) : filter);
}

/** Checks the name that a node connects with. Throws a Failure `config.invalid`. */
export function checkClientId(clientId: string): void {
  const bytes = bytesOf(clientId);
  if (bytes < 1 || bytes > clientIdBytes || clientId.startsWith("$"))
    throw new Failure(
      "config.invalid",
      `a client id has 1 to ${clientIdBytes} bytes and does not begin with $: "${clientId}"`,
    );
}

/** Checks a keep-alive in milliseconds. Throws a Failure `config.invalid`. */
export function checkKeepAlive(milliseconds: number): void {
  const { least, most } = keepAliveRange;
  if (!(milliseconds >= least && milliseconds <= most))
    throw new Failure(
      "config.invalid",
      `keepAlive must be from ${least} to ${most} ms, not ${milliseconds}`,
    );
}

function checkLevels(whole: string, counted: string): void {
  const bytes = bytesOf(counted);
  if (bytes > topicBytes) throw beyond(whole, bytes, topicBytes, "bytes");
  // Some of the service's own topics have more.
  if (whole.startsWith("$aws/") && counted === whole) return;
  let count = 0;
  for (
    let at = counted.indexOf("/");
    at >= 0;
    at = counted.indexOf("/", at + 1)
  )
    count++;
  if (count > slashes) throw beyond(whole, count, slashes, "slashes");
}

function checkProperties({
  contentType,
  correlationData,
  responseTopic,
  userProperties = [],
}: Properties): void {
  if (contentType !== undefined)
    atMost(bytesOf(contentType), contentTypeBytes, "content type", "bytes");
  if (correlationData)
    atMost(
      correlationData.byteLength,
      correlationDataBytes,
      "correlation data",
      "bytes",
    );
  if (responseTopic !== undefined) checkTopic(responseTopic);
  let size = 0;
  for (const [name, value] of userProperties)
    size += bytesOf(name) + bytesOf(value);
  atMost(size, userPropertiesBytes, "user properties", "bytes");
}

function atMost(value: number, most: number, what: string, unit: string): void {
  if (value > most)
    throw new Failure(
      "mqtt.too-large",
      `${what}: ${value} ${unit}, IoT Core takes ${most}`,
    );
}

/** MQTT's own rules are RangeErrors; who publishes hears of them as a Failure. */
function inWords(check: () => void): void {
  try {
    check();
  } catch (error) {
    throw Failure.from(error, "mqtt.topic-invalid");
  }
}

function beyond(
  topic: string,
  count: number,
  most: number,
  unit: string,
): Failure {
  return new Failure(
    "mqtt.topic-invalid",
    `${topic}: ${count} ${unit}, IoT Core takes ${most}`,
  );
}

/** Bytes of a text in UTF-8. */
function bytesOf(text: string): number {
  return ArrayBuffer.fromString(text).byteLength;
}
