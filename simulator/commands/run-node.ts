import {
  AccessPoint,
  type AccessPointOptions,
} from "../device/access-point/access-point.js";
import { NodeProcess } from "./node-process.js";

/** A node that a command runs from its start to its end. */
export interface NodeRun {
  /** Folder of its flash. */
  flash: string;
  /** The firmware's settings, but for those of its network. */
  config: Record<string, unknown>;
  accessPoint: AccessPointOptions;
  /** Called for each line that the node prints. */
  onLine: (line: string) => void;
}

/**
 * Runs a node with an access point of its own until it ends, or Ctrl-C or SIGTERM ends it.
 *
 * @returns the node's exit code
 */
export async function runNode({
  flash,
  config,
  accessPoint: options,
  onLine,
}: NodeRun): Promise<number> {
  const accessPoint = await new AccessPoint(options).open();
  const node = new NodeProcess({
    flash,
    config: { ...config, ...accessPoint.settings },
    device: accessPoint.deviceOptions,
    onLine,
  });
  const stop = () => void node.stop();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  const code = await node.ended;
  accessPoint.close();
  return code;
}
