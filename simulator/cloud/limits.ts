/**
 * AWS IoT Core's quotas that a device can meet (AWS General Reference, "AWS IoT Core endpoints and quotas", message broker
 * and protocols). Sizes are bytes.
 */
export const limits = {
  /** Longest client id, in bytes of UTF-8. */
  clientId: 128,
  /** Keep-alive, in seconds: what a client asks for is moved into this range; 0 means the maximum. */
  keepAliveMin: 30,
  keepAliveMax: 1200,
  /** Largest payload of a PUBLISH. */
  payload: 128 * 1024,
  /** Largest MQTT packet, headers included. */
  packet: 146 * 1024,
  /** Smallest Maximum Packet Size that an MQTT 5 client may ask for. */
  clientMaximumPacketSize: 512,
  /** Longest topic or topic filter, in bytes of UTF-8. */
  topic: 256,
  /** Slashes in a topic or a filter. */
  slashes: 7,
  /** Longest name of a shared subscription's group. */
  shareName: 128,
  /** Filters in one SUBSCRIBE or UNSUBSCRIBE. */
  filtersPerPacket: 8,
  /** Subscriptions of one connection. */
  subscriptions: 50,
  /** QoS 1 messages on their way in one direction. */
  inflight: 100,
  /** Topic aliases in each direction (MQTT 5). */
  topicAliases: 8,
  /** Message expiry (MQTT 5), in seconds. */
  messageExpiryMax: 604_800,
  /** All user properties of a PUBLISH together. */
  userProperties: 8 * 1024,
  /** Content type of a PUBLISH. */
  contentType: 256,
  /** Correlation data of a PUBLISH. */
  correlationData: 8 * 1024,
  /** Longest `clientToken` of a request to a service, in bytes. */
  clientToken: 64,
  /** Desired and reported state of one shadow together, as JSON without white space; metadata does not count. */
  shadowDocument: 8 * 1024,
  /** Characters of a policy document, white space not counted. */
  policyDocument: 2048,
  /** Policies attached to one principal. */
  policiesPerPrincipal: 10,
  /** Versions of one policy. */
  policyVersions: 5,
  /** Thing groups that one thing can be in. */
  groupsPerThing: 10,
} as const;
