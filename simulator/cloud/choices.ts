/**
 * What AWS does not document, or documents in two ways, and how this cloud decides it: all of it in this one place.
 *
 * Every field is a switch of `new Cloud({ choices: { … } })`; the default is what the best evidence says.
 */
export interface Choices {
  /**
   * Where a certificate that is unknown, not ACTIVE or expired is refused. Newer reports (2021 and later) agree that the
   * handshake completes and the connection is closed before any CONNACK; whether before or after the CONNECT is read, none says.
   * `handshake` is what was seen in 2017: alert 46 (certificate_unknown) in the handshake, which was TLS 1.2 and nothing else;
   * so is the MQTT port with this choice.
   */
  readonly refuseCertificateAt: "connect" | "handshake-end" | "handshake";
  /** A ClientHello without a server name: newer AWS text recommends it, older text demands it. */
  readonly missingServerName: "accept" | "refuse";
  /** An MQTT 5 publish of QoS 0 that the policy denies. No source; DISCONNECT 0x87 is in AWS's list. */
  readonly deniedQoS0: "drop" | "disconnect";
  /** Where a QoS 1 publish to an invalid topic is refused in MQTT 5; both packets list 0x90. */
  readonly invalidTopic: "puback" | "disconnect";
  /** MQTT 5 reason code of a publish that is too large: 0x95 packet too large or 0x97 quota exceeded. */
  readonly tooLargeReason: 0x95 | 0x97;
  /** MQTT 5 reason code of the DISCONNECT for more than eight filters in one SUBSCRIBE or UNSUBSCRIBE. */
  readonly tooManyFiltersReason: 0x82 | 0x97;
  /** Milliseconds a client may take for its TLS handshake. */
  readonly handshakeTimeout: number;
  /** Milliseconds a client may take between the handshake and its CONNECT. */
  readonly connectTimeout: number;
  /** Longest session expiry, and that of a persistent 3.1.1 session, in seconds. An account can raise it to 604,800. */
  readonly maxSessionExpiry: number;
  /** Messages stored for a persistent session are replayed at this pace (a second); 0 replays them at once. */
  readonly replayRate: number;
  /**
   * Publishes a second on one connection, counted in each direction. What a client sends beyond it is discarded; of what it
   * is to get, QoS 0 is discarded and QoS 1 waits. 0 does not limit.
   */
  readonly publishRate: number;
  /** Bytes a second on one connection, in each direction; more is delayed. 0 does not limit. */
  readonly throughput: number;
  /** CONNECT packets a second of all clients together, 500 to 3,000 on AWS, by region. 0 does not limit. */
  readonly accountConnectRate: number;
  /** Publishes a second of all clients together, 2,000 to 20,000 on AWS, by region. 0 does not limit. */
  readonly accountPublishRate: number;
  /** CONNECT packets a second for one client id, after `connectBurst` of them. 0 does not limit. */
  readonly connectRate: number;
  /** CONNECT packets of one client id that are accepted at once before `connectRate` counts. */
  readonly connectBurst: number;
  /** Milliseconds until a QoS 1 message without acknowledgement is sent again on the same connection; 0 never. */
  readonly redeliveryInterval: number;
  /**
   * A publish to a reserved topic that AWS lists, but not for clients to publish to (`…/accepted`, `$aws/events/…`): "may
   * terminate the connection". `refuse` answers it as it does an invalid topic, `drop` is silent.
   */
  readonly foreignReservedTopic: "refuse" | "drop";
  /**
   * QoS of what a service sends to one client directly (Jobs, fleet provisioning). No source; `request` takes the QoS that
   * the request came with.
   */
  readonly directAnswerQoS: "request" | 0 | 1;
  /** Levels of keys in a section of a shadow: AWS's quotas say 8, its error message says 6. */
  readonly shadowNesting: number;
  /** Requests a second for one shadow; more get 429. 0 does not limit. */
  readonly shadowRate: number;
  /** Whether an update that changes no value is still told on `…/update/documents`. Its version grows in any case. */
  readonly unchangedShadowDocuments: boolean;
  /** Whether an update over HTTPS is also told on `…/update/accepted`; delta and documents are. */
  readonly shadowAcceptedForHttps: boolean;
  /** What a device hears that asks for the jobs of a thing which the registry does not have; the API's model lists both. */
  readonly jobsOfUnknownThing: "refuse" | "answer";
  /** What a device hears that reports a status which only the service sets (QUEUED, TIMED_OUT, CANCELED, REMOVED). */
  readonly jobsForeignStatus: "InvalidStateTransition" | "InvalidRequest";
  /** Whether a device may report SUCCEEDED or FAILED for an execution that is QUEUED. */
  readonly jobsFinishFromQueued: boolean;
  /** Executions in one `…/jobs/notify`: 10 in older text of AWS, 15 in newer. */
  readonly jobsNotifyLimit: number;
  /** Whether a certificate for a signing request keeps the request's subject. No source; AWS's own name is the worse case. */
  readonly keepRequestSubject: boolean;
  /** What a provisioning template does with a resource that exists, when it does not say so in OverrideSettings. */
  readonly templateOverride: "DO_NOTHING" | "REPLACE" | "FAIL";
  /** `errorCode` of what fleet provisioning refuses where AWS documents no code: invented, in the style of the known ones. */
  readonly provisioningCodes: {
    readonly payload: string;
    readonly csr: string;
    readonly template: string;
    readonly parameters: string;
    readonly conflict: string;
  };
  /** What a publish to a reserved topic over HTTPS is answered with: that it is refused was measured, how was not. */
  readonly reservedTopicOverHttps:
    "InvalidRequestException" | "UnauthorizedException";
  /** Seconds between Device Defender's reports of one thing; earlier ones are Throttled (a name without a source). 0 allows all. */
  readonly defenderInterval: number;
  /** Requests a second of one operation of the API: 10 to 500 on AWS, by operation. 0 does not limit. */
  readonly apiRate: number;
  /** Whether actions are compared regardless of case, as IAM does. */
  readonly ignoreActionCase: boolean;
  /** Milliseconds between looks at the store for certificates and policies that another process changed. */
  readonly registryInterval: number;
}

/** The choices this cloud makes unless told otherwise. */
export const defaultChoices: Choices = {
  refuseCertificateAt: "connect",
  missingServerName: "accept",
  deniedQoS0: "drop",
  invalidTopic: "puback",
  tooLargeReason: 0x95,
  tooManyFiltersReason: 0x97,
  handshakeTimeout: 10_000,
  connectTimeout: 10_000,
  maxSessionExpiry: 3_600,
  replayRate: 10,
  publishRate: 100,
  throughput: 512 * 1024,
  accountConnectRate: 3_000,
  accountPublishRate: 20_000,
  connectRate: 1,
  connectBurst: 10,
  redeliveryInterval: 20_000,
  foreignReservedTopic: "refuse",
  directAnswerQoS: "request",
  shadowNesting: 6,
  shadowRate: 20,
  unchangedShadowDocuments: true,
  shadowAcceptedForHttps: false,
  jobsOfUnknownThing: "refuse",
  jobsForeignStatus: "InvalidStateTransition",
  jobsFinishFromQueued: true,
  jobsNotifyLimit: 10,
  keepRequestSubject: false,
  templateOverride: "DO_NOTHING",
  provisioningCodes: {
    payload: "InvalidPayload",
    csr: "InvalidCertificateSigningRequest",
    template: "InvalidTemplate",
    parameters: "InvalidParameters",
    conflict: "ResourceConflictsException",
  },
  reservedTopicOverHttps: "InvalidRequestException",
  defenderInterval: 300,
  apiRate: 0,
  ignoreActionCase: true,
  registryInterval: 1_000,
};
