import type { DeviceConnection } from "../endpoint/device-connection.js";
import type { Trial } from "../trial.js";

/** A subscription of the device with QoS 1. */
export interface TriggerSubscription {
  readonly connection: DeviceConnection;
  readonly filter: string;
  /** A topic that the filter matches: AWS's TRIGGER_TOPIC. */
  readonly topic: string;
}

/** Waits for the first filter that the device subscribes to with QoS 1. */
export async function triggerSubscription(
  trial: Trial,
): Promise<TriggerSubscription> {
  const { connection, packet } = await trial.packet(
    "a SUBSCRIBE with QoS 1",
    "subscribe",
    ({ subscriptions }) => subscriptions.some(({ qos }) => qos >= 1),
  );
  const filter = packet.subscriptions.find(({ qos }) => qos >= 1)!.topic;
  return { connection, filter, topic: topicOf(filter) };
}

/** Whether a connection has subscribed to a filter. */
export const subscribes = (
  connection: DeviceConnection,
  filter: string,
): boolean =>
  connection
    .all("subscribe")
    .some(({ packet }) =>
      packet.subscriptions.some(({ topic }) => topic === filter),
    );

/** A topic that a filter matches; of a shared subscription, what stands behind `$share/name/`. */
function topicOf(filter: string): string {
  return filter
    .replace(/^\$share\/[^/]+\//, "")
    .split("/")
    .map((level) => (level === "+" || level === "#" ? "advisor" : level))
    .join("/");
}
