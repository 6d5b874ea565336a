import { Cloud } from "../../simulator/cloud/cloud.js";

/**
 * The local cloud as it is measured, and killed, in a process of its own: `node cloud-server.js DIR`; prints its port. AWS's
 * limits on rates, which would be all that is measured, are off.
 */
const [, , stateDir = ""] = process.argv;
const cloud = await new Cloud({
  stateDir,
  port: 0,
  choices: {
    publishRate: 0,
    throughput: 0,
    accountConnectRate: 0,
    accountPublishRate: 0,
    connectRate: 0,
    replayRate: 0,
    shadowRate: 0,
  },
}).start();
console.log(cloud.port);
process.on("SIGTERM", () => void cloud.stop().then(() => process.exit()));
