import { ServiceError } from "../service-error.js";
import {
  isMap,
  PayloadError,
  readPayload,
  type PayloadValue,
} from "../services/payload.js";

/** What a rule looks at. */
export interface RuleMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly clientId: string | undefined;
}

/** A value of a message. */
type Expression = (
  message: RuleMessage,
  payload: PayloadValue | undefined,
) => PayloadValue | undefined;

/** A statement, ready to be asked. */
export interface Statement {
  /** MQTT filter behind FROM; none in a rule for Basic Ingest alone. */
  readonly filter?: string;
  /** What the statement makes of a message; undefined when its WHERE does not hold. */
  run(message: RuleMessage): Buffer | undefined;
}

const token =
  /\s*(?:('(?:[^']|'')*')|(-?\d+(?:\.\d+)?)|(<>|!=|<=|>=|[=<>(),.*])|([A-Za-z_]\w*))/y;

/** Functions that rules may call here. */
const functions = ["topic", "clientid", "timestamp"];

/**
 * Reads a rule's SQL. A part of AWS's language, with errors that say so for the rest: `SELECT` of `*`, members, text, numbers,
 * `topic()`, `topic(n)`, `clientid()` and `timestamp()`, each with `AS`; `FROM`; `WHERE` of comparisons joined by `AND`.
 * @throws ServiceError SqlParseException
 */
export function parseSql(sql: string): Statement {
  const parser = new Parser(sql);
  parser.keyword("SELECT");
  const columns = parser.columns();
  const filter = parser.optionalKeyword("FROM") ? parser.text() : undefined;
  const conditions = parser.optionalKeyword("WHERE") ? parser.conditions() : [];
  parser.end();
  return {
    ...(filter !== undefined && { filter }),
    run(message) {
      const payload = payloadOf(message);
      if (!conditions.every((holds) => holds(message, payload) === true))
        return undefined;
      if (columns.length === 1 && columns[0].name === "*")
        return message.payload;
      const selected = columns.flatMap(
        ({ name, value }): [string, PayloadValue | undefined][] => {
          const found = value(message, payload);
          if (name === "*") return isMap(found) ? Object.entries(found) : [];
          return [[name, found]];
        },
      );
      return Buffer.from(JSON.stringify(Object.fromEntries(selected)));
    },
  };
}

/** Text with `${expression}` in it, as topics of actions have it. @throws ServiceError SqlParseException */
export function parseTemplate(text: string): (message: RuleMessage) => string {
  const parts = text.split(/\$\{([^}]*)\}/).map((part, index) => {
    if (index % 2 === 0) return () => part;
    const parser = new Parser(part);
    const value = parser.expression();
    parser.end();
    return (message: RuleMessage) => {
      const found = value(message, payloadOf(message));
      return typeof found === "string" ? found : JSON.stringify(found ?? null);
    };
  });
  return (message) => parts.map((part) => part(message)).join("");
}

/** One statement, token by token. */
class Parser {
  readonly #sql: string;
  #position = 0;

  constructor(sql: string) {
    this.#sql = sql.trimEnd();
  }

  keyword(word: string): void {
    if (!this.optionalKeyword(word)) throw this.#problem(`${word} is expected`);
  }

  optionalKeyword(word: string): boolean {
    const found = this.#peek();
    if (found?.toUpperCase() !== word) return false;
    this.#take();
    return true;
  }

  columns(): { name: string; value: Expression }[] {
    const columns: { name: string; value: Expression }[] = [];
    do {
      const start = this.#position;
      const value = this.expression();
      const written = this.#sql.slice(start, this.#position).trim();
      const name = this.optionalKeyword("AS")
        ? this.#name()
        : (written.split(".").at(-1) ?? written);
      columns.push({ name, value });
    } while (this.#optional(","));
    return columns;
  }

  conditions(): Expression[] {
    const conditions: Expression[] = [];
    do {
      const left = this.expression();
      const operator = this.#take();
      const right = this.expression();
      conditions.push((message, payload) =>
        compare(operator, left(message, payload), right(message, payload)),
      );
    } while (this.optionalKeyword("AND"));
    return conditions;
  }

  expression(): Expression {
    const first = this.#take();
    if (first === "*") return (_, payload) => payload;
    if (first.startsWith("'")) return () => unquoted(first);
    if (/^-?\d/.test(first)) return () => Number(first);
    if (!/^\w/.test(first)) throw this.#problem(`"${first}" is no value`);
    if (this.#optional("(")) return this.#call(first.toLowerCase());
    const path = [first];
    while (this.#optional(".")) path.push(this.#name());
    return (_, payload) =>
      path.reduce<PayloadValue | undefined>(
        (value, name) =>
          isMap(value) && Object.hasOwn(value, name) ? value[name] : undefined,
        payload,
      );
  }

  text(): string {
    const found = this.#take();
    if (!found.startsWith("'")) throw this.#problem("text in ' is expected");
    return unquoted(found);
  }

  end(): void {
    if (this.#position < this.#sql.length)
      throw this.#problem(
        "this local cloud knows SELECT of members, topic(), clientid() and timestamp(), FROM, and WHERE of comparisons joined by AND",
      );
  }

  #call(name: string): Expression {
    if (!functions.includes(name))
      throw this.#problem(
        `${name}() is none of ${functions.join("(), ")}() that this local cloud knows`,
      );
    const argument = this.#optional(")") ? undefined : Number(this.#take());
    if (argument !== undefined && !this.#optional(")"))
      throw this.#problem(") is expected");
    if (name === "clientid") return ({ clientId }) => clientId ?? "N/A";
    if (name === "timestamp") return () => Date.now();
    return ({ topic }) =>
      argument === undefined ? topic : topic.split("/")[argument - 1];
  }

  #name(): string {
    const name = this.#take();
    if (!/^[A-Za-z_]/.test(name)) throw this.#problem("a name is expected");
    return name;
  }

  #optional(symbol: string): boolean {
    if (this.#peek() !== symbol) return false;
    this.#take();
    return true;
  }

  #peek(): string | undefined {
    token.lastIndex = this.#position;
    return token.exec(this.#sql)?.[0].trim();
  }

  #take(): string {
    const found = this.#peek();
    if (found === undefined) throw this.#problem("the statement ends early");
    this.#position = token.lastIndex;
    return found;
  }

  #problem(what: string): ServiceError {
    return new ServiceError(
      "SqlParseException",
      `The SQL cannot be read at "${this.#sql.slice(this.#position, this.#position + 30)}": ${what}.`,
    );
  }
}

function unquoted(text: string): string {
  return text.slice(1, -1).replaceAll("''", "'");
}

function payloadOf({ payload }: RuleMessage): PayloadValue | undefined {
  try {
    return readPayload("json", payload);
  } catch (error) {
    if (error instanceof PayloadError) return undefined;
    throw error;
  }
}

/** Values of different types do not compare: the condition does not hold. */
function compare(
  operator: string,
  left: PayloadValue | undefined,
  right: PayloadValue | undefined,
): boolean {
  if (operator === "=") return left === right;
  if (operator === "<>" || operator === "!=") return left !== right;
  if (
    !(typeof left === "number" && typeof right === "number") &&
    !(typeof left === "string" && typeof right === "string")
  )
    return false;
  switch (operator) {
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case ">":
      return left > right;
    default:
      return left >= right;
  }
}
