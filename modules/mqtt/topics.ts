import { encodeText } from "./utf8.js";

/**
 * Checks a topic name, what a message is published to (MQTT 5, 4.7). Throws a RangeError when it is empty, holds a wildcard
 * [MQTT-3.3.2-2], U+0000 or a lone surrogate, or is longer than 65,535 bytes.
 */
export function checkTopicName(topic: string): void {
  checkNoWildcard(topic);
  encodeText(topic, "A topic name");
}

/** The part of `checkTopicName` that encoding the topic does not check anyway. Allocates nothing. */
export function checkNoWildcard(topic: string): void {
  if (topic === "") throw new RangeError("A topic name must not be empty");
  if (hasWildcard(topic))
    throw new RangeError(`A topic name must not hold # or +: ${topic}`);
}

/**
 * Checks a topic filter, what is subscribed to (MQTT 5, 4.7.1 and 4.8.2). Throws a RangeError when `#` is not the whole last
 * level [MQTT-4.7.1-1], `+` not a whole level [MQTT-4.7.1-2], or the name of a shared subscription is empty or holds a
 * wildcard [MQTT-4.8.2-1, MQTT-4.8.2-2].
 */
export function checkTopicFilter(filter: string): void {
  if (filter === "") throw new RangeError("A topic filter must not be empty");
  encodeText(filter, "A topic filter");
  const shared = filter.startsWith("$share/");
  if (shared) {
    const slash = filter.indexOf("/", 7);
    const group = slash < 0 ? "" : filter.slice(7, slash);
    if (group === "" || /[#+]/.test(group) || slash === filter.length - 1)
      throw new RangeError(
        `A shared subscription is $share/NAME/FILTER: ${filter}`,
      );
  }
  const levels = filter.split("/");
  levels.forEach((level, index) => {
    if (level.includes("#") && (level !== "#" || index !== levels.length - 1))
      throw new RangeError(`# must be the whole last level: ${filter}`);
    if (level.includes("+") && level !== "+")
      throw new RangeError(`+ must be a whole level: ${filter}`);
  });
}

/** Tells whether a filter holds `#` or `+`. */
export function hasWildcard(filter: string): boolean {
  return filter.includes("#") || filter.includes("+");
}

/**
 * Tells whether a topic name is what a filter asks for (MQTT 5, 4.7). `a/#` matches `a` too, as the specification has it
 * (IoT Core does not send that); a wildcard at the first level does not match names that begin with `$` [MQTT-4.7.2-1].
 * Of a shared subscription the part after its name counts.
 */
export function matches(filter: string, topic: string): boolean {
  let from = 0;
  if (filter.startsWith("$share/")) from = filter.indexOf("/", 7) + 1;
  if (topic.startsWith("$") && !filter.startsWith("$", from)) {
    if (filter.startsWith("#", from) || filter.startsWith("+", from))
      return false;
  }
  let at = 0;
  for (;;) {
    if (filter.startsWith("#", from)) return true;
    let filterEnd = filter.indexOf("/", from);
    if (filterEnd < 0) filterEnd = filter.length;
    let topicEnd = topic.indexOf("/", at);
    if (topicEnd < 0) topicEnd = topic.length;
    const any = filterEnd === from + 1 && filter.startsWith("+", from);
    if (
      !any &&
      (filterEnd - from !== topicEnd - at ||
        filter.slice(from, filterEnd) !== topic.slice(at, topicEnd))
    )
      return false;
    const filterDone = filterEnd === filter.length;
    if (topicEnd === topic.length)
      return filterDone || filter.slice(filterEnd) === "/#";
    if (filterDone) return false;
    from = filterEnd + 1;
    at = topicEnd + 1;
  }
}
