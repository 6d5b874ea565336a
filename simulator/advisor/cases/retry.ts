import type { IPublishPacket, ISubscribePacket } from "mqtt-packet";
import type { DeviceConnection } from "../endpoint/device-connection.js";
import type { TestCase } from "../test-case.js";
import type { Trial } from "../trial.js";
import { fail, pass, warn, type Verdict } from "../verdict.js";

/** Seconds within which a long duration test wants to see a packet again. */
const window = 15;

/** Seconds that the other cases wait: Device Advisor's default EXECUTION_TIMEOUT. */
const timeout = 300;

type Retryable = IPublishPacket | ISubscribePacket;

/** What a device must send again when it is not acknowledged: a PUBLISH or a SUBSCRIBE, with QoS 1. */
interface Kind {
  readonly cmd: Retryable["cmd"];
  readonly answer: "puback" | "suback";
}

const publish: Kind = { cmd: "publish", answer: "puback" };
const subscribe: Kind = { cmd: "subscribe", answer: "suback" };

/** How the device did it. */
interface Retry {
  readonly how: "same-id" | "without-dup" | "new-id" | "not";
  readonly words: string;
  readonly connection: DeviceConnection;
  readonly packet: Retryable;
}

/** The packets of that kind on a connection, in order, with their times. */
function sent(
  connection: DeviceConnection,
  { cmd }: Kind,
): { time: number; packet: Retryable }[] {
  return connection
    .all(cmd)
    .filter(({ packet }) =>
      packet.cmd === "publish"
        ? packet.qos === 1
        : packet.subscriptions.some(({ qos }) => qos >= 1),
    );
}

/** Whether two packets carry the same. */
function same(a: Retryable, b: Retryable): boolean {
  if (a.cmd === "publish" && b.cmd === "publish")
    return (
      a.topic === b.topic &&
      Buffer.from(a.payload).equals(Buffer.from(b.payload))
    );
  if (a.cmd === "subscribe" && b.cmd === "subscribe")
    return JSON.stringify(a.subscriptions) === JSON.stringify(b.subscriptions);
  return false;
}

/**
 * Leaves a packet without an answer and looks how the device sends it again: on the same connection, with the same packet
 * identifier. A new connection begins the case anew, as Device Advisor has it.
 */
async function retry(
  trial: Trial,
  kind: Kind,
  seconds: number,
): Promise<Retry> {
  const what = `${kind.cmd.toUpperCase()} with QoS 1`;
  for (let after = 0; ;) {
    const { connection, first } = await trial.expect(`a ${what}`, () => {
      const found = trial.connections
        .slice(after)
        .find((one) => sent(one, kind).length > 0);
      return found && { connection: found, first: sent(found, kind)[0] };
    });
    const id = first.packet.messageId ?? 0;
    const later = () => sent(connection, kind).slice(1);
    const again = await trial.within(
      seconds,
      () =>
        later().find(({ packet }) => packet.messageId === id) ??
        connection.ended,
    );
    if (again && !("packet" in again)) {
      after = connection.number;
      continue;
    }
    const result = { connection, packet: first.packet };
    if (again) {
      const dup = again.packet.cmd === "subscribe" || again.packet.dup;
      return {
        ...result,
        how: dup ? "same-id" : "without-dup",
        words: `${what} id ${id} came again after ${(again.time - first.time).toFixed(1)} s`,
      };
    }
    const renamed = later().find(({ packet }) => same(packet, first.packet));
    return renamed
      ? {
          ...result,
          how: "new-id",
          words: `What ${what} id ${id} carried came again as id ${renamed.packet.messageId ?? 0}`,
        }
      : {
          ...result,
          how: "not",
          words: `${what} id ${id} did not come again in ${seconds.toFixed(0)} s`,
        };
  }
}

/** A retransmitted PUBLISH has DUP (MQTT-3.3.1-1): one without is told. */
function judge(
  { how, words }: Retry,
  otherwise: (reason: string) => Verdict,
): Verdict {
  if (how === "same-id") return pass(`${words}.`);
  if (how === "without-dup")
    return warn(`${words}, but without DUP, which the specification demands.`);
  return otherwise(`${words}.`);
}

const neverAnswered =
  (kind: Kind) =>
  async (trial: Trial): Promise<Verdict> => {
    trial.endpoint.answers[kind.answer] = false;
    return judge(await retry(trial, kind, trial.left), fail);
  };

/** As the long duration test does it: answered in the end, and a device that sends nothing again is only warned. */
const answeredLate =
  (kind: Kind) =>
  async (trial: Trial): Promise<Verdict> => {
    trial.endpoint.answers[kind.answer] = false;
    const found = await retry(trial, kind, window);
    trial.endpoint.answers[kind.answer] = true;
    const { messageId = 0 } = found.packet;
    found.connection.send(
      found.packet.cmd === "publish"
        ? { cmd: "puback", messageId, reasonCode: 0 }
        : {
            cmd: "suback",
            messageId,
            granted: found.packet.subscriptions.map(({ qos }) => qos),
          },
    );
    return judge(found, warn);
  };

export const mqttPublishRetry: TestCase = {
  number: "M8",
  id: "MQTT_Publish_Retry_No_Puback",
  group: "MQTT",
  title: "publishes again with the same packet id",
  timeout,
  scale: 5,
  tolerance: 30,
  run: neverAnswered(publish),
};

export const mqttSubscribeRetry: TestCase = {
  number: "M10",
  id: "MQTT_Subscribe_Retry_No_Suback",
  group: "MQTT",
  title: "subscribes again with the same packet id",
  timeout,
  scale: 5,
  tolerance: 30,
  run: neverAnswered(subscribe),
};

export const longPublish1: TestCase = {
  number: "L3",
  id: "PUBLISH_QOS_1",
  group: "MQTT long duration",
  title: "publishes again within 15 s",
  scenario: "Basic",
  timeout,
  scale: 5,
  run: answeredLate(publish),
};

export const longSubscribe1: TestCase = {
  number: "L5",
  id: "SUBSCRIBE_QOS_1",
  group: "MQTT long duration",
  title: "subscribes again within 15 s",
  scenario: "Basic",
  timeout,
  scale: 5,
  run: answeredLate(subscribe),
};
