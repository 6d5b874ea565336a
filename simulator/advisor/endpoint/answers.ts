/** What the endpoint answers. A well-behaved one answers everything; a case takes away what it is about. */
export interface Answers {
  connack: boolean;
  /** What CONNACK says of an earlier session. */
  sessionPresent: boolean;
  puback: boolean;
  suback: boolean;
  pingresp: boolean;
}

/** All answers, to a client that has no session yet. */
export const allAnswers = (): Answers => ({
  connack: true,
  sessionPresent: false,
  puback: true,
  suback: true,
  pingresp: true,
});

/** What IoT Core says in an MQTT 5 CONNACK (Developer Guide, "MQTT 5 supported features"). */
export const connackProperties = {
  receiveMaximum: 100,
  maximumQoS: 1,
  retainAvailable: true,
  maximumPacketSize: 149_504,
  topicAliasMaximum: 8,
  wildcardSubscriptionAvailable: true,
  subscriptionIdentifiersAvailable: false,
  sharedSubscriptionAvailable: true,
} as const;
