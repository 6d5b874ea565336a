import {
  checkFilter,
  checkTopic,
  PublishLimits,
} from "../../../modules/aws-iot/limits.js";
import type { Properties } from "../../../modules/mqtt/properties.js";
import { throws } from "../assert.js";
import { test } from "../harness.js";

const seven = "a/".repeat(7) + "b";

test("counts neither Basic Ingest's prefix nor a group's name, nor the slashes of the service's own topics", () => {
  checkTopic(seven);
  checkTopic(`$aws/rules/rule/${seven}`);
  checkTopic("$aws/commands/things/t/executions/e/response/accepted/json");
  checkFilter(`$share/group/${seven}`);
  for (const topic of [`${seven}/c`, `$aws/rules/rule/${seven}/c`])
    throws(() => checkTopic(topic), /8 slashes/);
  throws(() => checkTopic(`$aws/rules/r/${"x".repeat(257)}`), /257 bytes/);
  throws(() => checkFilter(`$share/group/${seven}/#`), /8 slashes/);
  throws(
    () => checkFilter(`$share/${"g".repeat(129)}/a`),
    /129 bytes in a group/,
  );
  throws(() => checkFilter("a/#/b"), /mqtt.topic-invalid/);
});

test("names the property that is too large", () => {
  const limits = new PublishLimits();
  const check = (properties: Properties) => () =>
    limits.check("t", 0, properties);
  check({ contentType: "x".repeat(256) })();
  throws(check({ contentType: "x".repeat(257) }), /content type: 257 bytes/);
  throws(
    check({ correlationData: new ArrayBuffer(8193) }),
    /correlation data: 8193 bytes/,
  );
  throws(
    check({ userProperties: [["n", "v".repeat(8192)]] }),
    /user properties: 8193 bytes/,
  );
  throws(check({ responseTopic: "a/+" }), /mqtt.topic-invalid/);
});
