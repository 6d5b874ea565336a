import { ServiceError } from "../service-error.js";
import { oneOf } from "./members.js";
import type { Operation } from "./router.js";

/** Endpoints of AWS's model. Those that AWS refuses today (measured in 2026) are refused here. */
const endpointTypes = [
  "iot:Data-ATS",
  "iot:Data",
  "iot:CredentialProvider",
  "iot:Jobs",
] as const;

/** DescribeEndpoint: the host of the data endpoint. Its ports are told when the cloud starts; AWS's are the well-known ones. */
export const describeEndpoint: Operation = (request, { endpoint }) => {
  const type = oneOf(
    "endpointType",
    request.query("endpointType") ?? "iot:Data-ATS",
    endpointTypes,
  );
  if (type === "iot:Data" || type === "iot:Jobs")
    throw new ServiceError(
      "InvalidRequestException",
      `The endpoint type ${type} is no longer supported. Use iot:Data-ATS.`,
    );
  return {
    endpointAddress:
      type === "iot:CredentialProvider"
        ? endpoint.replace("-ats.iot.", ".credentials.iot.")
        : endpoint,
  };
};
