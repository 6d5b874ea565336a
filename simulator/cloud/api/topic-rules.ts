import {
  ruleArn,
  type RuleAction,
  type RulePayload,
  type Rules,
} from "../ingest/rules.js";
import { filterMatches } from "../mqtt/topic.js";
import { ServiceError } from "../service-error.js";
import type { ApiRequest } from "./api-request.js";
import { optional } from "./members.js";
import { page } from "./page.js";
import type { Operation } from "./router.js";
import { putTagsOfHeader } from "./tags.js";

/** CreateTopicRule: its body is the rule itself. */
export const createTopicRule: Operation = (request, services) => {
  const ruleName = request.label("ruleName");
  services.services.rules.create(ruleName, payloadOf(request));
  putTagsOfHeader(request, services, ruleArn(ruleName));
};

/** GetTopicRule. AWS calls a rule that is not there a forbidden one. */
export const getTopicRule: Operation = (request, { services }) => {
  const ruleName = request.label("ruleName");
  try {
    return services.rules.describe(ruleName);
  } catch (error) {
    if (error instanceof ServiceError)
      throw new ServiceError(
        "UnauthorizedException",
        `Access to topic rule '${ruleName}' was denied`,
      );
    throw error;
  }
};

/** ListTopicRules; with `topic` those that see messages of it. */
export const listTopicRules: Operation = (request, { services }) => {
  const topic = request.query("topic");
  const disabled = request.query("ruleDisabled");
  return page(
    request,
    "nextToken",
    "rules",
    services.rules
      .list()
      .filter(
        ({ rule, topicPattern }) =>
          (topic === undefined ||
            (topicPattern !== undefined &&
              filterMatches(topicPattern, topic))) &&
          (disabled ?? String(rule.ruleDisabled)) === String(rule.ruleDisabled),
      ),
    ({ rule }) => rule.ruleName,
    shownInList,
  );
};

/** ReplaceTopicRule. */
export const replaceTopicRule: Operation = (request, { services }) => {
  services.rules.replace(request.label("ruleName"), payloadOf(request));
};

/** EnableTopicRule. */
export const enableTopicRule: Operation = (request, { services }) => {
  services.rules.setDisabled(request.label("ruleName"), false);
};

/** DisableTopicRule. */
export const disableTopicRule: Operation = (request, { services }) => {
  services.rules.setDisabled(request.label("ruleName"), true);
};

/** DeleteTopicRule. */
export const deleteTopicRule: Operation = (request, { services }) => {
  services.rules.delete(request.label("ruleName"));
};

function payloadOf(request: ApiRequest): RulePayload {
  const version = request.optionalText("awsIotSqlVersion");
  return {
    sql: request.text("sql"),
    actions: request.structures("actions").map(actionOf),
    ...optional("description", request.optionalText("description")),
    ...optional("ruleDisabled", request.optionalFlag("ruleDisabled")),
    ...optional("awsIotSqlVersion", version),
    ...(request.members.errorAction !== undefined && {
      errorAction: actionOf(request.structure("errorAction")),
    }),
  };
}

/** An action as it came: only what is done here is looked into. */
function actionOf(action: ApiRequest): RuleAction {
  if (action.members.republish !== undefined) {
    const republish = action.structure("republish");
    republish.text("topic");
    republish.optionalNumber("qos");
  }
  return action.members;
}

function shownInList({
  ruleArn: arn,
  topicPattern,
  rule: { ruleName, createdAt, ruleDisabled },
}: ReturnType<Rules["list"]>[number]): object {
  return {
    ruleArn: arn,
    ruleName,
    ...optional("topicPattern", topicPattern),
    createdAt,
    ruleDisabled,
  };
}
