import type { EventLog } from "../event-log.js";
import type { Broker } from "../mqtt/broker.js";
import { filterMatches, topicProblem } from "../mqtt/topic.js";
import { arn } from "../names.js";
import { ServiceError } from "../service-error.js";
import { requireText } from "../services/input.js";
import type { Store } from "../store.js";
import {
  parseSql,
  parseTemplate,
  type RuleMessage,
  type Statement,
} from "./sql.js";

/** What a rule does with what it selects: on AWS much, here `republish`; everything else is only shown. */
export interface RuleAction {
  readonly republish?: {
    readonly topic: string;
    readonly qos?: number;
    readonly roleArn?: string;
  };
}

/** What `CreateTopicRule` takes as `topicRulePayload`. */
export interface RulePayload {
  readonly sql: string;
  readonly description?: string;
  readonly actions: readonly RuleAction[];
  readonly ruleDisabled?: boolean;
  readonly awsIotSqlVersion?: string;
  readonly errorAction?: RuleAction;
}

/** A rule as it is kept. */
interface RuleRecord extends RulePayload {
  readonly ruleName: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

interface ActiveRule {
  readonly record: RuleRecord;
  readonly statement: Statement;
}

const namePattern = /^[a-zA-Z0-9_]{1,128}$/;
/** Rules that may call each other by what they publish again. */
const depthLimit = 10;
/** Characters of a message that the log shows. */
const shownLength = 200;

/**
 * The rules engine: sees every message that passes the broker, and those that are published to a rule directly (Basic
 * Ingest). Shows in the log what rules select, and publishes again where they say so.
 */
export class Rules {
  readonly #store: Store;
  readonly #broker: Broker;
  readonly #log: EventLog;
  readonly #rules = new Map<string, ActiveRule>();
  #depth = 0;

  constructor(store: Store, broker: Broker, log: EventLog) {
    this.#store = store;
    this.#broker = broker;
    this.#log = log;
    for (const { value } of store.rules.getRange()) {
      const record = value as RuleRecord;
      this.#rules.set(record.ruleName, {
        record,
        statement: parseSql(record.sql),
      });
    }
  }

  /** CreateTopicRule. @throws ServiceError SqlParseException, InvalidRequestException, ResourceAlreadyExistsException */
  create(ruleName: string, payload: RulePayload): void {
    requireText(ruleName, "ruleName", namePattern);
    if (this.#rules.has(ruleName))
      throw new ServiceError(
        "ResourceAlreadyExistsException",
        `Rule ${ruleName} already exists`,
      );
    this.#put({ ...payload, ruleName, createdAt: Date.now() });
  }

  /** GetTopicRule. @throws ServiceError ResourceNotFoundException */
  describe(ruleName: string) {
    const { record } = this.#find(ruleName);
    return {
      ruleArn: ruleArn(ruleName),
      rule: {
        ...record,
        ruleDisabled: record.ruleDisabled ?? false,
        createdAt: record.createdAt / 1000,
      },
    };
  }

  /** Every rule, as `describe` tells it, with the filter of the topics that it sees. */
  list(): (ReturnType<Rules["describe"]> & {
    readonly topicPattern: string | undefined;
  })[] {
    return [...this.#rules.keys()].sort().map((name) => ({
      ...this.describe(name),
      topicPattern: this.#find(name).statement.filter,
    }));
  }

  /** ReplaceTopicRule. @throws ServiceError */
  replace(ruleName: string, payload: RulePayload): void {
    const { createdAt } = this.#find(ruleName).record;
    this.#put({ ...payload, ruleName, createdAt });
  }

  /** EnableTopicRule and DisableTopicRule. @throws ServiceError ResourceNotFoundException */
  setDisabled(ruleName: string, ruleDisabled: boolean): void {
    this.#put({ ...this.#find(ruleName).record, ruleDisabled });
  }

  /** DeleteTopicRule; what is not there is already deleted. */
  delete(ruleName: string): void {
    this.#rules.delete(ruleName);
    this.#store.rules.removeSync(ruleName);
  }

  /** A message passed the broker: every rule whose filter matches looks at it. */
  passed(message: RuleMessage): void {
    for (const rule of this.#rules.values()) {
      const { filter } = rule.statement;
      if (
        !rule.record.ruleDisabled &&
        filter !== undefined &&
        filterMatches(filter, message.topic)
      )
        this.#run(rule, message);
    }
  }

  /** A message was published to a rule directly. A rule that is none takes it without a word, but for the log's. */
  ingest(ruleName: string, message: RuleMessage): void {
    const rule = this.#rules.get(ruleName);
    if (rule && !rule.record.ruleDisabled) {
      this.#run(rule, message);
      return;
    }
    this.#tell(
      ruleName,
      message,
      rule
        ? "the rule is disabled: the message is lost"
        : "RuleNotFound: there is no such rule, the message is lost",
    );
  }

  #run({ record, statement }: ActiveRule, message: RuleMessage): void {
    const selected = statement.run(message);
    if (!selected) return;
    this.#tell(record.ruleName, message, printable(selected));
    for (const { republish } of record.actions)
      if (republish)
        this.#republish(record.ruleName, message, republish, selected);
  }

  #republish(
    ruleName: string,
    message: RuleMessage,
    { topic: template, qos }: NonNullable<RuleAction["republish"]>,
    payload: Buffer,
  ): void {
    const topic = parseTemplate(template)(message);
    const flaw =
      this.#depth >= depthLimit
        ? "rules call each other in a circle"
        : topicProblem(topic);
    if (flaw !== undefined) {
      this.#tell(ruleName, message, `not published to ${topic}: ${flaw}`);
      return;
    }
    this.#depth += 1;
    try {
      this.#broker.publish({
        topic,
        payload,
        qos: qos === 1 ? 1 : 0,
        retain: false,
      });
    } finally {
      this.#depth -= 1;
    }
  }

  #tell(rule: string, message: RuleMessage, result: string): void {
    this.#log.add({
      type: "rule",
      client: message.clientId ?? "",
      rule,
      topic: message.topic,
      bytes: message.payload.length,
      result,
    });
  }

  #find(ruleName: string): ActiveRule {
    const rule = this.#rules.get(ruleName);
    if (!rule)
      throw new ServiceError(
        "ResourceNotFoundException",
        `Rule ${ruleName} not found`,
      );
    return rule;
  }

  #put(record: RuleRecord): void {
    const statement = parseSql(record.sql);
    for (const { republish } of record.actions)
      if (republish) parseTemplate(republish.topic);
    this.#store.rules.putSync(record.ruleName, record);
    this.#rules.set(record.ruleName, { record, statement });
  }
}

/** ARN of a rule. */
export function ruleArn(ruleName: string): string {
  return arn(`rule/${ruleName}`);
}

function printable(payload: Buffer): string {
  return payload.toString("utf8", 0, shownLength);
}
