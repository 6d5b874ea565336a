import { Qualification } from "../../../modules/aws-iot/qualification.js";
import { deepEqual } from "../assert.js";
import { test } from "../harness.js";

test("a qualification subscribes with both QoS, and greets with QoS 0", () => {
  const done: unknown[] = [];
  const qualification = new Qualification({
    connection: {
      subscribe: (filter, options) => {
        done.push([filter, options.QoS]);
        return { close: () => {} };
      },
      publish: (topic, payload, options) => {
        done.push([topic, payload.byteLength, options?.QoS]);
        return Promise.resolve();
      },
    },
    thing: "node-1",
  });
  qualification.greet();
  deepEqual(done, [
    ["cmd/fieldnode/node-1/qualification/1", 1],
    ["cmd/fieldnode/node-1/qualification/0", 0],
    ["dt/fieldnode/node-1/qualification", 6, 0],
  ]);
});
