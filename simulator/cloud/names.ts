/** The one account of this cloud, as it stands in every ARN. */
export const account = "000000000000";

/** The one region of this cloud. */
export const region = "local-1";

/** ARN of a resource: `arn:aws:iot:<region>:<account>:<resource>`. */
export function arn(resource: string): string {
  return `arn:aws:iot:${region}:${account}:${resource}`;
}

/** The name behind an ARN of this kind (`cert`, `thing`, `policy` …), or undefined when the ARN is another's. */
export function nameFromArn(kind: string, text: string): string | undefined {
  const prefix = arn(`${kind}/`);
  return text.startsWith(prefix) ? text.slice(prefix.length) : undefined;
}

/** The data endpoint that belongs to a prefix of 14 lower-case letters and digits. RFC 6761: `*.localhost` is loopback. */
export function endpointName(prefix: string): string {
  return `${prefix}-ats.iot.${region}.localhost`;
}
