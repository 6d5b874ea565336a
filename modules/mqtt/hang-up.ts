import { Failure } from "../system/failure.js";

/** How a connection ends when the other side just goes. A network that breaks is told apart from that by TLS. */
const hangUps: readonly string[] = ["tcp.closed", "tls.closed"];

/** Whether a connection that failed with this code was ended by the broker, without a word. */
export function isHangUp(code: string): boolean {
  return hangUps.includes(code);
}

/** A failure between CONNECT and CONNACK: a broker that goes then has refused the client. */
export function beforeConnack(failure: Failure): Failure {
  return isHangUp(failure.code)
    ? new Failure("mqtt.closed-before-connack", failure.detail)
    : failure;
}
