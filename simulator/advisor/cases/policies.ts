import { nodePolicy, nodePolicyName } from "../../cloud/node-policy.js";
import { lintPolicy } from "../policy-linter.js";
import type { TestCase } from "../test-case.js";
import { fail, pass } from "../verdict.js";

/** The policy that `npm run provision` attaches to a node's certificate. */
export const devicePolicies: TestCase = {
  number: "P1",
  id: "Security_Device_Policies",
  group: "Permissions and policies",
  title: "its certificate's policies allow no more than it needs",
  timeout: 60,
  scale: 1,
  run() {
    const found = lintPolicy(nodePolicy());
    return Promise.resolve(
      found.length === 0
        ? pass(`The policy ${nodePolicyName} allows nothing to other devices.`)
        : fail(`The policy ${nodePolicyName}: ${found.join("; ")}.`),
    );
  },
};
