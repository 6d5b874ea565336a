/** A statement of an AWS IoT policy, as far as it matters here. */
interface Statement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly NotResource?: unknown;
}

/** Policy variables that stand for this one device and no other. */
const ownNames = [
  "${iot:Connection.Thing.ThingName}",
  "${iot:ClientId}",
  "${iot:Certificate.CommonName}",
];

/**
 * Finds what a device's policy allows beyond that device (Device Advisor, "Permissions and policies"): wildcards in actions,
 * and resources that name nobody, so that every device may use every other's.
 *
 * A wildcard behind the device's own name is fine: `topic/dt/${iot:Connection.Thing.ThingName}/*`.
 *
 * @param document the policy as JSON
 * @param thing a name that may stand in place of a variable, in a policy for one device
 * @returns a sentence for each thing that is too wide
 */
export function lintPolicy(document: string, thing?: string): string[] {
  const { Statement } = JSON.parse(document) as {
    Statement: Statement | readonly Statement[];
  };
  const own = thing === undefined ? ownNames : [...ownNames, thing];
  return list(Statement)
    .filter(({ Effect }) => Effect === "Allow")
    .flatMap((statement, index) => {
      const name = statement.Sid ?? `statement ${index + 1}`;
      return [
        ...list(statement.Action)
          .filter((action) => /[*?]/.test(action))
          .map((action) => `${name} allows the actions ${action}`),
        ...(statement.NotResource === undefined
          ? []
          : [`${name} allows all resources but some`]),
        ...list(statement.Resource ?? [])
          .filter((resource) => isTooWide(resource, own))
          .map((resource) => `${name} allows ${resource} to every device`),
      ];
    });
}

/** A wildcard counts as long as nothing before it names the device. `${iot:…}` itself holds none. */
function isTooWide(resource: string, own: readonly string[]): boolean {
  const wildcard = resource.search(/[*?+#]/);
  if (wildcard < 0) return false;
  const before = resource.slice(0, wildcard);
  return !own.some((name) => before.includes(name));
}

const list = <T>(value: T | readonly T[]): readonly T[] =>
  Array.isArray(value) ? (value as readonly T[]) : [value as T];
