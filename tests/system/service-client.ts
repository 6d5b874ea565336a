import { decode, encode } from "cborg";
import { WireClient, type Device, type TestCloud } from "./cloud-fixture.js";

/** JSON of any shape, as far as a test looks into it: every member may be there. */
export interface Json {
  readonly [key: string]: Json;
}

/** A message of a service, its JSON or CBOR read. */
export interface ServiceMessage {
  readonly topic: string;
  readonly body: Json;
}

/** A client that speaks to AWS's services over MQTT: publishes requests, collects what comes. */
export class ServiceClient {
  readonly wire: WireClient;

  private constructor(wire: WireClient) {
    this.wire = wire;
  }

  /** Connects, subscribed to `filters`. */
  static async connect(
    cloud: TestCloud,
    device: Device,
    filters: readonly string[] = [],
    clientId = device.name,
  ): Promise<ServiceClient> {
    const wire = await WireClient.connect(cloud, device, { clientId });
    for (const filter of filters) await wire.subscribe(filter);
    return new ServiceClient(wire);
  }

  /** Publishes with QoS 1: an object as JSON, or CBOR where the topic ends so; text and bytes as they are. */
  send(topic: string, body: unknown = ""): void {
    const payload =
      typeof body === "string" || body instanceof Uint8Array
        ? Buffer.from(body as string)
        : topic.endsWith("/cbor")
          ? Buffer.from(encode(body))
          : JSON.stringify(body);
    this.wire.publish(topic, payload, { qos: 1 });
  }

  /** The next message that comes. */
  async next(): Promise<ServiceMessage> {
    const packet = await this.wire.next("publish", 20_000);
    if (packet?.cmd !== "publish") throw new Error("No message came");
    const { topic } = packet;
    const payload = Buffer.from(packet.payload);
    const body: unknown = topic.includes("/cbor")
      ? decode(payload)
      : JSON.parse(payload.toString());
    return { topic, body: body as Json };
  }

  /** Publishes and returns the first message that comes. */
  async request(topic: string, body: unknown = ""): Promise<ServiceMessage> {
    this.send(topic, body);
    return this.next();
  }

  /** Everything that came and was not taken yet, after a round trip. */
  async rest(): Promise<ServiceMessage[]> {
    await this.wire.ping();
    const messages: ServiceMessage[] = [];
    while (this.wire.packets.some(({ cmd }) => cmd === "publish"))
      messages.push(await this.next());
    return messages;
  }

  async close(): Promise<void> {
    await this.wire.disconnect();
  }
}
