import type { Message } from "../mqtt/incoming.js";
import { Failure } from "../system/failure.js";
import { log } from "../system/log.js";
import type { Connection } from "./connection.js";

/** What a flight report needs. */
export interface FlightReportOptions {
  connection: Pick<Connection, "publish" | "subscribe">;
  /** The records as JSON texts, the oldest first. */
  recorder: { read(): string[] };
  /** Any message to this topic asks for a report. */
  request: string;
  /** Where the report is published: `{"connections":[…]}`, with the request's correlation data in MQTT 5. */
  topic: string;
}

/** Publishes the node's last connections (see `ConnectionRecord`) to whoever asks for them. */
export class FlightReport {
  readonly #options: FlightReportOptions;
  #busy = false;

  constructor(options: FlightReportOptions) {
    this.#options = options;
    const { connection, request } = options;
    connection.subscribe(request, { QoS: 1 }, (_topic, _payload, message) => {
      // Somebody who asks again and again gets one answer at a time.
      if (!this.#busy) void this.#publish(message);
    });
  }

  async #publish({ properties }: Message): Promise<void> {
    const { connection, recorder, topic } = this.#options;
    const { correlationData } = properties ?? {};
    this.#busy = true;
    try {
      await connection.publish(
        topic,
        ArrayBuffer.fromString(`{"connections":[${recorder.read().join()}]}`),
        { QoS: 1, ...(correlationData && { properties: { correlationData } }) },
      );
    } catch (error) {
      log("mqtt", String(Failure.from(error, "mqtt.rejected")));
    } finally {
      this.#busy = false;
    }
  }
}
