import { limits } from "../limits.js";

/** Why a topic or a filter is not accepted, in words; undefined means it is. */
export type TopicProblem = string | undefined;

/** Basic Ingest: the rule's name, and the topic that it sees. */
export interface RuleTopic {
  readonly rule: string;
  readonly topic: string;
}

/** Takes `$aws/rules/<rule>/<topic>` apart. */
export function ruleTopic(topic: string): RuleTopic | undefined {
  const found = /^\$aws\/rules\/([^/]+)\/(.*)$/s.exec(topic);
  return found ? { rule: found[1], topic: found[2] } : undefined;
}

/** A filter with the group that shares it, when it begins with `$share/<group>/`. */
export interface ParsedFilter {
  readonly group?: string;
  readonly filter: string;
}

/** Takes `$share/<group>/<filter>` apart; any other filter stands for itself. */
export function parseFilter(filter: string): ParsedFilter {
  const found = /^\$share\/([^/]*)\/(.*)$/s.exec(filter);
  return found ? { group: found[1], filter: found[2] } : { filter };
}

/** Whether a filter has an MQTT wildcard. */
export function hasWildcard(filter: string): boolean {
  return filter.includes("+") || filter.includes("#");
}

/** Whether a topic or a filter is reserved: it begins with `$`. */
export function isReserved(topic: string): boolean {
  return topic.startsWith("$");
}

/** Whether a filter matches a topic, by AWS's rules: see `TopicTree`. */
export function filterMatches(filter: string, topic: string): boolean {
  const wanted = filter.split("/");
  const actual = topic.split("/");
  if (topic.startsWith("$") && /^[+#]/.test(filter)) return false;
  const below = wanted.at(-1) === "#";
  if (below) wanted.pop();
  return (
    (below ? actual.length > wanted.length : actual.length === wanted.length) &&
    wanted.every((level, index) => level === "+" || level === actual[index])
  );
}

/** First levels below `$aws/` that AWS has services behind. */
const awsFamilies = new Set([
  "things",
  "certificates",
  "provisioning-templates",
  "rules",
  "commands",
  "events",
  "sitewise",
  "device_location",
]);

/** Families of reserved topics that AWS lets clients publish to, and that nobody answers here. */
const unansweredFamilies = new Set(["sitewise", "device_location"]);

/** Whether a reserved topic is one that AWS lists for clients. All others end the connection. */
export function isKnownReserved(topic: string): boolean {
  const [first, family = ""] = topic.split("/");
  return first === "$aws" && awsFamilies.has(family);
}

/** Whether clients may publish to a reserved topic that no service of this cloud answers. */
export function isUnanswered(topic: string): boolean {
  const [first, family = ""] = topic.split("/");
  return first === "$aws" && unansweredFamilies.has(family);
}

/** Holds the topic of a PUBLISH to MQTT's rules and AWS's limits. */
export function topicProblem(topic: string): TopicProblem {
  const counted = ruleTopic(topic)?.topic ?? topic;
  if (topic === "" || counted === "") return "the topic is empty";
  if (hasWildcard(topic)) return "the topic has a wildcard";
  return textProblem(counted, topic.startsWith("$aws/") && counted === topic);
}

/** Holds a filter of a SUBSCRIBE to MQTT's rules and AWS's limits. */
export function filterProblem(text: string): TopicProblem {
  const { group, filter } = parseFilter(text);
  if (filter === "" || text === "$share") return "the filter is empty";
  if (group === undefined && text.startsWith("$share/"))
    return "the shared filter has no filter after the group";
  if (group !== undefined) {
    if (group === "" || hasWildcard(group))
      return "the group of the shared filter has no name or a wildcard in it";
    if (Buffer.byteLength(group) > limits.shareName)
      return `the group of the shared filter is longer than ${limits.shareName} bytes`;
  }
  const levels = filter.split("/");
  for (const [index, level] of levels.entries()) {
    if (level.includes("#") && (level !== "#" || index < levels.length - 1))
      return '"#" is not the whole last level';
    if (level.includes("+") && level !== "+") return '"+" is not a whole level';
  }
  return textProblem(filter, filter.startsWith("$aws/"));
}

/** What both have in common. Reserved topics of AWS are deeper than its own limit allows others to be. */
function textProblem(text: string, exemptFromDepth: boolean): TopicProblem {
  if (text.includes("\0")) return "it has a NUL character";
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.topic)
    return `it has ${bytes} bytes, ${limits.topic} are allowed`;
  const slashes = text.split("/").length - 1;
  if (slashes > limits.slashes && !exemptFromDepth)
    return `it has ${slashes} slashes, ${limits.slashes} are allowed`;
  return undefined;
}
