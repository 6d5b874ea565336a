import type { TestCase } from "../test-case.js";
import type { Trial } from "../trial.js";
import { fail, pass, type Verdict } from "../verdict.js";

/** Nothing goes wrong: the device must do its part. */

async function connects(trial: Trial): Promise<Verdict> {
  const { packet } = await trial.packet("CONNECT", "connect");
  return packet.clientId === ""
    ? fail("CONNECT without a client id: no policy can name this device.")
    : pass(`CONNECT as ${packet.clientId}.`);
}

async function publishes(trial: Trial): Promise<Verdict> {
  const { packet } = await trial.packet(
    "a PUBLISH with QoS 0",
    "publish",
    ({ qos }) => qos === 0,
  );
  return pass(`PUBLISH to ${packet.topic}, ${packet.payload.length} bytes.`);
}

const subscribes =
  (QoS?: number) =>
  async (trial: Trial): Promise<Verdict> => {
    const { packet } = await trial.packet(
      QoS === undefined ? "a SUBSCRIBE" : `a SUBSCRIBE with QoS ${QoS}`,
      "subscribe",
      ({ subscriptions }) =>
        subscriptions.some(({ qos }) => QoS === undefined || qos === QoS),
    );
    return pass(
      `SUBSCRIBE to ${packet.subscriptions.map(({ topic }) => topic).join(", ")}.`,
    );
  };

export const mqttConnect: TestCase = {
  number: "M1",
  id: "MQTT_Connect",
  group: "MQTT",
  title: "sends CONNECT",
  required: true,
  timeout: 120,
  scale: 1,
  run: connects,
};

export const mqttPublish: TestCase = {
  number: "M7",
  id: "MQTT_Publish",
  group: "MQTT",
  title: "publishes with QoS 0",
  required: true,
  timeout: 120,
  scale: 5,
  run: publishes,
};

export const mqttSubscribe: TestCase = {
  number: "M9",
  id: "MQTT_Subscribe",
  group: "MQTT",
  title: "subscribes",
  required: true,
  timeout: 120,
  scale: 1,
  run: subscribes(),
};

export const longConnect: TestCase = {
  number: "L1",
  id: "CONNECT",
  group: "MQTT long duration",
  title: "sends CONNECT",
  scenario: "Basic",
  timeout: 300,
  scale: 1,
  run: connects,
};

export const longPublish0: TestCase = {
  number: "L2",
  id: "PUBLISH_QOS_0",
  group: "MQTT long duration",
  title: "publishes with QoS 0",
  scenario: "Basic",
  timeout: 300,
  scale: 5,
  run: publishes,
};

export const longSubscribe0: TestCase = {
  number: "L4",
  id: "SUBSCRIBE_QOS_0",
  group: "MQTT long duration",
  title: "subscribes with QoS 0",
  scenario: "Basic",
  timeout: 300,
  scale: 1,
  run: subscribes(0),
};
