import { Failure } from "../system/failure.js";

/** What a connection knows beside the failure itself. */
export interface Circumstances {
  clientId: string;
  /** The node's clock was set. */
  clockIsSet: boolean;
  /** What was the oldest thing without an answer when the connection ended; see `SessionConnectOptions`. */
  suspect: string | undefined;
}

/** The failure as IoT Core means it, which often says less than it knows. */
export function explain(
  failure: Failure,
  { clientId, clockIsSet, suspect }: Circumstances,
): Failure {
  switch (failure.code) {
    case "tls.server-not-yet-valid":
      return clockIsSet
        ? failure
        : new Failure("tls.clock-unset", failure.detail);
    case "mqtt.closed-before-connack":
      return new Failure(failure.code, `client id ${clientId}`);
    case "tls.closed":
      return suspect === undefined
        ? failure
        : new Failure("policy.likely", suspect);
    case "policy.likely":
    case "mqtt.topic-invalid":
    case "mqtt.too-large":
      return suspect === undefined
        ? failure
        : new Failure(failure.code, `${suspect}: ${failure.detail}`);
    default:
      return failure;
  }
}
