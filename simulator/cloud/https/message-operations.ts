import { randomUUID } from "node:crypto";
import type { ApiRequest } from "../api/api-request.js";
import { optional } from "../api/members.js";
import { page } from "../api/page.js";
import type { Operation } from "../api/router.js";
import { limits } from "../limits.js";
import type { Message, MessageProperties } from "../mqtt/message.js";
import { isReserved, topicProblem } from "../mqtt/topic.js";
import { ServiceError } from "../service-error.js";
import { invalid } from "../services/input.js";

/** Publish: a message as any client's; reserved topics are not for HTTPS. */
export const publish: Operation = async (request, { broker, log, choices }) => {
  const topic = request.label("topic");
  const flaw = topicProblem(topic);
  if (flaw !== undefined) invalid(`Topic ${topic.slice(0, 100)}: ${flaw}`);
  if (isReserved(topic))
    throw new ServiceError(
      choices.reservedTopicOverHttps,
      `Topic ${topic} is reserved and cannot be published to over HTTPS`,
    );
  const { payload } = request;
  if (payload.length > limits.payload)
    throw new ServiceError(
      "RequestEntityTooLargeException",
      `The payload has ${payload.length} bytes, ${limits.payload} are allowed`,
    );
  const message = messageOf(request, topic, payload);
  const { receivers, committed } = broker.publish(message);
  await committed;
  log.add({
    type: "publish",
    client: "(HTTPS)",
    topic,
    QoS: message.qos,
    retain: message.retain,
    bytes: payload.length,
    receivers,
  });
  return { message: "OK", traceId: randomUUID() };
};

/** GetRetainedMessage. */
export const getRetainedMessage: Operation = (request, { broker }) => {
  const topic = request.label("topic");
  const message = broker.retainedMessage(topic);
  if (!message)
    throw new ServiceError(
      "ResourceNotFoundException",
      `No retained message for topic ${topic}`,
    );
  const { userProperties } = message.properties ?? {};
  return {
    topic,
    payload: message.payload.toString("base64"),
    qos: message.qos,
    lastModifiedTime: message.retainedAt,
    ...(userProperties && {
      userProperties: Buffer.from(
        JSON.stringify(
          Object.entries(userProperties).flatMap(([name, values]) =>
            [values].flat().map((value) => ({ [name]: value })),
          ),
        ),
      ).toString("base64"),
    }),
  };
};

/** ListRetainedMessages. */
export const listRetainedMessages: Operation = (request, { broker }) =>
  page(
    request,
    "nextToken",
    "retainedTopics",
    broker.retainedMessages(),
    ({ topic }) => topic,
    ({ topic, payload, qos, retainedAt }) => ({
      topic,
      payloadSize: payload.length,
      qos,
      lastModifiedTime: retainedAt,
    }),
  );

/** DeleteConnection: ends a client's connection, with its session when asked to. */
export const deleteConnection: Operation = (request, { clients }) => {
  const clientId = request.label("clientId");
  const client = clients.get(clientId);
  if (!client)
    throw new ServiceError(
      "ResourceNotFoundException",
      `Client ${clientId} is not connected`,
    );
  client.dismissed(
    request.queryFlag("cleanSession"),
    !request.queryFlag("preventWillMessage"),
  );
};

function messageOf(
  request: ApiRequest,
  topic: string,
  payload: Buffer,
): Message {
  const qos = request.queryNumber("qos") ?? 0;
  if (qos !== 0 && qos !== 1) invalid("qos must be 0 or 1.");
  const expiry = request.queryNumber("messageExpiry");
  return {
    topic,
    payload,
    qos,
    retain: request.queryFlag("retain"),
    properties: propertiesOf(request),
    ...(expiry !== undefined && {
      expiresAt:
        Date.now() +
        Math.min(Math.max(expiry, 1), limits.messageExpiryMax) * 1000,
    }),
  };
}

function propertiesOf(request: ApiRequest): MessageProperties {
  const format = request.optionalHeader("x-amz-mqtt5-payload-format-indicator");
  const correlation = request.optionalHeader("x-amz-mqtt5-correlation-data");
  const user = request.optionalHeader("x-amz-mqtt5-user-properties");
  const properties = {
    ...(format !== undefined && {
      payloadFormatIndicator: format === "UTF8_DATA",
    }),
    ...optional("contentType", request.query("contentType")),
    ...optional("responseTopic", request.query("responseTopic")),
    ...(correlation !== undefined && {
      correlationData: Buffer.from(correlation, "base64"),
    }),
    ...(user !== undefined && { userProperties: userProperties(user) }),
  };
  const { responseTopic } = properties;
  const flaw = responseTopic && topicProblem(responseTopic);
  if (flaw) invalid(`responseTopic: ${flaw}`);
  return properties;
}

/** User properties come as base64 of a list of objects with one pair each. */
function userProperties(text: string): Record<string, string | string[]> {
  const pairs: [string, string][] = [];
  try {
    const list = JSON.parse(Buffer.from(text, "base64").toString()) as unknown;
    for (const pair of list as Record<string, unknown>[])
      for (const [name, value] of Object.entries(pair)) {
        if (typeof value !== "string") throw new Error(`${name} is no text`);
        pairs.push([name, value]);
      }
  } catch (error) {
    invalid(`x-amz-mqtt5-user-properties cannot be read: ${String(error)}`);
  }
  const found = new Map<string, string | string[]>();
  for (const [name, value] of pairs) {
    const known = found.get(name);
    found.set(name, known === undefined ? value : [known, value].flat());
  }
  return Object.fromEntries(found);
}
