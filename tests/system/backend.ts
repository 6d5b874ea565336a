import mqtt, { type MqttClient } from "mqtt";
import type { Cloud } from "../../simulator/cloud/cloud.js";
import { makeIdentity } from "../../simulator/cloud/provisioning.js";
import { Certificates } from "../../simulator/cloud/registry/certificates.js";

/** One message as a backend sees it. */
export interface Received {
  topic: string;
  text: string;
}

/** A sample as it arrives. With `dropped` it tells how many were given up, up to `last`. */
export interface Sample {
  seq: number;
  time: number;
  sensor: string;
  temperature: number;
  humidity: number;
  fault?: string;
  dropped?: number;
  last?: number;
}

/** An application behind the cloud: a client that is not ours (MQTT.js), which may do everything. */
export class Backend {
  readonly received: Received[] = [];
  readonly #client: MqttClient;

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on("message", (topic, payload) =>
      this.received.push({ topic, text: payload.toString() }),
    );
  }

  /** Connects to a cloud that runs, and listens to a filter. */
  static async open(cloud: Cloud, filter: string): Promise<Backend> {
    const { registry, authority, endpoint, port } = cloud;
    const { privateKey, certificate } = await makeIdentity(authority);
    const { certificateId } = registry.certificates.add(certificate, "ACTIVE");
    if (!registry.policies.find("backend"))
      registry.policies.create(
        "backend",
        JSON.stringify({
          Version: "2012-10-17",
          Statement: [{ Effect: "Allow", Action: "iot:*", Resource: "*" }],
        }),
      );
    registry.attachPolicy("backend", Certificates.arn(certificateId));
    const client = await mqtt.connectAsync({
      protocol: "mqtts",
      host: "127.0.0.1",
      port,
      servername: endpoint,
      clientId: `backend-${certificateId.slice(0, 8)}`,
      ca: authority.roots,
      cert: certificate,
      key: privateKey,
      protocolVersion: 5,
      reconnectPeriod: 0,
    });
    await client.subscribeAsync(filter, { qos: 1 });
    return new Backend(client);
  }

  /** The samples of a node's channel, in the order in which they came, alone or several in one message. */
  samples(channel = "telemetry"): Sample[] {
    return this.received
      .filter(({ topic }) => topic.endsWith(`/${channel}`))
      .map(({ text }) => JSON.parse(text) as Sample & { samples?: Sample[] })
      .flatMap((message) => message.samples ?? [message]);
  }

  /** Publishes as a backend does. */
  async publish(topic: string, text: string): Promise<void> {
    await this.#client.publishAsync(topic, text, { qos: 1 });
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true);
  }
}
