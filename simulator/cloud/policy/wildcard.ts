/** A piece of a pattern: text that stands for itself, `*` (any run, slashes included), `?` (one character), a variable. */
export type PatternPart =
  | { readonly text: string }
  | { readonly any: true }
  | { readonly one: true }
  | { readonly variable: string };

/** Value of a policy variable, or undefined when it has none that may be put into a pattern. */
export type Substitution = (variable: string) => string | undefined;

/**
 * Takes a pattern apart. `${*}`, `${?}` and `${$}` are those characters themselves; `${name}` is a variable; a `${` that is
 * never closed is text. `+` and `#` mean nothing here: a policy knows no MQTT wildcards.
 */
export function parsePattern(pattern: string): PatternPart[] {
  const parts: PatternPart[] = [];
  let text = "";
  const flush = () => {
    if (text) parts.push({ text });
    text = "";
  };
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at];
    const close = pattern.startsWith("${", at) ? pattern.indexOf("}", at) : -1;
    if (close > 0) {
      const name = pattern.slice(at + 2, close);
      at = close;
      if (name === "*" || name === "?" || name === "$") text += name;
      else {
        flush();
        parts.push({ variable: name });
      }
    } else if (character === "*" || character === "?") {
      flush();
      parts.push(character === "*" ? { any: true } : { one: true });
    } else text += character;
  }
  flush();
  return parts;
}

/**
 * Puts the variables' values into a pattern.
 * @returns undefined when one has no value: the pattern then matches nothing
 */
export function substitute(
  parts: readonly PatternPart[],
  valueOf: Substitution,
): PatternPart[] | undefined {
  const result: PatternPart[] = [];
  for (const part of parts) {
    if (!("variable" in part)) {
      result.push(part);
      continue;
    }
    const value = valueOf(part.variable);
    if (value === undefined) return undefined;
    result.push({ text: value });
  }
  return result;
}

/** Whether `subject` as a whole matches the pattern. Linear in practice: only the last `*` is ever tried again. */
export function matchesPattern(
  parts: readonly PatternPart[],
  subject: string,
): boolean {
  let part = 0;
  let at = 0;
  let star = -1;
  let starAt = 0;
  for (;;) {
    const current = parts.at(part);
    if (current === undefined) {
      if (at === subject.length) return true;
    } else if ("any" in current) {
      star = part++;
      starAt = at;
      continue;
    } else if ("one" in current) {
      const width = characterWidth(subject, at);
      if (width > 0) {
        part++;
        at += width;
        continue;
      }
    } else if ("text" in current && subject.startsWith(current.text, at)) {
      part++;
      at += current.text.length;
      continue;
    }
    if (star < 0 || starAt >= subject.length) return false;
    starAt += characterWidth(subject, starAt);
    at = starAt;
    part = star + 1;
  }
}

/** Code units of the character at `at`; 0 at the end. */
function characterWidth(text: string, at: number): number {
  const code = text.codePointAt(at);
  return code === undefined ? 0 : code > 0xffff ? 2 : 1;
}
