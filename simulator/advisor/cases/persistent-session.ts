import type { IConnectPacket } from "mqtt-packet";
import type { DeviceConnection } from "../endpoint/device-connection.js";
import type { TestCase } from "../test-case.js";
import type { Trial } from "../trial.js";
import { fail, pass, type Verdict } from "../verdict.js";
import {
  subscribes,
  triggerSubscription,
  type TriggerSubscription,
} from "./subscription.js";

/** Packet identifier of the message that waited for the device. */
const messageId = 7002;

/** Seconds that a SUBSCRIBE that is too many may take to come. */
const grace = 5;

/** Why a broker would not keep the session of this CONNECT; undefined when it would. */
function notPersistent(connect: IConnectPacket): string | undefined {
  if (connect.clean !== false)
    return connect.protocolVersion === 5
      ? "It connects with Clean Start."
      : "It connects with Clean Session.";
  if (
    connect.protocolVersion === 5 &&
    !connect.properties?.sessionExpiryInterval
  )
    return "It asks for a Session Expiry Interval of 0, so its session ends with the connection.";
  return undefined;
}

/** The device subscribes and is disconnected; then it comes again, and CONNACK says what `sessionPresent` is. */
async function comesAgain(
  trial: Trial,
  sessionPresent: boolean,
): Promise<
  string | { subscription: TriggerSubscription; again: DeviceConnection }
> {
  const subscription = await triggerSubscription(trial);
  const { connection } = subscription;
  const why = notPersistent(connection.connect!.packet);
  if (why !== undefined) return why;
  await trial.pass(1);
  trial.endpoint.answers.sessionPresent = sessionPresent;
  connection.drop();
  return { subscription, again: await trial.connected(connection.number) };
}

async function keepsSession(trial: Trial): Promise<Verdict> {
  const met = await comesAgain(trial, true);
  if (typeof met === "string") return fail(met);
  const { again, subscription } = met;
  const { filter, topic } = subscription;
  again.send({
    cmd: "publish",
    topic,
    qos: 1,
    dup: false,
    retain: false,
    messageId,
    payload: "kept while the device was away",
  });
  const taken = await trial.expect(
    `PUBACK for the message that waited on ${topic}`,
    () =>
      again
        .all("puback")
        .find(({ packet }) => packet.messageId === messageId) ?? again.ended,
  );
  if ("by" in taken)
    return fail("It did not acknowledge the message that waited for it.");
  await trial.within(grace, () => subscribes(again, filter) || undefined);
  if (subscribes(again, filter))
    return fail(
      `It subscribed to ${filter} again, although its session was kept.`,
    );
  return pass(
    `It acknowledged the message that waited on ${topic}, and did not subscribe again.`,
  );
}

async function noticesLostSession(trial: Trial): Promise<Verdict> {
  const met = await comesAgain(trial, false);
  if (typeof met === "string") return fail(met);
  const { again, subscription } = met;
  const { filter } = subscription;
  await trial.expect(
    `a SUBSCRIBE to ${filter} after its session was lost`,
    () => subscribes(again, filter) || undefined,
  );
  return pass(`It subscribed to ${filter} again, as its session was lost.`);
}

export const mqttPersistentSession: TestCase = {
  number: "M12",
  id: "MQTT_Persistent_Session_Happy_Case",
  group: "MQTT",
  title: "takes up a session that was kept, without subscribing",
  timeout: 300,
  scale: 5,
  tolerance: 10,
  run: keepsSession,
};

export const mqttExpiredSession: TestCase = {
  number: "M13",
  id: "MQTT_Expired_Persistent_Session",
  group: "MQTT",
  title: "subscribes again when its session was lost",
  timeout: 300,
  scale: 5,
  tolerance: 10,
  run: noticesLostSession,
};

export const longPersistentSession: TestCase = {
  number: "L9",
  id: "PERSISTENT_SESSION",
  group: "MQTT long duration",
  title: "takes up a session that was kept, without subscribing",
  scenario: "Advanced",
  timeout: 300,
  scale: 5,
  tolerance: 10,
  run: keepsSession,
};
