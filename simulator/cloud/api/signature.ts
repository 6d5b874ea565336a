import type { IncomingHttpHeaders } from "node:http";

/** Services whose requests come to one port; AWS gives each a host of its own. */
export type ApiService = "iot" | "iotdata" | "iot-jobs-data";

/** Who signed a request, by what its signature says. */
export interface Signer {
  /** Access key id; any is good. */
  readonly accessKeyId: string;
  readonly service: ApiService;
}

/** A request without a signature, or with one that is none. The names are those that AWS answers with, as status 403. */
export interface SignatureProblem {
  readonly code:
    "MissingAuthenticationTokenException" | "IncompleteSignatureException";
  readonly message: string;
}

/** Names in a credential's scope, the newest and the older ones that clients still sign with. */
const services: Readonly<Record<string, ApiService>> = {
  iot: "iot",
  "execute-api": "iot",
  iotdata: "iotdata",
  iotdevicegateway: "iotdata",
  "iot-jobs-data": "iot-jobs-data",
};

/**
 * Reads a Signature Version 4, from the `Authorization` header or the query (AWS General Reference, "Signature Version 4").
 *
 * Any well-formed signature is accepted: this cloud has no accounts and no secrets, so there is nothing to compute it with.
 * The scope matters all the same: its service tells apart the operations that share a path on different hosts of AWS.
 */
export function readSignature(
  headers: IncomingHttpHeaders,
  query: URLSearchParams,
): Signer | SignatureProblem {
  const header = headers.authorization;
  const credential =
    header === undefined
      ? query.get("X-Amz-Credential")
      : /^AWS4-HMAC-SHA256\s.*?\bCredential=([^,\s]+)/.exec(header)?.[1];
  if (header === undefined && credential === null)
    return {
      code: "MissingAuthenticationTokenException",
      message: "Missing Authentication Token",
    };
  const signature =
    header === undefined
      ? query.get("X-Amz-Signature")
      : /\bSignature=([0-9a-f]{64})\b/.exec(header)?.[1];
  const scope =
    /^([^/]+)\/(\d{8})\/([a-z0-9-]+)\/([a-z0-9-]+)\/aws4_request$/.exec(
      credential ?? "",
    );
  if (!scope || !signature)
    return {
      code: "IncompleteSignatureException",
      message:
        "The request is not signed by AWS Signature Version 4: a Credential of key/date/region/service/aws4_request and a Signature are needed",
    };
  const [, accessKeyId = "", , , name = ""] = scope;
  const service = Object.hasOwn(services, name) ? services[name] : undefined;
  return service
    ? { accessKeyId, service }
    : {
        code: "IncompleteSignatureException",
        message: `The request is signed for the service "${name}"; here are ${Object.keys(services).join(", ")}`,
      };
}
