import mqtt, { type MqttClient } from "mqtt";
import type { Cloud } from "../cloud/cloud.js";
import { makeIdentity } from "../cloud/provisioning.js";
import { Certificates } from "../cloud/registry/certificates.js";

const policyName = "fleet-collector";
const clientId = "fleet-collector";

/** How long the cloud keeps what the collector misses, in seconds. */
const sessionExpiryInterval = 3600;

/** A message of the fleet: one sample, or several. */
interface Sample {
  readonly seq: number;
}
interface Samples {
  readonly samples: readonly Sample[];
}

/**
 * The application behind the cloud: takes what the fleet measures, and counts how often each sample came. Its session is
 * kept while the cloud is away, so that it misses nothing that the cloud acknowledged.
 */
export class Collector {
  /** How often each sequence number came, by the name of the thing. */
  readonly seen = new Map<string, Map<number, number>>();
  readonly #client: MqttClient;

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on("message", (topic, payload) => this.#take(topic, payload));
    client.on("error", () => {});
  }

  /** Connects to a cloud that runs; again by itself when that comes back. */
  static async open(cloud: Cloud): Promise<Collector> {
    const { registry, authority, endpoint, port } = cloud;
    const { privateKey, certificate } = await makeIdentity(authority);
    const { certificateId } = registry.certificates.add(certificate, "ACTIVE");
    registry.policies.create(
      policyName,
      JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Action: "iot:*", Resource: "*" }],
      }),
    );
    registry.attachPolicy(policyName, Certificates.arn(certificateId));
    const client = await mqtt.connectAsync({
      protocol: "mqtts",
      host: "127.0.0.1",
      port,
      servername: endpoint,
      clientId,
      ca: authority.roots,
      cert: certificate,
      key: privateKey,
      protocolVersion: 5,
      clean: false,
      properties: { sessionExpiryInterval },
      reconnectPeriod: 1000,
    });
    const collector = new Collector(client);
    await client.subscribeAsync("dt/fieldnode/+/telemetry", { qos: 1 });
    return collector;
  }

  /** Whether a connection is the collector's own. */
  static owns(client: string): boolean {
    return client === clientId;
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true);
  }

  #take(topic: string, payload: Buffer): void {
    const thing = topic.split("/")[2];
    const message = JSON.parse(payload.toString()) as Sample | Samples;
    const counts = this.seen.get(thing) ?? new Map<number, number>();
    this.seen.set(thing, counts);
    for (const { seq } of "samples" in message ? message.samples : [message])
      counts.set(seq, (counts.get(seq) ?? 0) + 1);
  }
}
