import { Cloud } from "../../simulator/cloud/cloud.js";

/**
 * The local cloud as the benchmark measures it, in a process of its own: `node cloud-server.js DIR`. AWS's limits on one
 * connection's rate, which would be all that is measured, are off.
 */
const [, , stateDir = ""] = process.argv;
const cloud = await new Cloud({
  stateDir,
  port: 0,
  choices: { publishRate: 0, connectRate: 0, replayRate: 0 },
}).start();
console.log(cloud.port);
process.on("SIGTERM", () => void cloud.stop().then(() => process.exit()));
