import { arn as ownArn } from "./names.js";

/** Name of the policy that every node gets. */
export const nodePolicyName = "fieldnode-node";

const thing = "${iot:Connection.Thing.ThingName}";

/**
 * The least that a node needs: to connect under its own name with its own certificate, to send below
 * `dt/fieldnode/<thing>/` and to be sent commands below `cmd/fieldnode/<thing>/`. One document for all nodes, because AWS
 * puts in the name of the thing that connects.
 * @param arn makes the ARN of a resource in the account that the policy is for; this cloud's own unless given
 */
export function nodePolicy(arn: (resource: string) => string = ownArn): string {
  return JSON.stringify(
    {
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "Connect",
          Effect: "Allow",
          Action: "iot:Connect",
          Resource: arn(`client/${thing}`),
          Condition: { Bool: { "iot:Connection.Thing.IsAttached": ["true"] } },
        },
        {
          Sid: "Send",
          Effect: "Allow",
          Action: "iot:Publish",
          Resource: arn(`topic/dt/fieldnode/${thing}/*`),
        },
        {
          Sid: "Subscribe",
          Effect: "Allow",
          Action: "iot:Subscribe",
          Resource: [
            arn(`topicfilter/dt/fieldnode/${thing}/*`),
            arn(`topicfilter/cmd/fieldnode/${thing}/*`),
          ],
        },
        {
          Sid: "Receive",
          Effect: "Allow",
          Action: "iot:Receive",
          Resource: [
            arn(`topic/dt/fieldnode/${thing}/*`),
            arn(`topic/cmd/fieldnode/${thing}/*`),
          ],
        },
      ],
    },
    null,
    2,
  );
}
