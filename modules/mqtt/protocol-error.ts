/**
 * The broker broke a rule of MQTT. Thrown by the packet reader and caught by the client, which ends the connection with
 * the reason code and reports a `Failure`; it never reaches an application.
 */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  /** What DISCONNECT has to say in MQTT 5 (section 4.13): 0x81 malformed packet, 0x82 protocol error, … */
  readonly reasonCode: number;

  /**
   * @param rule the broken rule in words, with the number of its normative statement in MQTT 5 where it has one
   */
  constructor(reasonCode: number, rule: string) {
    super(rule);
    this.reasonCode = reasonCode;
  }
}
