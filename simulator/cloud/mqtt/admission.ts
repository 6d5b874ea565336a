import { randomUUID } from "node:crypto";
import type { IConnectPacket } from "mqtt-packet";
import type { Choices } from "../choices.js";
import { limits } from "../limits.js";
import { arn } from "../names.js";
import { Authorizer, type RequestValues } from "../policy/authorizer.js";
import type { Registry } from "../registry/registry.js";
import { forwardedProperties, type Message } from "./message.js";
import { reason, type DisconnectReason } from "./reason.js";
import { isKnownReserved, isReserved, topicProblem } from "./topic.js";

/** What is known about a client before its first packet. */
export interface Peer {
  /** Address and port, for people. */
  readonly name: string;
  readonly address: string;
  /** Id of the certificate that the client proved to have the key of. */
  readonly certificateId?: string;
  /** That certificate, DER. */
  readonly readCertificate?: () => Buffer | undefined;
}

/** A client that may connect, and what it asked for. */
export interface Admission {
  readonly clientId: string;
  readonly version: 4 | 5;
  readonly certificateId: string;
  readonly authorizer: Authorizer;
  /** Condition keys of the CONNECT, to ask the policies again later. */
  readonly connectValues: RequestValues;
  readonly clean: boolean;
  /** Seconds that the session outlives the connection, limited to what the account allows. */
  readonly expiry: number;
  readonly requestedExpiry: number;
  /** Seconds, in the range that AWS allows. */
  readonly keepAlive: number;
  readonly assignedId: boolean;
  readonly will?: Will;
  readonly receiveMaximum: number;
  /** Largest packet that the client accepts, bytes. */
  readonly maximumPacketSize: number;
  readonly topicAliasMaximum: number;
  readonly wantsReasons: boolean;
}

/** The message that the cloud sends when the client goes without a word. */
export interface Will {
  readonly message: Message;
  /** Seconds to wait for the client to come back. */
  readonly delay: number;
}

/** A client that may not connect. */
export interface Refusal {
  /** CONNACK reason code of MQTT 5; none when even that is not sent. MQTT 3.1.1 never hears one. */
  readonly code?: number;
  readonly cause: DisconnectReason;
  /** What the device is not told. */
  readonly reason: string;
}

/** Where a CONNECT is judged. */
export interface AdmissionServices {
  readonly registry: Registry;
  readonly choices: Choices;
  /** Takes one CONNECT of this client id. @returns false when it comes too often */
  readonly mayConnect: (clientId: string) => boolean;
}

/**
 * Judges a CONNECT: the certificate by the registry, the packet by AWS's limits, the client by its policies.
 * @returns an `Admission`, or why not
 */
export function judgeConnect(
  packet: IConnectPacket,
  peer: Peer,
  services: AdmissionServices,
): { admission: Admission } | { refusal: Refusal } {
  const { registry, choices } = services;
  const certificate = judgeCertificate(peer.certificateId, registry);
  if ("refused" in certificate)
    return refuse(undefined, "AUTH_ERROR", certificate.refused);
  const version = packet.protocolVersion;
  if (version !== 4 && version !== 5)
    return refuse(undefined, "CLIENT_ERROR", "MQTT 3.1 is not spoken here");
  const properties = packet.properties ?? {};
  const identity = judgeClientId(packet, version);
  if ("refused" in identity)
    return refuse(
      reason.clientIdentifierInvalid,
      "CLIENT_ERROR",
      identity.refused,
    );
  const { clientId } = identity;
  const flaw = propertiesProblem(packet);
  if (flaw) return refuse(reason.unspecified, "CLIENT_ERROR", flaw);

  const requestedExpiry =
    version === 5
      ? (properties.sessionExpiryInterval ?? 0)
      : packet.clean === false
        ? choices.maxSessionExpiry
        : 0;
  const expiry = Math.min(requestedExpiry, choices.maxSessionExpiry);
  const authorizer = new Authorizer(
    registry,
    { certificateId: certificate.id, clientId, sourceIp: peer.address },
    choices,
  );
  const values = connectValues(packet, packet.clean === false || expiry > 0);
  const connect = authorizer.decide(
    "iot:Connect",
    `client/${clientId}`,
    values,
  );
  if (authorizer.policyCount === 0)
    return refuse(
      reason.notAuthorized,
      "FORBIDDEN_ACCESS",
      "no policy is attached to the certificate",
    );
  if (connect.decision !== "ALLOWED")
    return refuse(
      reason.notAuthorized,
      "FORBIDDEN_ACCESS",
      `iot:Connect on client/${clientId} is ${connect.decision === "EXPLICIT_DENY" ? `denied by policy ${connect.policy ?? ""}` : "allowed by no policy"}${authorizer.thingName === undefined ? `; no thing "${clientId}" is attached to the certificate` : ""}`,
    );
  const will = judgeWill(packet, authorizer);
  if (will && "code" in will) return { refusal: will };
  if (!services.mayConnect(clientId))
    return refuse(
      reason.quotaExceeded,
      "THROTTLED",
      "more CONNECTs a second than the client id, or the account, may have",
    );
  return {
    admission: {
      clientId,
      version,
      certificateId: certificate.id,
      authorizer,
      connectValues: values,
      clean: packet.clean ?? true,
      expiry,
      requestedExpiry,
      keepAlive: clampKeepAlive(packet.keepalive ?? 0),
      assignedId: identity.assigned,
      ...(will && { will }),
      receiveMaximum: Math.min(
        properties.receiveMaximum ?? limits.inflight,
        limits.inflight,
      ),
      maximumPacketSize: properties.maximumPacketSize ?? limits.packet,
      topicAliasMaximum: Math.min(
        properties.topicAliasMaximum ?? 0,
        limits.topicAliases,
      ),
      wantsReasons: properties.requestProblemInformation ?? true,
    },
  };
}

/** The certificate as the registry has it at this moment, or why it is no good. */
export function judgeCertificate(
  id: string | undefined,
  registry: Registry,
): { id: string } | { refused: string } {
  if (id === undefined) return { refused: "the client showed no certificate" };
  const record = registry.certificates.find(id);
  if (!record)
    return { refused: `certificate ${id} is not in this account's registry` };
  if (record.status !== "ACTIVE")
    return { refused: `certificate ${id} is ${record.status}` };
  const now = Date.now();
  if (now > record.notAfter)
    return {
      refused: `certificate ${id} expired on ${new Date(record.notAfter).toISOString()}`,
    };
  return { id };
}

/** Keep-alive in AWS's range: 0 and what is too long become the longest, what is too short the shortest. */
export function clampKeepAlive(seconds: number): number {
  if (seconds === 0) return limits.keepAliveMax;
  return Math.min(Math.max(seconds, limits.keepAliveMin), limits.keepAliveMax);
}

function refuse(
  code: number | undefined,
  cause: DisconnectReason,
  why: string,
): { refusal: Refusal } {
  return {
    refusal: { ...(code !== undefined && { code }), cause, reason: why },
  };
}

function judgeClientId(
  packet: IConnectPacket,
  version: 4 | 5,
): { clientId: string; assigned: boolean } | { refused: string } {
  const { clientId } = packet;
  if (clientId === "") {
    if (version === 4 && packet.clean === false)
      return { refused: "an empty client id needs a clean session" };
    return { clientId: `$GEN/${randomUUID()}`, assigned: true };
  }
  const bytes = Buffer.byteLength(clientId);
  if (bytes > limits.clientId)
    return {
      refused: `the client id has ${bytes} bytes, ${limits.clientId} are allowed`,
    };
  if (clientId.startsWith("$"))
    return { refused: `client id ${clientId} begins with "$"` };
  if (clientId.includes("\0"))
    return { refused: "the client id has a NUL character" };
  return { clientId, assigned: false };
}

function propertiesProblem(packet: IConnectPacket): string | undefined {
  const properties = packet.properties ?? {};
  if (properties.authenticationMethod !== undefined)
    return "enhanced authentication is not supported";
  if (properties.receiveMaximum === 0) return "Receive Maximum is 0";
  if (
    properties.maximumPacketSize !== undefined &&
    properties.maximumPacketSize < limits.clientMaximumPacketSize
  )
    return `Maximum Packet Size is ${properties.maximumPacketSize}, at least ${limits.clientMaximumPacketSize} is needed`;
  return undefined;
}

/** The condition keys of a CONNECT. */
function connectValues(
  packet: IConnectPacket,
  persistent: boolean,
): RequestValues {
  const attributes = [
    ...(persistent ? ["PersistentConnect"] : []),
    ...(packet.will ? ["LastWill"] : []),
  ];
  return {
    ...(attributes.length > 0 && { "iot:ConnectAttributes": attributes }),
    ...(packet.will && {
      "iot:LastWillTopic": [arn(`topic/${packet.will.topic}`)],
    }),
  };
}

function judgeWill(
  packet: IConnectPacket,
  authorizer: Authorizer,
): Will | (Refusal & { code: number }) | undefined {
  const { will } = packet;
  if (!will) return undefined;
  const refusal = (code: number, cause: DisconnectReason, why: string) => ({
    code,
    cause,
    reason: why,
  });
  const { topic } = will;
  const retain = will.retain ?? false;
  if (will.qos === 2)
    return refusal(
      reason.qosNotSupported,
      "CLIENT_ERROR",
      "the will has QoS 2",
    );
  const flaw =
    topicProblem(topic) ??
    (isReserved(topic) && (retain || !isKnownReserved(topic))
      ? "the topic is reserved"
      : undefined);
  if (flaw)
    return refusal(
      reason.topicNameInvalid,
      "CLIENT_ERROR",
      `the will's topic ${topic} is refused: ${flaw}`,
    );
  const payload = Buffer.from(will.payload);
  if (payload.length > limits.payload)
    return refusal(
      reason.quotaExceeded,
      "CLIENT_ERROR",
      `the will has ${payload.length} bytes, ${limits.payload} are allowed`,
    );
  const actions = [
    "iot:Publish" as const,
    ...(retain ? (["iot:RetainPublish"] as const) : []),
  ];
  for (const action of actions)
    if (!authorizer.allows(action, `topic/${topic}`))
      return refusal(
        reason.notAuthorized,
        "FORBIDDEN_ACCESS",
        `${action} on the will's topic ${topic} is not allowed`,
      );
  const properties = forwardedProperties(will.properties);
  const expiry = will.properties?.messageExpiryInterval;
  return {
    message: {
      topic,
      payload,
      qos: will.qos === 1 ? 1 : 0,
      retain,
      ...(properties && { properties }),
      ...(expiry !== undefined && { expiresAt: Date.now() + expiry * 1000 }),
    },
    delay: will.properties?.willDelayInterval ?? 0,
  };
}
